import type { Batch } from './batches.ts';
import type { Fault } from './faults.ts';
import { type RowResult, type StoredRow, succeed } from './row-result.ts';

const PIECE = 'emulated '.repeat(8192);
const MARK = '[emulated] a long line: ';

// What a made-up line is made from, where the row's own params may be ones that have no answer.
const SAMPLE_PARAMS = {
  model: 'claude-haiku-5-5',
  max_tokens: 512,
  messages: [{ role: 'user', content: 'a line that a fault made up' }],
};

/** One row on its way out. */
export interface OutgoingRow {
  readonly position: number;
  readonly row: StoredRow;
  readonly result: RowResult;
  readonly batch: Batch;
}

/** The text that a row becomes: one line, or what the fault makes of it. Pieces come one by one, as they may be long. */
export function* linesOf(outgoing: OutgoingRow, fault: Fault | null): Generator<string | Buffer> {
  const { position, row, result, batch } = outgoing;
  const line = `${JSON.stringify(result)}\n`;
  const isFirst = position === 0;
  switch (fault?.name) {
    case 'results-blank-lines':
      yield position % 3 === 0 ? `\n${line}` : line;
      return;
    case 'results-duplicate':
      yield position % 10 === 0 ? line + line : line;
      return;
    case 'results-conflict':
      yield line;
      if (isFirst) yield madeUpLine(row, batch);
      return;
    case 'results-unknown':
      if (isFirst) yield madeUpLine({ ...row, customId: 'never-sent-0001' }, batch);
      yield line;
      return;
    case 'results-garbage':
      if (isFirst) yield `${line.slice(0, line.length / 2)}\n`;
      yield line;
      return;
    case 'results-odd-type':
      yield isFirst ? `${JSON.stringify({ custom_id: row.customId, result: { type: 'deferred' } })}\n` : line;
      return;
    case 'results-odd-bytes':
      if (isFirst) yield '\ufeff';
      yield isFirst ? oddBytes(result) : line.replace('\n', '\r\n');
      return;
    case 'results-odd-block':
      yield isFirst ? line.replace('"content":[', '"content":[{"type":"hologram","depth":3},') : line;
      return;
    case 'results-long-line':
      if (isFirst) yield* longLine(row, batch, fault.amount);
      else yield line;
      return;
    case 'results-long-lines':
      yield* longLine(row, batch, fault.amount);
      return;
    default:
      yield line;
  }
}

/** Raw U+2028 and a byte that no UTF-8 has, inside the text. */
function oddBytes(result: RowResult): Buffer {
  const line = JSON.stringify(result);
  const at = line.indexOf('[emulated]');
  return Buffer.concat([
    Buffer.from(`${line.slice(0, at)}\u2028`),
    Buffer.from([0xff]),
    Buffer.from(`${line.slice(at)}\r\n`),
  ]);
}

/** After how many rows of these the answer breaks off; null when it does not. At least one row is always short. */
export function breakAfter(fault: Fault | null, rows: number): number | null {
  if (fault === null || !['results-cut', 'results-short', 'results-stall'].includes(fault.name)) return null;
  return Math.max(0, Math.min(Math.floor(fault.amount * rows), rows - 1));
}

function madeUpLine(row: StoredRow, batch: Batch): string {
  const result = succeed({ ...row, params: SAMPLE_PARAMS }, batch, new Map());
  return `${JSON.stringify({ custom_id: row.customId, result })}\n`;
}

function* longLine(row: StoredRow, batch: Batch, bytes: number): Generator<string> {
  const result = succeed({ ...row, params: SAMPLE_PARAMS }, batch, new Map());
  const line = JSON.stringify({ custom_id: row.customId, result }, (key, value) =>
    key === 'text' ? MARK : value,
  );
  const end = line.indexOf(MARK) + MARK.length;
  yield line.slice(0, end);
  for (let left = bytes - MARK.length; left > 0; left -= PIECE.length) yield PIECE.slice(0, left);
  yield `${line.slice(end)}\n`;
}
