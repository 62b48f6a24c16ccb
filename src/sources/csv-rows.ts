import { CsvError, type InfoRecord, Parser } from 'csv-parse';
import type { Location, SourceItem } from '../core/record.ts';
import type { CsvSource } from '../core/source.ts';
import { detectDelimiter, readHeader } from './csv-header.ts';
import { MAX_LINE_BYTES } from './source-lines.ts';

/** Rows of a CSV file out of its bytes. */
export interface RowReader {
  push(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
  /** The items since the last call. */
  take(): SourceItem[];
  /** Whether quoting or the header broke, after which no row can be told from another. */
  isBroken(): boolean;
  /** Lines with nothing in them before the last row, so far. */
  blankLines(): number;
}

// A row is held as a list, and each of its values costs, also one of no characters; a spreadsheet has 16,384 columns.
const MAX_ROW_VALUES = 2_000_000;

export interface RowOptions extends Pick<CsvSource, 'delimiter' | 'quote'> {
  /** What is wrong with the columns; null when nothing is. */
  acceptHeader(names: readonly string[]): string | null;
}

/**
 * Feeds csv-parse and collects its rows by callback: pushing each through a stream costs twice the time. Bytes must be
 * UTF-8 and not cut inside a character. Throws InputError `csv_header` when the first line cannot name the columns.
 */
export function createRowReader(file: string, options: RowOptions): RowReader {
  let items: SourceItem[] = [];
  let header: readonly string[] | null = null;
  let nextLine = 1;
  let blankLines = 0;
  let broken = false;
  let failure: unknown = null;

  const startParser = (delimiter: string): Parser => {
    const started = new Parser({
      delimiter,
      quote: options.quote,
      escape: options.quote ?? '"',
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
        if (broken) return null;
        if (header === null) takeHeader(row, line, delimiter);
        else items.push(toItem(row, header, { file, line }, delimiter));
        return null;
      },
    });
    started.on('error', (error) => {
      if (error instanceof CsvError) {
        broken = true;
        items.push({
          kind: 'problem',
          problem: quoteProblem(error.code, options.quote),
          at: { file, line: nextLine },
        });
      } else {
        failure = error;
      }
    });
    return started;
  };
  const takeHeader = (row: readonly string[], line: number, delimiter: string): void => {
    header = readHeader(row, { file, line, delimiter });
    const problem = options.acceptHeader(header);
    if (problem === null) return;
    broken = true;
    items.push({ kind: 'problem', problem, at: { file, line } });
  };
  /** Of a row that has had no end for some chunks. */
  let values = 0;
  const refuseWideRow = (bytes: Buffer, delimiter: string): void => {
    if (bytes.includes(0x0a) || bytes.includes(0x0d)) values = 0;
    else values += countOf(delimiter, bytes);
    if (values <= MAX_ROW_VALUES || broken) return;
    broken = true;
    const problem = `the row has more than ${MAX_ROW_VALUES.toLocaleString('en-US')} values`;
    items.push({ kind: 'problem', problem, at: { file, line: nextLine } });
  };
  let detected = options.delimiter === 'auto' ? null : options.delimiter;
  let parser = detected === null ? null : startParser(detected);

  const settled = (): void => {
    if (failure !== null) throw failure;
  };
  return {
    async push(bytes) {
      detected ??= detectDelimiter(bytes.toString('utf8'), options.quote);
      parser ??= startParser(detected);
      refuseWideRow(bytes, detected);
      const feeding = parser;
      if (!broken) await new Promise<void>((resolve) => feeding.write(bytes, () => resolve()));
      settled();
    },
    async end() {
      const ending = parser;
      if (!broken && ending !== null)
        await new Promise<void>((resolve) =>
          ending
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
    blankLines: () => blankLines,
  };
}

function toItem(
  row: readonly string[],
  header: readonly string[],
  at: Location,
  delimiter: string,
): SourceItem {
  if (row.length !== header.length) {
    const name = delimiter === ',' ? 'comma' : `delimiter (${JSON.stringify(delimiter)})`;
    return {
      kind: 'problem',
      problem: `the row has ${row.length} values, the header ${header.length}; a value with a ${name} or a line break needs double quotes`,
      at,
    };
  }
  const fields: Record<string, unknown> = Object.create(null);
  for (let index = 0; index < header.length; index += 1) fields[header[index] ?? ''] = row[index];
  return { kind: 'record', fields, at };
}

function countOf(delimiter: string, bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(delimiter); at !== -1; at = bytes.indexOf(delimiter, at + 1)) count += 1;
  return count;
}

function lineBreaks(value: string): number {
  if (!value.includes('\n') && !value.includes('\r')) return 0;
  return value.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function quoteProblem(code: string, quote: string | null): string {
  const name = quote === '"' || quote === null ? 'double quote' : `quote (${quote})`;
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return `a ${name} is opened in this row and never closed`;
    case 'CSV_MAX_RECORD_SIZE':
      return `the row has more than ${MAX_LINE_BYTES.toLocaleString('en-US')} characters; is a ${name} opened in it and not closed?`;
    default:
      return `a ${name} stands inside a value of this row; write it twice (${(quote ?? '"').repeat(2)}) and the value in quotes. The rest of the file was not read`;
  }
}
