import { z } from 'zod';
import type { Db } from './database.ts';
import { packRowTable, type RowTable, unpackRowTable } from './row-table.ts';

/** A batch as stored. What it is at a moment, in progress or ended, follows from these and the clock. */
export interface Batch {
  readonly number: number;
  readonly id: string;
  readonly workspaceId: string;
  readonly requests: number;
  /** How many requests have params that the API refuses. */
  readonly invalidRequests: number;
  /** The stamp that the API shows. */
  readonly createdUs: number;
  /** When it was really stored; differs from createdUs with the fault `created-at=first-byte`. */
  readonly storedUs: number;
  /** When its last row is processed, if nothing comes between. */
  readonly finishesUs: number;
  readonly canceledUs: number | null;
  readonly apiVersion: string;
  readonly betas: readonly string[];
  readonly bodySha256: string;
  readonly firstCustomId: string;
  /** Made by the fault `colleague`, not by a create call. */
  readonly isForeign: boolean;
}

/** A batch that is about to be stored. */
export type NewBatch = Omit<Batch, 'number' | 'canceledUs'>;

interface BatchRow {
  readonly number: number;
  readonly id: string;
  readonly workspace_id: string;
  readonly requests: number;
  readonly invalid_requests: number;
  readonly created_us: number;
  readonly stored_us: number;
  readonly finishes_us: number;
  readonly canceled_us: number | null;
  readonly api_version: string;
  readonly betas_json: string;
  readonly body_sha256: string;
  readonly first_custom_id: string;
  readonly is_foreign: number;
}

const COLUMNS = `
  number, id, workspace_id, requests, invalid_requests, created_us, stored_us, finishes_us, canceled_us,
  api_version, betas_json, body_sha256, first_custom_id, is_foreign
`;

const betasSchema = z.array(z.string());

/** Stores a batch and what is kept of its rows. */
export function insertBatch(db: Db, batch: NewBatch, rows: RowTable): void {
  const { betas, isForeign, ...values } = batch;
  db.prepare(`
    INSERT INTO batches (
      id, workspace_id, requests, invalid_requests, created_us, stored_us, finishes_us,
      api_version, betas_json, body_sha256, first_custom_id, is_foreign
    ) VALUES (
      :id, :workspaceId, :requests, :invalidRequests, :createdUs, :storedUs, :finishesUs,
      :apiVersion, :betasJson, :bodySha256, :firstCustomId, :isForeign
    )
  `).run({ ...values, betasJson: JSON.stringify(betas), isForeign: isForeign ? 1 : 0 });
  db.prepare('INSERT INTO batch_rows (batch_id, row_table) VALUES (:id, :packed)').run({
    id: batch.id,
    packed: packRowTable(rows),
  });
}

/** The batch of this id in this workspace; null when there is none, or no longer. */
export function findBatch(db: Db, workspaceId: string, id: string): Batch | null {
  const row = db
    .prepare(`
    SELECT ${COLUMNS}
    FROM batches
    WHERE id = :id AND workspace_id = :workspaceId AND deleted_us IS NULL
  `)
    .get({ id, workspaceId });
  return row === undefined ? null : toBatch(row);
}

/** All batches of a workspace, the one stored last first; with `most` no more of them. */
export function listBatches(db: Db, workspaceId: string, most: number | null = null): Batch[] {
  const rows = db
    .prepare(`
    SELECT ${COLUMNS}
    FROM batches
    WHERE workspace_id = :workspaceId AND deleted_us IS NULL
    ORDER BY created_us DESC, number DESC
    LIMIT :most
  `)
    .all({ workspaceId, most: most ?? -1 });
  return rows.map(toBatch);
}

/** Every batch there ever was, deleted ones too, in the order in which they were stored. */
export function listAllBatches(db: Db): Batch[] {
  return db.prepare(`SELECT ${COLUMNS} FROM batches ORDER BY number`).all().map(toBatch);
}

/** What is kept of the rows of a batch. */
export function readRowTable(db: Db, batchId: string): RowTable {
  const packed = db
    .prepare('SELECT row_table FROM batch_rows WHERE batch_id = :batchId')
    .pluck()
    .get({ batchId });
  if (!(packed instanceof Uint8Array))
    throw new Error(`the rows of ${batchId} are not in the emulator's database`);
  return unpackRowTable(packed);
}

/** Notes that a cancel was asked for; only the first one counts. */
export function markBatchCanceled(db: Db, id: string, canceledUs: number): void {
  db.prepare('UPDATE batches SET canceled_us = coalesce(canceled_us, :canceledUs) WHERE id = :id').run({
    id,
    canceledUs,
  });
}

/** Takes a batch out of sight; its row stays, so that the log of what was created is whole. */
export function markBatchDeleted(db: Db, id: string, deletedUs: number): void {
  db.prepare('UPDATE batches SET deleted_us = :deletedUs WHERE id = :id').run({ id, deletedUs });
}

function toBatch(value: unknown): Batch {
  const row = value as BatchRow; // holds: COLUMNS of a STRICT table
  return {
    number: row.number,
    id: row.id,
    workspaceId: row.workspace_id,
    requests: row.requests,
    invalidRequests: row.invalid_requests,
    createdUs: row.created_us,
    storedUs: row.stored_us,
    finishesUs: row.finishes_us,
    canceledUs: row.canceled_us,
    apiVersion: row.api_version,
    betas: betasSchema.parse(JSON.parse(row.betas_json)),
    bodySha256: row.body_sha256,
    firstCustomId: row.first_custom_id,
    isForeign: row.is_foreign === 1,
  };
}
