import { BATCH_ADOPTED, type JournalJob } from '../core/journal.ts';
import type { JournalFold } from '../core/journal-lines.ts';
import type { JobFiles } from '../core/ports/files.ts';
import {
  isOfOneJob,
  journalGone,
  type LeftOut,
  leftOut,
  nothingRestored,
  type SentOfJob,
} from './left-out.ts';
import { readJournal, readReceiptsByJob } from './read-journal.ts';
import { type RestoreDeps, type RestoredReport, restoreJob } from './restore-job.ts';
import { readSent } from './sent-log.ts';

export interface Rebuilt {
  readonly restored: readonly RestoredReport[];
  /** Jobs that could not be made again. */
  readonly leftOut: readonly LeftOut[];
  /** Folders of builds that were cut off: nothing of them was ever sent. */
  readonly cutOff: readonly string[];
  /** Jobs of batches that were made elsewhere: taking such a batch in once more costs nothing. */
  readonly adopted: readonly { readonly jobId: string; readonly batchId: string }[];
}

/**
 * Makes every job again of which a folder in batch_requests/ is left, oldest first; one whose files do not suffice, or
 * that only the receipts or the log of seals name, is left out and told of. Sends nothing and asks nobody: what may have
 * been sent and is not known to be a batch is in doubt afterwards, and the next run settles it.
 *
 * @throws StoreError when jobs were left out and none could be made again; or for anything but the files of one job.
 */
export async function rebuildStore(
  jobIds: readonly string[],
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const sent = await readSentByJob(deps.files);
  const folds: (JournalFold & { readonly job: JournalJob })[] = [];
  const cutOff: string[] = [];
  const out: LeftOut[] = [];
  const adopted: { readonly jobId: string; readonly batchId: string }[] = [];
  const sentOf = (jobId: string): SentOfJob => sent.get(jobId) ?? NOTHING_SENT;
  for (const jobId of new Set([...jobIds, ...sent.keys()])) {
    const fold = await readJournal(jobId, deps.files);
    const job = fold?.job ?? null;
    const batchId = adoptedBatch(fold);
    if (batchId !== null) adopted.push({ jobId, batchId });
    else if (fold !== null && job !== null && job.job_id === jobId) folds.push({ ...fold, job });
    else if (isCutOff(fold, sentOf(jobId))) cutOff.push(jobId);
    else out.push(leftOut(jobId, journalGone(jobId, deps), sentOf(jobId)));
  }
  folds.sort((a, b) => compare(a.job.created_at, b.job.created_at) || compare(a.job.job_id, b.job.job_id));
  const restored: RestoredReport[] = [];
  for (const fold of folds) {
    signal.throwIfAborted();
    const { job_id: jobId } = fold.job;
    try {
      restored.push(await restoreJob(fold, sentOf(jobId), deps, signal));
    } catch (error) {
      if (!isOfOneJob(error)) throw error;
      out.push(leftOut(jobId, error, sentOf(jobId)));
    }
  }
  if (out.length > 0 && restored.length === 0) throw nothingRestored(out);
  return { restored, leftOut: out, cutOff, adopted };
}

const NOTHING_SENT: SentOfJob = { receipts: [], seals: [] };

/** What the receipts and the log of seals say, by job. */
export async function readSentByJob(files: JobFiles): Promise<ReadonlyMap<string, SentOfJob>> {
  const receipts = await readReceiptsByJob(files);
  const seals = Map.groupBy(await Array.fromAsync(readSent(files)), ({ job_id }) => job_id);
  // The name of a folder, whatever somebody has written there.
  const jobIds = new Set([...receipts.keys(), ...seals.keys()].filter((jobId) => !/[/\\]|^\.*$/.test(jobId)));
  return new Map(
    [...jobIds].map((jobId) => [
      jobId,
      { receipts: receipts.get(jobId) ?? [], seals: seals.get(jobId) ?? [] },
    ]),
  );
}

function adoptedBatch(fold: JournalFold | null): string | null {
  const detail = fold?.events.find(({ event }) => event === BATCH_ADOPTED)?.detail;
  if (typeof detail !== 'object' || detail === null || !('batch_id' in detail)) return null;
  return typeof detail.batch_id === 'string' ? detail.batch_id : null;
}

/** The journal begins with the job; what counts comes with the end of the build. */
function isCutOff(fold: JournalFold | null, { receipts, seals }: SentOfJob): boolean {
  if (fold === null || fold.unreadable > 0 || fold.shards.length > 0) return false;
  return receipts.length === 0 && seals.length === 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
