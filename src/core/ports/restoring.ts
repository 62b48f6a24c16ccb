import type { JournalEvent, JournalJob, JournalShard } from '../journal.ts';
import type { PrunedTotals } from '../pruned.ts';
import type { JobStore } from './store.ts';

/**
 * Stands beside the store while its files are moved: until it goes no program may take what it finds there for the store.
 */
export const REBUILD_MARKER = 'rebuild-under-way';

/** A store that is being made again from files. It becomes the workspace's by `finish` alone. */
export interface RestoringStore {
  /** For what is done to it as to any store. */
  readonly store: JobStore;
  /** The job with its shards, which are `building` for now, and no rows. */
  begin(job: JournalJob, shards: readonly JournalShard[]): Promise<RestoredJob>;
  /** What the rows were before the attempt that they are in now, in order. Raw results that are applied say more of it. */
  addPast(stageId: number, rows: readonly PastRow[]): Promise<void>;
  /**
   * All else that the journal says of the job and its shards. A shard that was applied is `downloaded` from here on, a final
   * job not final: its raw results are to be applied again.
   */
  settle(restored: RestoredJob, journal: RestoredFacts): Promise<void>;
  /** After `settle`, of a job whose rows were pruned: what they came to. It has each shard that is settled. */
  setTotals(restored: RestoredJob, shards: readonly JournalShard[], totals: PrunedTotals): Promise<void>;
  /** It was final at that time, and is again. */
  finish(jobId: number, final: NonNullable<JournalJob['final']>): Promise<void>;
}

export interface RestoredJob {
  readonly id: number;
  readonly stageIds: ReadonlyMap<string, number>;
  /** By nonce. */
  readonly shardIds: ReadonlyMap<string, number>;
}

export interface RestoredFacts {
  readonly job: JournalJob;
  readonly shards: readonly JournalShard[];
  readonly events: readonly JournalEvent[];
}

export interface PastRow {
  readonly seq: number;
  readonly past: readonly { readonly shardId: number; readonly isCanceled: boolean }[];
}

/** A store that is being made again, beside the one that it is to replace. */
export interface RebuiltFile {
  readonly restoring: RestoringStore;
  /**
   * Takes the place of the store at the path. What was there is moved aside and never removed.
   *
   * @returns the files that were moved aside, with their new names.
   * @throws StoreError when the store has changed since, because another program was at work on it.
   */
  install(at: Date): readonly string[];
  /** Nothing was changed. */
  discard(): void;
}
