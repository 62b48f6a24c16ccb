import { DecisionError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { olderStore } from '../core/store-remedies.ts';
import type { LocalDeps } from './deps.ts';
import type { Run } from './run.ts';
import { readSent, SENT_LOG, type SentLine, sentSince } from './sent-log.ts';
import { RECEIPTS, readReceipts } from './write-receipt.ts';

/**
 * Stops a run whose database is older than what was sent from here: it would take sent shards for unsent, or lack whole
 * jobs.
 *
 * @throws DecisionError
 */
export async function checkStanding(run: Run): Promise<void> {
  const { job, deps } = run;
  const forgotten = await findForgotten([job], deps);
  if (forgotten.length === 0) return;
  const jobs = [...new Set(forgotten.map((line) => line.job_id))];
  const shown = forgotten
    .slice(0, 5)
    .map(
      (line) => `shard ${line.shard} of ${line.job_id} (${line.requests} requests), sealed ${line.sealed_at}`,
    );
  if (forgotten.length > shown.length) shown.push(`and ${forgotten.length - shown.length} more`);
  const unknown = await unknownJobs(jobs, deps);
  const lost = unknown.length === 0 ? '' : `; it does not know ${unknown.join(', ')} at all`;
  throw new DecisionError(`job ${job.jobId} was not sent: .batchctl/state.db is an older copy`, {
    code: 'store_older',
    why: `${SENT_LOG} tells of what was sent after it: ${shown.join('; ')}${lost}`,
    next: olderStore(job.jobId, unknown.length === 0),
  });
}

/** The seals of these jobs in the log that this store does not know of, or must not have forgotten; and of its own, any. */
export async function findForgotten(
  jobs: readonly Job[],
  { store, files }: Pick<LocalDeps, 'store' | 'files'>,
): Promise<readonly SentLine[]> {
  const [first] = jobs;
  if (first === undefined) return [];
  const range = sentSince(files, (await store.standing(first.id)).acceptedBytes);
  if (range.from >= range.to) return [];
  // After the range: what another process seals meanwhile is in neither, or in both.
  const standings = [];
  for (const { id } of jobs) standings.push(await store.standing(id));
  const [standing] = standings;
  if (standing === undefined) return [];
  const ids = new Map(jobs.map(({ id, jobId }) => [jobId, id]));
  const contents = new Set(standings.map(({ contentSha256 }) => contentSha256));
  const isUnknown = new Map<string, boolean>();
  const sealed = new Map<string, ReadonlySet<string>>();
  const forgotten: SentLine[] = [];
  for await (const line of readSent(files, range)) {
    const { job_id: jobId, content_sha256: content } = line;
    // Its own seals are counted, so that a job which was forgotten on purpose raises no alarm.
    if (line.lineage === standing.lineage) {
      if (line.serial > standing.serial) forgotten.push(line);
      continue;
    }
    // Another database has worked in this folder: one that was thrown away, or the one that this is a copy of.
    const id = ids.get(jobId);
    if (id !== undefined) {
      const ofJob = sealed.get(jobId) ?? (await store.sealedSubmissions(id));
      sealed.set(jobId, ofJob);
      if (!ofJob.has(`${line.nonce}/${line.number}`)) forgotten.push(line);
      continue;
    }
    if (content === null || !contents.has(content)) continue;
    if (!isUnknown.has(jobId)) isUnknown.set(jobId, (await unknownJobs([jobId], { store })).length > 0);
    if (isUnknown.get(jobId) === true) forgotten.push(line);
  }
  return forgotten;
}

/** What says that a store is an older copy. */
export interface OlderCopy {
  /** That it knows nothing of; none where it is the receipts that say so. */
  readonly seals: readonly SentLine[];
  /** One of its jobs that some of it was sent for; null when it has none of them. */
  readonly jobId: string | null;
}

/** Seals, and batches of the receipts, that this store knows nothing of. Null: nothing says so. */
export async function findOlderCopy(deps: Pick<LocalDeps, 'store' | 'files'>): Promise<OlderCopy | null> {
  const jobs = await deps.store.listJobs({ pendingOnly: false, limit: null });
  const seals = await findForgotten(jobs, deps);
  if (seals.length > 0) {
    const known = new Set(jobs.map(({ jobId }) => jobId));
    return { seals, jobId: seals.find((line) => known.has(line.job_id))?.job_id ?? null };
  }
  return (await hasUnknownReceipts(deps)) ? { seals, jobId: null } : null;
}

async function hasUnknownReceipts({ store, files }: Pick<LocalDeps, 'store' | 'files'>): Promise<boolean> {
  if (!files.exists(RECEIPTS)) return false;
  // What the user has accepted counts no longer.
  const from = await store.acceptedReceiptBytes();
  for await (const { batch_id: batchId, job_id: jobId } of readReceipts(files, from)) {
    // A job whose folder is gone was forgotten on purpose, and nothing can bring it back.
    if (!files.exists(files.requestsDir(jobId))) continue;
    if ((await store.knownBatchIds([batchId])).size === 0) return true;
  }
  return false;
}

/** Those of the jobs that the store does not have. */
export async function unknownJobs(
  jobIds: readonly string[],
  { store }: Pick<LocalDeps, 'store'>,
): Promise<readonly string[]> {
  const known = new Set(
    (await store.listJobs({ pendingOnly: false, limit: null })).map(({ jobId }) => jobId),
  );
  return jobIds.filter((jobId) => !known.has(jobId));
}
