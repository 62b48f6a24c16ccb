import { UsageError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { QueueRoom, Waiting } from './queue-room.ts';
import { requireDecision } from './require-decision.ts';
import type { Run } from './run.ts';

/** Batches that ended leave room, and a pause that is over is worth a try. */
export async function hasRoomNow(room: QueueRoom, { shard }: Waiting): Promise<boolean> {
  room.forget();
  return (await room.findWait(shard)) === null;
}

/** Nobody waits for it: who left it so must hear that not all was sent. */
export function tellUnsent({ job: { jobId }, deps: { report } }: Run, views: readonly ShardView[]): void {
  const unsent = views.filter(({ shard }) => shard.state === 'built' && shard.route === 'batch');
  const requests = unsent.reduce((sum, { shard }) => sum + shard.requests, 0);
  const [shards, wait] = unsent.length === 1 ? ['1 shard', 'waits'] : [`${unsent.length} shards`, 'wait'];
  const text = `${shards} of job ${jobId} (${requests} requests) ${wait} for queue room; batchctl resume ${jobId} sends on as there is some`;
  report({ kind: 'notice', text });
}

/**
 * A shard that waits for room is no work that goes on, when that room is taken by doubts that only the user can settle.
 *
 * @throws DecisionError
 */
export async function requireMoving(run: Run, views: readonly ShardView[]): Promise<void> {
  const live = views.filter(({ shard }) => shard.state === 'live');
  if (live.every(({ submission }) => submission?.state === 'stuck'))
    await requireDecision(run, views, 'submitted');
}

/**
 * A shard that is larger than what may be in flight at once would wait for ever.
 *
 * @throws UsageError
 */
export function requireFits({ job }: Run, views: readonly ShardView[], limit: number | null): void {
  if (limit === null) return;
  const large = views
    .map(({ shard }) => shard)
    .filter(({ state, route, requests }) => state === 'built' && route === 'batch' && requests > limit);
  const [first] = large;
  if (first === undefined) return;
  const most = Math.max(...large.map(({ requests }) => requests));
  const isBegun = job.submitRequestedAt !== null;
  const again = isBegun ? `resume ${job.jobId}` : `submit ${job.jobId} --use-batch`;
  // Built anew, what has been sent of it would be paid twice.
  const anew = `; or build it anew from its job file with submit --new --max-in-flight ${limit}, which cuts shards to that size`;
  throw new UsageError(`shard ${first.number} of job ${job.jobId} is larger than --max-in-flight`, {
    code: 'max_in_flight_too_small',
    why: `it goes as one batch of ${first.requests} requests, and no more than ${limit} may be in flight at once; nothing more was sent`,
    next: `batchctl ${again} --max-in-flight ${most}${isBegun ? '' : anew}`,
  });
}
