import { linesFile, openLineWriter } from './batch-files.ts';
import { insertBatch, type NewBatch } from './batches.ts';
import type { Db } from './database.ts';
import { hashText, randomId } from './hash.ts';
import { buildRowTable, type RowTable } from './row-table.ts';

const APART_US = 1000;

/** A foreign batch whose lines are written, and which is not stored yet. */
export interface ForeignBatch {
  readonly batch: NewBatch;
  readonly rows: RowTable;
}

/**
 * Makes batches of somebody else in the same workspace: as many requests as ours, other custom_ids, created within
 * milliseconds of it, and ending with it. That is all that a list shows of a batch.
 */
export function writeColleagueBatches(stateDir: string, ours: NewBatch, eachSide: number): ForeignBatch[] {
  const offsets = Array.from({ length: eachSide }, (_, index) => (index + 1) * APART_US);
  const createdUs = [...offsets.map((offset) => -offset).reverse(), ...offsets].map(
    (offset) => ours.createdUs + offset,
  );
  return createdUs.map((us) => writeForeignBatch(stateDir, ours, us));
}

/** Stores foreign batches. */
export function insertForeignBatches(db: Db, foreign: readonly ForeignBatch[]): void {
  for (const { batch, rows } of foreign) insertBatch(db, batch, rows);
}

function writeForeignBatch(stateDir: string, ours: NewBatch, createdUs: number): ForeignBatch {
  const id = randomId('msgbatch');
  const name = `colleague-${id.slice(-8)}`;
  const lines = openLineWriter(linesFile(stateDir, id));
  const table = buildRowTable();
  for (let index = 0; index < ours.requests; index += 1) {
    const customId = `${name}-${index}`;
    const messages = [{ role: 'user', content: `Row ${index} of somebody else's batch.` }];
    const params = { model: 'claude-haiku-5-5', max_tokens: 256, messages };
    table.add(
      lines.write(Buffer.from(JSON.stringify({ custom_id: customId, params }))),
      hashText(customId),
      false,
    );
  }
  lines.close();
  return {
    rows: table.finish(),
    batch: {
      ...ours,
      id,
      createdUs,
      finishesUs: Math.max(ours.finishesUs, createdUs),
      invalidRequests: 0,
      bodySha256: '',
      firstCustomId: `${name}-0`,
      isForeign: true,
    },
  };
}
