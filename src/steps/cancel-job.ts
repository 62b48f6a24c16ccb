import { hasEnded } from '../core/batch.ts';
import type { Job } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { repeatRead } from './repeat-read.ts';
import { retrieveJob } from './retrieve-results.ts';
import { createServerTime } from './server-time.ts';

/**
 * Stops a job: what was not sent never will be, in one commit; then the API is asked to cancel the batches. A cancel is a
 * request, not a result: rows that were done stay done and are retrieved like any. May be repeated.
 *
 * A batch that is only a candidate is left alone: it may be a colleague's.
 */
export async function cancelJob(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const { store, provider, clock, report } = deps;
  await store.settleAfterCrash(job.id);
  await store.requestCancel(job.id, clock.now());
  for (const view of await store.shards(job.id)) {
    if (view.shard.state !== 'live') continue;
    if (view.batch === null) {
      report({
        kind: 'notice',
        text: `shard ${view.shard.number} is in doubt; it is canceled by canceling again once its batch is known`,
      });
      continue;
    }
    const { id } = view.batch;
    if (hasEnded(view.batch)) continue;
    const canceled = await repeatRead(() => provider.cancelBatch(id, signal), clock, signal);
    const batch =
      canceled ?? (await repeatRead(() => provider.retrieveBatch(id, signal), clock, signal)).batch;
    await store.recordSeen(batch);
  }
  // A job of which nothing was under way is final now.
  const fresh = await store.jobById(job.id);
  await retrieveJob({ job: fresh, deps, time: createServerTime(clock), settleMs: 0 }, signal);
}
