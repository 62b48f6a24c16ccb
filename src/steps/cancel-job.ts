import { hasEnded } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import { closeStages } from './advance-stages.ts';
import { applyAnswers } from './apply-answers.ts';
import { cancelAnswers } from './cancel-answers.ts';
import type { Deps, LocalDeps } from './deps.ts';
import { finishJob } from './finish-job.ts';
import { recordReused } from './record-reused.ts';
import { repeatRead } from './repeat-read.ts';
import { requireHome } from './require-home.ts';

/**
 * Stops a job: what was not sent never will be, in one commit; then the API is asked to cancel the batches. A cancel is a
 * request, not a result: rows that were done stay done and are retrieved like any. May be repeated, and may run beside
 * the run that works on the job: that one sends nothing more and takes in what ends.
 *
 * A batch that is only a candidate is left alone: it may be a colleague's.
 */
export async function cancelJob(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const { store, provider, clock, report } = deps;
  await store.requestCancel(job.id, clock.now());
  await requireHome(job, deps, signal);
  const failures: unknown[] = [];
  for (const view of await store.shards(job.id)) {
    if (view.shard.state !== 'live') continue;
    if (view.batch === null) {
      const text = `shard ${view.shard.number} is in doubt: only results tell which batch is its own, so none is canceled, and what it answers is paid; one that you know can be canceled in the Console, and batchctl resume ${job.jobId} takes its results in`;
      report({ kind: 'notice', text });
      continue;
    }
    const { id } = view.batch;
    if (hasEnded(view.batch)) continue;
    try {
      const canceled = await repeatRead(() => provider.cancelBatch(id, signal), clock, signal);
      const batch =
        canceled ?? (await repeatRead(() => provider.retrieveBatch(id, signal), clock, signal)).batch;
      await store.recordSeen(batch);
    } catch (error) {
      signal.throwIfAborted();
      // One that cannot be canceled must not keep the others running.
      failures.push(explainNotFound(error, id, job));
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** «Not found» passes, as a rule, and is the last word only of a batch that was deleted (core/gone.ts). */
function explainNotFound(error: unknown, batchId: string, { jobId }: Job): unknown {
  if (!(error instanceof ProviderError) || error.status !== 404) return error;
  return new ProviderError(`batch ${batchId} was not canceled: the API does not find it now`, {
    code: 'cancel_not_found',
    why: `${error.why ?? error.message}; the key is one of its workspace, so it is too new, or was deleted`,
    next: `batchctl cancel ${jobId} again in a minute; batchctl retrieve ${jobId} tells whether it is gone for good`,
    status: 404,
    requestId: error.requestId,
    retryable: true,
    cause: error,
  });
}

/**
 * Stops a job that is not final, whether or not something of it was sent; `connect` is asked only when the API has
 * something of it. Null when the job is settled as far as it can be; else who is at work on it and takes in what ends.
 */
export async function stopJob(
  job: Job,
  local: LocalDeps & { readonly locks: WorkspaceLocks },
  connect: () => Promise<Deps>,
  signal: AbortSignal,
): Promise<string | null> {
  if (job.account !== null) {
    // Needs no lock: a run that is at work on the job sends nothing more and takes in what ends.
    await local.store.requestCancel(job.id, local.clock.now());
    // The API, and a key, only where it has something of the job.
    const hasBatches = (await local.store.shards(job.id)).some((view) => view.shard.state === 'live');
    if (hasBatches) await cancelJob(job, await connect(), signal);
    const holder = local.locks.jobHolder(job.jobId);
    if (holder !== null) return holder;
  }
  const lock = local.locks.lockJob(job.jobId);
  await cancelUnsent(job, local, signal).finally(() => lock.release());
  return null;
}

/**
 * Ends a canceled job of which nothing is under way; for one that was never sent, or whose requests were asked one by one,
 * this is all of it, and needs no key. The caller holds its lock.
 */
export async function cancelUnsent(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<void> {
  // A run that was cut off may have left half a round, whose rows would have no verdict.
  await deps.store.settleAfterCrash(job.id);
  await deps.store.requestCancel(job.id, deps.clock.now());
  if (job.submitRequestedAt !== null) await recordReused(job, deps);
  await cancelAnswers(job, deps, signal);
  for (const { shard, batch } of await deps.store.shards(job.id))
    if (batch === null) await applyAnswers(job, shard, deps, signal);
  await closeStages(job.id, deps);
  await finishJob(await deps.store.jobById(job.id), deps, signal);
}
