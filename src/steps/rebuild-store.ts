import { StoreError } from '../core/errors.ts';
import { BATCH_ADOPTED, type JournalJob } from '../core/journal.ts';
import type { JournalFold } from '../core/journal-lines.ts';
import { type Receipt, readJournal, readReceiptsByJob } from './read-journal.ts';
import { type RestoreDeps, type RestoredReport, restoreJob } from './restore-job.ts';

export interface Rebuilt {
  readonly restored: readonly RestoredReport[];
  /** Folders of builds that were cut off: nothing of them was ever sent. */
  readonly cutOff: readonly string[];
  /** Jobs of batches that were made elsewhere: taking such a batch in once more costs nothing. */
  readonly adopted: readonly { readonly jobId: string; readonly batchId: string }[];
}

/**
 * Makes every job again of which a folder in batch_requests/ is left, oldest first. Sends nothing and asks nobody: what may
 * have been sent and is not known to be a batch is in doubt afterwards, and the next run settles it.
 *
 * @throws StoreError for the first job that cannot be made again: a store without it would know nothing of its batches.
 */
export async function rebuildStore(
  jobIds: readonly string[],
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const receipts = await readReceiptsByJob(deps.files);
  const folds: (JournalFold & { readonly job: JournalJob })[] = [];
  const cutOff: string[] = [];
  const adopted: { readonly jobId: string; readonly batchId: string }[] = [];
  for (const jobId of jobIds) {
    const fold = await readJournal(jobId, deps.files);
    const job = fold?.job ?? null;
    const ofJob = receipts.get(jobId) ?? [];
    const batchId = adoptedBatch(fold);
    if (batchId !== null) adopted.push({ jobId, batchId });
    else if (fold !== null && job !== null && job.job_id === jobId) folds.push({ ...fold, job });
    else if (isCutOff(fold, ofJob)) cutOff.push(jobId);
    else throw journalGone(jobId, ofJob, deps);
  }
  folds.sort((a, b) => compare(a.job.created_at, b.job.created_at) || compare(a.job.job_id, b.job.job_id));
  const restored: RestoredReport[] = [];
  for (const fold of folds) {
    signal.throwIfAborted();
    restored.push(await restoreJob(fold, receipts.get(fold.job.job_id) ?? [], deps, signal));
  }
  return { restored, cutOff, adopted };
}

function adoptedBatch(fold: JournalFold | null): string | null {
  const detail = fold?.events.find(({ event }) => event === BATCH_ADOPTED)?.detail;
  if (typeof detail !== 'object' || detail === null || !('batch_id' in detail)) return null;
  return typeof detail.batch_id === 'string' ? detail.batch_id : null;
}

/** The journal begins with the job; what counts comes with the end of the build. */
function isCutOff(fold: JournalFold | null, receipts: readonly Receipt[]): boolean {
  return fold !== null && fold.unreadable === 0 && fold.shards.length === 0 && receipts.length === 0;
}

function journalGone(jobId: string, receipts: readonly Receipt[], { files }: RestoreDeps): StoreError {
  const dir = files.requestsDir(jobId);
  const batches = receipts.map(({ batch_id }) => batch_id).join(', ');
  return new StoreError(`job ${jobId} cannot be made again`, {
    code: 'journal_gone',
    why: `${dir}/journal.jsonl is gone or cannot be read, and only it tells what was sent${batches === '' ? '' : `; the receipts name ${batches}`}`,
    next: `put it back from a copy; to go on without the job, and perhaps pay for it again, move ${dir} out of the workspace`,
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
