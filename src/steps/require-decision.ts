import { DecisionError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Run } from './run.ts';

/**
 * Stops a run when nothing is left but doubts that evidence cannot settle, and lays that evidence before the user.
 *
 * @throws DecisionError
 */
export async function requireDecision(
  run: Run,
  views: readonly ShardView[],
  until: 'submitted' | 'final' | 'once',
): Promise<void> {
  const stuck = (await run.deps.store.doubts(run.job.id)).filter((one) => one.state === 'stuck');
  if (stuck.length === 0) return;
  const stuckShards = new Set(stuck.map((one) => one.shardId));
  // A shard that a stuck one of the same count holds back is no work that goes on.
  const heldCounts = new Set(
    views.filter((view) => stuckShards.has(view.shard.id)).map((view) => view.shard.requests),
  );
  const others = views.some(
    ({ shard }) =>
      !stuckShards.has(shard.id) &&
      (shard.state === 'live' || (shard.state === 'built' && !heldCounts.has(shard.requests))),
  );
  if (others && until === 'final') return;
  const evidence: string[] = [];
  for (const submission of stuck) {
    const view = views.find((one) => one.shard.id === submission.shardId);
    const looks = await run.deps.store.looks(submission.id);
    const candidates =
      view?.candidates.filter((one) => one.verdict !== 'rejected').map((one) => one.batchId) ?? [];
    evidence.push(
      `shard ${view?.shard.number} (${view?.shard.requests} requests), sealed ${new Date(submission.sealedMs ?? 0).toISOString()}, ` +
        `${looks.length} listings, ${candidates.length === 0 ? 'no candidate' : `candidates ${candidates.join(', ')}`}: ${submission.reason ?? ''}`,
    );
  }
  throw new DecisionError(
    `job ${run.job.jobId}: whether ${stuck.length === 1 ? 'a shard' : `${stuck.length} shards`} became a batch is for you to decide`,
    {
      code: 'submission_in_doubt',
      why: evidence.join('\n'),
      next: `look in the Console, then batchctl resume ${run.job.jobId} --adopt BATCH if it is there, or --resubmit if it is not (if it is after all, that pays twice)`,
    },
  );
}
