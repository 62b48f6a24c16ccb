import { DecisionError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Run } from './run.ts';
import type { Submitting } from './submit-shards.ts';

/** What each run has said last: it is asked in every round, and says the same thing once. */
const told = new WeakMap<Run, string>();

/**
 * A shard with the same count as another job's shard in doubt waits for that doubt. When no run works on the other job,
 * and this one has nothing else to do, waiting would never end.
 *
 * @throws DecisionError
 */
export function requireProgress(run: Run, views: readonly ShardView[], submitting: Submitting | null): void {
  const heldBy = submitting?.heldBy ?? null;
  if (heldBy === null || heldBy === run.job.jobId) return;
  if (views.some((view) => view.shard.state === 'live')) return;
  const holder = run.deps.locks.jobHolder(heldBy);
  if (holder !== null) {
    const why = `job ${heldBy} (${holder}) has a shard of the same size in doubt; this one is sent once that is settled`;
    if (told.get(run) !== why) run.deps.report({ kind: 'notice', text: why });
    told.set(run, why);
    return;
  }
  throw new DecisionError(`job ${run.job.jobId} was not sent further: a shard of job ${heldBy} is in doubt`, {
    code: 'same_count_in_doubt',
    why: 'both have the same number of requests, and that is all that would tell their batches apart in a listing',
    next: `batchctl resume ${heldBy}, then batchctl resume ${run.job.jobId}`,
  });
}
