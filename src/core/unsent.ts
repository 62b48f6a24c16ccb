import type { Job } from './job.ts';
import type { ShardView } from './ports/store-views.ts';
import type { RoomWait } from './queue.ts';
import type { Shard } from './shard.ts';

/** What of a job was asked to be sent and is not. */
export interface UnsentDocument {
  readonly shards: number;
  /** Shards that go as a batch, sent or not. */
  readonly of: number;
  readonly requests: number;
  /** `queue_room`: the last run found no room for it in the account's queue. Null: anything else, or nothing. */
  readonly waits_for: 'queue_room' | null;
  /** `--max-in-flight` of that run; null: the API had no room. */
  readonly max_in_flight: number | null;
}

type Asked = Pick<Job, 'submitRequestedAt' | 'cancelRequestedAt'>;

/** Shards that would go as batches, were nothing in their way. */
export function unsentShards(job: Asked, views: readonly ShardView[]): readonly Shard[] {
  if (job.submitRequestedAt === null || job.cancelRequestedAt !== null) return [];
  return views.map(({ shard }) => shard).filter(({ state, route }) => state === 'built' && route === 'batch');
}

/** Null: all is sent, or nobody asked for it. A wait of a shard that has been sent since is over. */
export function unsentDocument(
  job: Asked,
  views: readonly ShardView[],
  wait: RoomWait | null,
): UnsentDocument | null {
  const unsent = unsentShards(job, views);
  if (unsent.length === 0) return null;
  const isWaiting = wait !== null && unsent.some(({ id }) => id === wait.shardId);
  const isOfBatches = ({ shard }: ShardView): boolean =>
    shard.route === 'batch' && shard.state !== 'building' && shard.state !== 'canceled';
  return {
    shards: unsent.length,
    of: views.filter(isOfBatches).length,
    requests: unsent.reduce((sum, { requests }) => sum + requests, 0),
    waits_for: isWaiting ? 'queue_room' : null,
    max_in_flight: isWaiting ? wait.limit : null,
  };
}
