import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { isKnownError } from '../core/errors.ts';
import { inputFailure } from '../core/input-failure.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Location, RecordSource, SourceItem } from '../core/record.ts';
import type { ParquetSource } from '../core/source.ts';
import { inChunks, type SizedItem } from './item-chunks.ts';
import { PARSERS, takeDecimals, toDecimal } from './parquet-values.ts';
import { PlainValueError, toPlainFields } from './plain-value.ts';
import { readSeveral } from './several-files.ts';
import { confine, openRegular, type SourcePlace } from './source-path.ts';
import { type OpenFile, refuseChange } from './unchanged.ts';

// A writer may put all rows into one group. So many bytes of values are made into rows at once.
const WINDOW_BYTES = 32_000_000;

/** `source: {parquet: FILE}`: a record a row, group by group and in each group piece by piece. */
export function openParquet(source: ParquetSource, place: SourcePlace): RecordSource {
  return {
    items: (signal) =>
      readSeveral(source.paths, place, (file) => readRows(file, source, place, signal), signal),
  };
}

async function* readRows(
  file: string,
  { columns }: ParquetSource,
  place: SourcePlace,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const path = await confine(file, place);
  const { handle, before } = await openRegular(path, file);
  const opened: OpenFile = { handle, path, file, before };
  try {
    const { parquetMetadataAsync, parquetRead } = await import('hyparquet');
    const { compressors } = await import('hyparquet-compressors');
    const bytes = openBuffer(opened);
    const metadata = await readErrors(opened, () => parquetMetadataAsync(bytes, { geoparquet: false }));
    const names = columnNames(metadata, columns, file);
    const decimals = takeDecimals(metadata);
    const toItems = async function* (): AsyncGenerator<SizedItem> {
      for (const { start, end } of windows(metadata)) {
        signal.throwIfAborted();
        let rows: readonly (readonly unknown[])[] = [];
        await readErrors(opened, () =>
          parquetRead({
            file: bytes,
            metadata,
            columns: [...names],
            rowStart: start,
            rowEnd: end,
            compressors,
            parsers: PARSERS,
            geoparquet: false,
            useOffsetIndex: true,
            // Lists, not objects: a column may be called __proto__.
            rowFormat: 'array',
            onComplete: (read) => {
              rows = read;
            },
          }),
        );
        for (const [index, row] of rows.entries()) {
          const at = { file: `${file} (row ${start + index + 1})`, line: null };
          yield toItem(row, names, decimals, at);
        }
      }
    };
    yield* inChunks(toItems(), signal);
    await refuseChange(opened);
  } finally {
    await handle.close();
  }
}

/**
 * The file as hyparquet reads it: the packed bytes of a column of one group at a time, and again for each window of it.
 */
function openBuffer({ handle, before }: OpenFile): AsyncBuffer {
  const byteLength = Number(before.size);
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const from = start < 0 ? Math.max(byteLength + start, 0) : start;
      const length = Math.max(Math.min(end, byteLength) - from, 0);
      const buffer = new Uint8Array(length);
      for (let read = 0; read < length; ) {
        const { bytesRead } = await handle.read(buffer, read, length - read, from + read);
        if (bytesRead === 0) throw new RangeError('the file ends before its data do');
        read += bytesRead;
      }
      return buffer.buffer;
    },
  };
}

function columnNames(
  metadata: FileMetaData,
  wanted: readonly string[] | null,
  file: string,
): readonly string[] {
  const there = [
    ...new Set(
      metadata.row_groups.flatMap((group) =>
        group.columns.map((column) => column.meta_data?.path_in_schema[0] ?? ''),
      ),
    ),
  ];
  const missing = there.length === 0 ? undefined : wanted?.find((name) => !there.includes(name));
  if (missing === undefined) return wanted ?? there;
  const guess = didYouMean(missing, there);
  throw inputFailure({
    code: 'parquet_column',
    file,
    problem: `there is no column "${missing}"${guess === '' ? `; there are: ${there.join(', ')}` : guess}`,
    next: 'mend "source.parquet.columns"',
  });
}

/** Ranges of rows that are worked on at once: groups, or pieces of those that hold too much. */
function* windows(metadata: FileMetaData): Generator<{ readonly start: number; readonly end: number }> {
  let first = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const pieces = Math.max(Math.ceil(Number(group.total_byte_size) / WINDOW_BYTES), 1);
    const size = Math.max(Math.ceil(rows / pieces), 1);
    for (let start = 0; start < rows; start += size)
      yield { start: first + start, end: first + Math.min(start + size, rows) };
    first += rows;
  }
}

function toItem(
  row: readonly unknown[],
  names: readonly string[],
  decimals: ReadonlyMap<string, number>,
  at: Location,
): SizedItem {
  try {
    const columns = names.map((name, index): readonly [string, unknown] => {
      const scale = decimals.get(name);
      const value = row[index] ?? null;
      return [name, scale === undefined || value === null ? value : toDecimal(value, scale)];
    });
    const { fields, characters } = toPlainFields(columns);
    return { item: { kind: 'record', fields, at }, characters };
  } catch (error) {
    if (!(error instanceof PlainValueError)) throw error;
    const problem = `${error.problem}; leave the column out with "source.parquet.columns"`;
    return { item: { kind: 'problem', problem, at }, characters: 0 };
  }
}

/** hyparquet throws plain errors, and those of the engine where the data are damaged. */
async function readErrors<T>(opened: OpenFile, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (isKnownError(cause)) throw cause;
    await refuseChange(opened);
    throw inputFailure({
      code: 'source_parquet',
      file: opened.file,
      problem: `it cannot be read as Parquet: ${cause instanceof Error ? cause.message : String(cause)}`,
      next: 'make the file again, or convert it to JSONL',
      cause,
    });
  }
}
