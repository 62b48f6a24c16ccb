import type { ResultsTable, TableValue } from '../core/ports/results-table.ts';
import { cellsOf, cellText, type ExportColumn } from './export-columns.ts';
import { PIECE_CHARACTERS } from './export-json.ts';
import type { ExportRow } from './export-rows.ts';

/** Writes every row into the table, whose columns are `tableNames` of the same columns. Finishing it is the caller's. */
export async function fillTable(
  table: ResultsTable,
  rows: AsyncIterable<ExportRow>,
  columns: readonly ExportColumn[],
): Promise<void> {
  let pending: (readonly TableValue[])[] = [];
  let characters = 0;
  for await (const row of rows) {
    pending.push(cellsOf(row, columns).map(tableValue));
    characters += row.recordJson.length + row.resultJson.length;
    if (characters < PIECE_CHARACTERS) continue;
    table.add(pending);
    pending = [];
    characters = 0;
  }
  table.add(pending);
}

/** Names that SQL takes without quotes (but for its key words, such as `group`), unique as SQLite compares them. */
export function tableNames(columns: readonly ExportColumn[]): readonly string[] {
  const taken = new Set<string>();
  return columns.map(({ name }) => {
    const plain = name.normalize('NFC').replace(/[^\p{L}\p{N}_]+/gu, '_');
    const legal = plain === '' || /^\p{N}/u.test(plain) ? `_${plain}` : plain;
    let unique = legal;
    for (let n = 2; taken.has(unique.toLowerCase()); n += 1) unique = `${legal}_${n}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

const INTEGER = /^-?\d+$/;
const MAX_INTEGER = 2n ** 63n - 1n;

/**
 * A JSON text as SQLite holds it: numbers as INTEGER or REAL where those hold every digit, else as TEXT; true and false
 * as 1 and 0; lists and objects as JSON text.
 */
export function tableValue(cell: string | null): TableValue {
  if (cell === null || cell === 'null') return null;
  if (cell === 'true') return 1n;
  if (cell === 'false') return 0n;
  if (INTEGER.test(cell)) {
    const value = BigInt(cell);
    return value <= MAX_INTEGER && value >= -MAX_INTEGER - 1n ? value : cell;
  }
  const isNumber = /^-?\d/.test(cell);
  if (!isNumber) return cellText(cell);
  const value = Number(cell);
  return Number.isFinite(value) && isHeldByDouble(cell, value) ? value : cell;
}

/** 15 significant digits always survive in a double; of more, those that it prints again. IEEE 754 binary64. */
function isHeldByDouble(written: string, value: number): boolean {
  const [mantissa = ''] = written.split(/[eE]/);
  return mantissa.replace(/\D/g, '').replace(/^0+/, '').length <= 15 || String(value) === written;
}
