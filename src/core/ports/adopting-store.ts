import type { Job } from '../job.ts';
import type { Adoption, BatchOwner, NewRow, RowClash, ShardOwner } from './store-views.ts';

/** What the store does with batches that this workspace did not make: each becomes a job of one shard (core/adopted.ts). */
export interface AdoptingStore {
  /**
   * One commit makes the job, its shard and its submission, which count as sent with the batch as their answer. A batch
   * that is some submission's already stays with it: its job comes back.
   */
  adoptBatch(adoption: Adoption): Promise<{ readonly job: Job; readonly isNew: boolean }>;
  /** Rows of such a job, in order; `addRows` for a shard that was sent. One transaction. */
  addAdoptedRows<Row extends NewRow & { readonly shardId: number }>(
    shardId: number,
    rows: readonly Row[],
    elsewhere?: (row: Row) => Row,
  ): Promise<readonly RowClash[]>;
  /** Its results have other ids than its rows: those are to be made again. One transaction. */
  dropAdoptedRows(shardId: number): Promise<void>;
  /** The batch is one of our own after all: the job is forgotten, and the batch is nobody's. */
  dropAdopted(jobId: number): Promise<void>;
  /** The first of these nonces that is a shard's; null when none is. */
  shardOfNonce(nonces: readonly string[]): Promise<ShardOwner | null>;
  /** Of each id that is, or may be, a batch of ours: whose. */
  batchOwners(ids: readonly string[]): Promise<ReadonlyMap<string, BatchOwner>>;
}
