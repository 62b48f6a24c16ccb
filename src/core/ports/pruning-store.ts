import type { PrunedParts } from '../pruned.ts';

/** What the store does for `prune`. The caller holds the job's lock. */
export interface PruningStore {
  /**
   * Says that these things of a final job are about to be removed, in its journal first; of answers also what they came to.
   *
   * @throws StoreError when it cannot be said; then nothing may be removed.
   */
  recordPruned(jobId: number, parts: PrunedParts): Promise<void>;
  /** The rows of a final job; what its shards came to stays. Not one transaction: may be called again. */
  dropRows(jobId: number): Promise<void>;
  /** A job that was never submitted is one of a build that was cut off from then on. @throws StoreError when it was. */
  unbuildJob(jobId: number): Promise<void>;
  /** Whether so much of the database is empty that it is worth the copy that makes it smaller. */
  isCompactable(): Promise<boolean>;
  /** Gives the room of rows that are gone back to the disk, where it is much. Nobody else can write meanwhile. @returns bytes. */
  compact(): Promise<number>;
}
