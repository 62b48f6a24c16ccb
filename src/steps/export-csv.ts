import { cellsOf, cellText, type ExportColumn } from './export-columns.ts';
import { PIECE_CHARACTERS } from './export-json.ts';
import type { ExportRow } from './export-rows.ts';

export interface CsvOptions {
  /** A byte order mark, by which Excel knows UTF-8. */
  readonly bom: boolean;
  /** Cells that a spreadsheet would run as a formula stay as they are. */
  readonly raw: boolean;
}

/** A header line, then a line a row, RFC 4180. Pieces of text, never cut inside a row. */
export async function* csvText(
  rows: AsyncIterable<ExportRow>,
  columns: readonly ExportColumn[],
  options: CsvOptions,
): AsyncGenerator<string> {
  const { stringify } = await import('csv-stringify/sync');
  const guard = options.raw ? (text: string): string => text : guardFormula;
  const toLines = (lines: readonly (readonly string[])[]): string =>
    stringify([...lines], {
      record_delimiter: '\r\n',
      // Given a delimiter of records it would leave the other line ends unquoted, which readers take for row ends too.
      quote_record_delimiter: true,
      // An empty line is no row to most readers.
      quoted_empty: columns.length === 1,
    });
  yield (options.bom ? '\uFEFF' : '') + toLines([columns.map(({ name }) => guard(name))]);
  let pending: string[][] = [];
  let characters = 0;
  for await (const row of rows) {
    const cells = cellsOf(row, columns).map((cell) => guard(cellText(cell)));
    pending.push(cells);
    for (const cell of cells) characters += cell.length;
    if (characters < PIECE_CHARACTERS) continue;
    yield toLines(pending);
    pending = [];
    characters = 0;
  }
  if (pending.length > 0) yield toLines(pending);
}

// What makes spreadsheets take a cell for a formula, and what they drop before they look: OWASP «CSV Injection», ASVS
// 1.2.10, CWE-1236. The full-width twins are taken for the plain ones by programs that normalize (Apple Numbers).
const FORMULA = /^\uFEFF?[=+\-@\t\r\n\0\uFF1D\uFF0B\uFF0D\uFF20]/;
const NEGATIVE_NUMBER = /^-\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A cell that a spreadsheet would run gets an apostrophe before it; a plain negative number runs nothing and stays. */
export function guardFormula(text: string): string {
  return FORMULA.test(text) && !NEGATIVE_NUMBER.test(text) ? `'${text}` : text;
}
