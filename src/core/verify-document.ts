import type { PrunedDocument } from './pruned.ts';

/** What `verify` prints with --json. */
export interface VerifyDocument {
  readonly job_id: string;
  readonly ok: boolean;
  readonly requests: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  readonly missing: number;
  readonly held: number;
  /** Result lines of requests that were never sent. */
  readonly unknown: number;
  /** Further result lines of a request that has one. */
  readonly duplicate: number;
  /** Batches that were paid beside the ones that the job has; no row is theirs. */
  readonly late_duplicates: number;
  /** What is not there on purpose, which is no problem; left out where that is nothing. */
  readonly pruned?: PrunedDocument;
  /** Sentences; after 100 the last one says how many more there are. */
  readonly problems: readonly string[];
}
