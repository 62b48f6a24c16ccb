import type { JournalEntry } from '../journal.ts';

/** The journals of the jobs of a workspace: one append-only file for each, beside its requests. */
export interface Journal {
  /** Appends the entries in order and fsyncs. @throws StoreError when the disk refuses. */
  append(jobId: string, entries: readonly JournalEntry[]): void;
  /** Whether the folder of the job is there: one that was removed by hand is not made again for a journal. */
  isOpen(jobId: string): boolean;
  /** The last line about the job and about each shard, by `journalKey`. */
  last(jobId: string): ReadonlyMap<string, string>;
}
