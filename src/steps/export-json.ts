import { cellsOf, type ExportColumn } from './export-columns.ts';
import type { ExportRow } from './export-rows.ts';

/** Rows are put together to pieces of about so much before they are written: a call a row costs more than its bytes. */
export const PIECE_CHARACTERS = 64 * 1024;

/** An object a line. Every value is copied as it was written, so no number changes. */
export async function* jsonlText(
  rows: AsyncIterable<ExportRow>,
  columns: readonly ExportColumn[] | null,
): AsyncGenerator<string> {
  yield* joined(rows, (row) => `${objectOf(row, columns)}\n`);
}

/** One list of the same objects, each on a line of its own. */
export async function* jsonText(
  rows: AsyncIterable<ExportRow>,
  columns: readonly ExportColumn[] | null,
): AsyncGenerator<string> {
  let isFirst = true;
  yield* joined(rows, (row) => {
    const start = isFirst ? '[\n' : ',\n';
    isFirst = false;
    return start + objectOf(row, columns);
  });
  yield isFirst ? '[]\n' : '\n]\n';
}

/** Texts of rows as larger pieces. */
export async function* joined(
  rows: AsyncIterable<ExportRow>,
  toText: (row: ExportRow) => string,
): AsyncGenerator<string> {
  let piece = '';
  for await (const row of rows) {
    piece += toText(row);
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** With columns a flat object of them; else the line of results.jsonl with the record in it, after the id. */
function objectOf(row: ExportRow, columns: readonly ExportColumn[] | null): string {
  if (columns === null) {
    // An id has no comma, so the first one ends it.
    const idEnd = row.resultJson.indexOf(',');
    return `${row.resultJson.slice(0, idEnd)},"record":${row.recordJson}${row.resultJson.slice(idEnd)}`;
  }
  const cells = cellsOf(row, columns);
  const members = columns.map(({ name }, index) => `${JSON.stringify(name)}:${cells[index] ?? 'null'}`);
  return `{${members.join(',')}}`;
}
