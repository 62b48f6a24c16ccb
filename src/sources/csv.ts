import type { RecordSource, SourceItem } from '../core/record.ts';
import type { CsvSource } from '../core/source.ts';
import { headerDifference } from './csv-header.ts';
import { createRowReader } from './csv-rows.ts';
import { utf8Chunks } from './csv-text.ts';
import { readSeveral } from './several-files.ts';
import { openSourceFile } from './source-file.ts';
import type { SourcePlace } from './source-path.ts';

/**
 * `source: {csv: FILE}`: a header line with the names of the columns, then a record a row (RFC 4180). Each of several
 * files has a header; one with other columns is a problem, and its rows are not read.
 */
export function openCsv(source: CsvSource, place: SourcePlace): RecordSource {
  let skipped = 0;
  return {
    items(signal) {
      skipped = 0;
      let first: { readonly file: string; readonly names: readonly string[] } | null = null;
      const acceptHeader = (names: readonly string[], file: string): string | null => {
        first ??= { file, names };
        return headerDifference(names, first);
      };
      const count = (blank: number): void => {
        skipped += blank;
      };
      return readSeveral(
        source.paths,
        place,
        (file) => readRows(file, { source, place, signal, acceptHeader, count }),
        signal,
      );
    },
    skipped: () => skipped,
  };
}

interface Reading {
  readonly source: CsvSource;
  readonly place: SourcePlace;
  readonly signal: AbortSignal;
  /** What is wrong with the columns of one file of several. */
  acceptHeader(names: readonly string[], file: string): string | null;
  count(blankLines: number): void;
}

async function* readRows(
  path: string,
  { source, place, signal, acceptHeader, count }: Reading,
): AsyncGenerator<readonly SourceItem[]> {
  const allowUtf16 = source.encoding === null || source.encoding === 'utf16le';
  const opened = await openSourceFile(path, place, signal, { allowUtf16 });
  const { file } = opened;
  const rows = createRowReader(file, { ...source, acceptHeader: (names) => acceptHeader(names, file) });
  try {
    for await (const bytes of utf8Chunks(opened, source.encoding)) {
      if ('problem' in bytes) {
        yield [...rows.take(), { kind: 'problem', problem: bytes.problem, at: { file, line: bytes.line } }];
        return;
      }
      await rows.push(bytes);
      const items = rows.take();
      if (items.length > 0) yield items;
      if (rows.isBroken()) return;
    }
    await rows.end();
    const items = rows.take();
    if (items.length > 0) yield items;
  } finally {
    count(rows.blankLines());
    await opened.close();
  }
}
