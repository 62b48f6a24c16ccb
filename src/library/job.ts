import { hasEnded } from '../core/batch.ts';
import { isFinal } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { VerifyDocument } from '../core/verify-document.ts';
import { checkWhole, describeJob, endJob } from './carry-on.ts';
import type { Workspace } from './open-workspace.ts';
import { depsOf, localDepsOf, readJob, sessionOf, working } from './session.ts';

/** A job of a workspace. Holds nothing: what is known of the job is read anew by each call. */
export interface Job {
  readonly workspace: Workspace;
  /** `<name>-<YYYYMMDD>-<HHMMSS>`: write it down to find the job again in another process. */
  readonly jobId: string;
}

/** What a call takes that may last. */
export interface CallOptions {
  /** Aborted, the call rejects with an InterruptedError soon; what was sent goes on, and the job can be carried on. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A job that was built before, here or in another process. `id`: a job id, a batch id, `latest`, a job's name (its newest
 * job) or a unique prefix.
 *
 * @throws UsageError `job_not_found`, `job_ambiguous`.
 */
export async function findJob(workspace: Workspace, id: string): Promise<Job> {
  return working(`looking for job ${id}`, undefined, async () => {
    const { jobId } = await readJob({ workspace, jobId: id });
    return { workspace, jobId };
  });
}

export interface ListOptions {
  /** Only those that are not final. Default: all. */
  readonly pendingOnly?: boolean;
  /** At most so many. Default: all. */
  readonly limit?: number;
}

/** The jobs of the workspace, the newest first, as the local database knows them. Asks no server. */
export async function listJobs(
  workspace: Workspace,
  options: {
    /** Only those that are not final. */ readonly pendingOnly?: boolean;
    readonly limit?: number;
  } = {},
): Promise<readonly JobDocument[]> {
  const session = sessionOf(workspace);
  return working('listing the jobs', undefined, async () => {
    const store = await session.wire.existingStore();
    const { pendingOnly = false, limit = null } = options;
    checkWhole('limit', options.limit, 1);
    const jobs = (await store?.listJobs({ pendingOnly, limit })) ?? [];
    const documents: JobDocument[] = [];
    for (const job of jobs) documents.push(await describeJob(job, session));
    return documents;
  });
}

/**
 * Looks once how far a job is. Sends, downloads and writes no results, and may run beside the call that carries the job on.
 *
 * @throws AuthError, ProviderError when the API had to be asked and did not answer.
 */
export async function checkStatus(job: Job, options: CallOptions = {}): Promise<JobDocument> {
  const session = sessionOf(job.workspace);
  return working(`looking at job ${job.jobId}`, options.signal, async (signal) => {
    const stored = await readJob(job);
    const local = await localDepsOf(session, stored.jobId);
    if (!isFinal(stored.state) && (await local.store.shards(stored.id)).some(needsLook)) {
      const { lookAtJob } = await import('../steps/look-at-job.ts');
      await lookAtJob(stored, await depsOf(session, stored), signal);
    }
    return describeJob(await local.store.jobById(stored.id), session);
  });
}

/**
 * Stops a job: what was not sent never will be, and the API is asked to end its batches. A cancel is a request: rows that
 * were done by then are paid for and can be retrieved, and the job is final only when its batches have ended, which
 * pollUntilEnded waits for. Does nothing to a final job; may be repeated.
 *
 * @throws AuthError, ProviderError when a batch could not be canceled.
 */
export async function cancelJob(job: Job, options: CallOptions = {}): Promise<JobDocument> {
  const session = sessionOf(job.workspace);
  return working(`canceling job ${job.jobId}`, options.signal, async (signal) => {
    const stored = await readJob(job);
    const local = await localDepsOf(session, stored.jobId);
    if (!isFinal(stored.state)) {
      const { stopJob } = await import('../steps/cancel-job.ts');
      const holder = await stopJob(stored, local, () => depsOf(session, stored), signal);
      const fresh = await local.store.jobById(stored.id);
      if (holder === null) await endJob(fresh, session, signal);
    }
    return describeJob(await local.store.jobById(stored.id), session);
  });
}

/**
 * Proves that nothing was lost: every request has exactly one row, the raw results are unchanged, every answer has its
 * file. Asks no server and changes nothing. A job that is not final is not `ok`.
 */
export async function verifyJob(job: Job, options: CallOptions = {}): Promise<VerifyDocument> {
  const session = sessionOf(job.workspace);
  return working(`verifying job ${job.jobId}`, options.signal, async (signal) => {
    const stored = await readJob(job);
    const steps = await import('../steps/verify-job.ts');
    return steps.verifyJob(stored, await localDepsOf(session, stored.jobId), signal);
  });
}

/** What is not at the API, or has ended there, will not change by looking. */
function needsLook({ shard, batch }: ShardView): boolean {
  return shard.state === 'live' && (batch === null || !hasEnded(batch));
}
