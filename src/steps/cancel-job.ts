import { hasEnded } from '../core/batch.ts';
import type { Job } from '../core/job.ts';
import type { Deps, LocalDeps } from './deps.ts';
import { finishJob } from './finish-job.ts';
import { repeatRead } from './repeat-read.ts';

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
  const failures: unknown[] = [];
  for (const view of await store.shards(job.id)) {
    if (view.shard.state !== 'live') continue;
    if (view.batch === null) {
      const text = `shard ${view.shard.number} is in doubt: cancel again once its batch is known`;
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
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Ends a canceled job of which nothing is under way; for one that was never sent this is all of it, and needs no key. The
 * caller holds its lock.
 */
export async function cancelUnsent(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<void> {
  await deps.store.requestCancel(job.id, deps.clock.now());
  await finishJob(await deps.store.jobById(job.id), deps, signal);
}
