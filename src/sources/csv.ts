import type { RecordSource, SourceItem } from '../core/record.ts';
import { findInvalidUtf8, incompleteTail } from '../core/utf8.ts';
import { createRowReader } from './csv-rows.ts';
import { openSourceFile, type SourceFile } from './source-file.ts';
import type { SourcePlace } from './source-path.ts';

/** `source: {csv: FILE}`: a header line with the names of the columns, then a record a row (RFC 4180). */
export function openCsv(file: string, place: SourcePlace): RecordSource {
  return { items: (signal) => readRows(file, place, signal) };
}

async function* readRows(
  file: string,
  place: SourcePlace,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const source = await openSourceFile(file, place);
  const rows = createRowReader(file);
  try {
    for await (const bytes of wholeCharacters(source, signal)) {
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
    await source.close();
  }
}

interface InvalidText {
  readonly line: number;
  readonly problem: string;
}

/** The file in chunks that never cut a character; ends at the first bytes that are not UTF-8. */
async function* wholeCharacters(
  source: SourceFile,
  signal: AbortSignal,
): AsyncGenerator<Buffer | InvalidText> {
  let tail = Buffer.alloc(0);
  let offset = source.startOffset;
  let line = 1;
  const invalidAt = (bytes: Buffer, position: number): InvalidText => ({
    line: line + countLines(bytes.subarray(0, position)),
    problem: `not UTF-8 at byte ${offset + position} of the file; convert it: iconv -f WINDOWS-1252 -t UTF-8`,
  });
  for await (const chunk of source.chunks(signal)) {
    const joined = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    const whole = joined.subarray(0, joined.length - incompleteTail(joined));
    const invalid = findInvalidUtf8(whole);
    if (invalid !== -1) {
      yield invalidAt(whole, invalid);
      return;
    }
    yield whole;
    tail = Buffer.from(joined.subarray(whole.length));
    offset += whole.length;
    line += countLines(whole);
  }
  if (tail.length > 0) yield invalidAt(tail, 0);
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) lines += 1;
  return lines;
}
