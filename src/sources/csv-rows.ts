import { CsvError, type InfoRecord, Parser } from 'csv-parse';
import { inputFailure } from '../core/input-failure.ts';
import type { SourceItem } from '../core/record.ts';
import { MAX_LINE_BYTES } from './source-lines.ts';

/** Rows of a CSV file out of its bytes. */
export interface RowReader {
  push(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
  /** The items since the last call. */
  take(): SourceItem[];
  /** Whether quoting broke, after which no row can be told from another. */
  isBroken(): boolean;
}

/**
 * Feeds csv-parse and collects its rows by callback: pushing each through a stream costs twice the time. Bytes must be
 * UTF-8 and not cut inside a character. Throws InputError `csv_header` when the first line cannot name the columns.
 */
export function createRowReader(file: string): RowReader {
  let items: SourceItem[] = [];
  let header: readonly string[] | null = null;
  let nextLine = 1;
  let blankLines = 0;
  let broken = false;
  let failure: unknown = null;

  const parser = new Parser({
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_LINE_BYTES,
    on_record: (row: readonly string[], info: InfoRecord) => {
      // csv-parse counts CRLF inside quotes twice (7.0.3), so lines are counted from the values.
      const line = nextLine + info.empty_lines - blankLines;
      blankLines = info.empty_lines;
      nextLine = line + 1;
      for (const value of row) nextLine += lineBreaks(value);
      if (header === null) header = checkHeader(row, file, line);
      else items.push(toItem(row, header, file, line));
      return null;
    },
  });
  parser.on('error', (error) => {
    if (error instanceof CsvError) {
      broken = true;
      items.push({ kind: 'problem', problem: quoteProblem(error.code), at: { file, line: nextLine } });
    } else {
      failure = error;
    }
  });

  const settled = (): void => {
    if (failure !== null) throw failure;
  };
  return {
    async push(bytes) {
      if (!broken) await new Promise<void>((resolve) => parser.write(bytes, () => resolve()));
      settled();
    },
    async end() {
      if (!broken)
        await new Promise<void>((resolve) =>
          parser
            .once('error', () => resolve())
            .once('close', resolve)
            .end()
            .resume(),
        );
      settled();
    },
    take() {
      const taken = items;
      items = [];
      return taken;
    },
    isBroken: () => broken,
  };
}

function toItem(row: readonly string[], header: readonly string[], file: string, line: number): SourceItem {
  const at = { file, line };
  if (row.length !== header.length) {
    return {
      kind: 'problem',
      problem: `the row has ${row.length} values, the header ${header.length}; a value with a comma or a line break needs double quotes`,
      at,
    };
  }
  const fields: Record<string, unknown> = Object.create(null);
  for (let index = 0; index < header.length; index += 1) fields[header[index] ?? ''] = row[index];
  return { kind: 'record', fields, at };
}

function checkHeader(row: readonly string[], file: string, line: number): readonly string[] {
  const names = row.map((name) => name.trim());
  const refuse = (problem: string, next: string): Error =>
    inputFailure({ code: 'csv_header', file, line, problem, next });
  const empty = names.indexOf('');
  if (empty !== -1)
    throw refuse(
      `column ${empty + 1} of the header has no name`,
      'give every column a name in the first line',
    );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw refuse(`two columns of the header are called "${twice}"`, 'rename one of them');
  const single = names.length === 1 ? names[0] : undefined;
  const delimiter = single?.includes(';') ? 'semicolons' : single?.includes('\t') ? 'tabs' : null;
  if (delimiter !== null)
    throw refuse(`the columns are separated by ${delimiter}, not commas`, 'save the file with commas');
  return names;
}

function lineBreaks(value: string): number {
  if (!value.includes('\n') && !value.includes('\r')) return 0;
  return value.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function quoteProblem(code: string): string {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a double quote is opened in this row and never closed';
    case 'CSV_MAX_RECORD_SIZE':
      return `the row has more than ${MAX_LINE_BYTES.toLocaleString('en-US')} characters; is a double quote opened in it and not closed?`;
    default:
      return 'a double quote stands inside a value of this row; write it twice ("") and the value in quotes. The rest of the file was not read';
  }
}
