/**
 * What a user can do about a store that cannot be used as it is. Here alone, because several commands meet the same trouble
 * and must not name different ways out of it.
 */

/** The database is gone or damaged, and the journals of the jobs are there. */
export const REBUILD_STORE =
  'batchctl doctor --rebuild makes it again from the files of the jobs, and sends nothing';

export const DAMAGED_STORE = `put a copy of .batchctl/state.db back; without one, ${REBUILD_STORE}. Keep the file and its -wal; batches that were sent go on meanwhile`;

/**
 * The database is older than what was sent from this folder. The journals beside it know each batch, its shards and jobs that
 * the copy may lack, so a rebuild leaves nothing in doubt; the user's word for the copy has to look for the batches in the account.
 *
 * @param jobId of a job that this copy has; null where its word would not help.
 * @param knowsIt whether the copy has the job that was sent: else nothing tells which shard a batch is of, and the word for the
 *   copy sends the same records anew.
 */
export function olderStore(jobId: string | null, knowsIt = true): string {
  const accept = knowsIt
    ? `batchctl resume ${jobId} --accept-store looks for those batches in the account before anything is sent`
    : `batchctl retrieve <batch id> takes the results of its batches in; batchctl resume ${jobId} --accept-store sends job ${jobId} all the same, and its records are paid again`;
  return `put the newer .batchctl/state.db back; without one, ${REBUILD_STORE}${jobId === null ? '' : `; where it cannot, ${accept}`}`;
}

/** Another copy of the whole workspace has sent a job: the files here know as little as the database. */
export function sentByAnotherCopy(jobId: string): string {
  return `put the newer workspace back; without one, batchctl resume ${jobId} --accept-store takes these batches in, then carries on`;
}

/** What the disk under the store refused. The words go on after its path. */
export const STORE_REFUSALS = {
  full: {
    code: 'store_full',
    why: 'the disk is full; what was committed before is safe',
    next: 'free some space (or raise the quota), then start the same command again',
  },
  readonly: {
    code: 'store_readonly',
    why: 'the file system, the folder or the file is read-only; what was committed before is safe',
    next: 'mount the disk for writing or make the workspace writable, then start the same command again; a copy of it elsewhere can be read meanwhile',
  },
  denied: {
    code: 'store_denied',
    why: 'it is not permitted to the user who runs this',
    next: 'run batchctl as the user who owns the workspace, or choose another one with -C',
  },
} as const;

export type StoreRefusal = keyof typeof STORE_REFUSALS;
