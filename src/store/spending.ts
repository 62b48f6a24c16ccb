import type { SpendingStore } from '../core/ports/spending-store.ts';
import type { CarvedShard } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import type { Connection } from './connection.ts';
import { retireShard, shardIn, shardMovedOn, unsentShard } from './settling.ts';

/** What is kept of money, and the shards that go out before the others because of it. */
export function spending(connection: Connection): SpendingStore {
  const { jobSpending, shardSpending, shards, requests, events, read, write } = connection;

  return {
    shardSizes: (jobId) => read(() => shardSpending.sizes(jobId)),

    keepEstimate: (jobId, estimate) => write(() => void jobSpending.setEstimate(jobId, estimate)),
    estimateOf: (jobId) => read(() => jobSpending.estimate(jobId)),

    limitOf: (jobId) => read(() => jobSpending.limit(jobId)),
    setLimit: (jobId, max) =>
      write(() => {
        const before = jobSpending.limit(jobId);
        if (before === max) return;
        jobSpending.setLimit(jobId, max);
        events.record({ jobId, kind: 'limit_set', detail: { max_microusd: max, before_microusd: before } });
      }),

    pilotOf: (jobId) => read(() => jobSpending.pilot(jobId)),
    setPilot: (jobId, pilot) =>
      write(() => {
        jobSpending.setPilot(jobId, pilot);
        const { requests, minSuccess, approvedAt } = pilot;
        const detail = { requests, min_success: minSuccess, approved_at: approvedAt };
        events.record({ jobId, kind: 'pilot_set', detail });
      }),

    carveShards: (jobId, carved) =>
      write(() => {
        const closed = new Set<number>();
        for (const one of carved) carveShard(connection, jobId, one, closed);
        // Of a first shard that several give to, only now are all rows there.
        const firsts = new Map(carved.map(({ first }) => [first.id, first.requests]));
        for (const [id, expected] of firsts) {
          const rows = requests.count(id);
          if (rows !== expected) throw new RangeError(`shard ${id} takes ${rows} rows of ${expected}`);
        }
        connection.foldJob(jobId);
      }),

    keepLostAnswer: (shardId, most) =>
      write(() => {
        const { jobId, number } = shards.byId(shardId);
        events.record({
          jobId,
          shardId,
          kind: 'answer_lost',
          detail: { shard: number, most_microusd: most },
        });
      }),
    unseenPayments: (jobId) => read(() => events.unseenPayments(jobId)),

    spentOf: (jobId) => read(() => shardSpending.ofJob(jobId)),
    keepSpent: (shardId, lines) =>
      write(() => {
        const { jobId } = shardIn(connection, shardId, ['applied']);
        shardSpending.addSpent(shardId, [...lines, ...events.keptSpent(jobId, shardId)]);
      }),
    spentOn: (on) => read(() => shardSpending.on(on)),
    spentBefore: (what, limit) => read(() => shardSpending.before(what, limit)),
  };
}

/** `closed`: parts that are there already, because an earlier shard of the same write has given to them. */
function carveShard(
  connection: Connection,
  jobId: number,
  { fromShardId, first, rest }: CarvedShard,
  closed: Set<number>,
): void {
  const { shards, requests, events } = connection;
  const from = unsentShard(connection, fromShardId);
  if (from.jobId !== jobId) throw new RangeError(`shard ${from.id} is not of job ${jobId}`);

  function takeRows(
    part: CarvedShard['first'] | NonNullable<CarvedShard['rest']>,
    move: () => number,
  ): Shard {
    const shard = shards.byId(part.id);
    // In another stage its rows would be lost, and in another group they would be written elsewhere.
    if (shard.stageId !== from.stageId || shard.group !== from.group) {
      throw new RangeError(`shard ${part.id} is of another stage or group than shard ${from.id}`);
    }
    if (!closed.has(part.id) && !shards.close(part.id, part))
      throw shardMovedOn(shard, `it is ${shard.state}, and no part`);
    closed.add(part.id);
    shards.setSplitFrom(part.id, from.id);
    const expected = 'seqs' in part ? part.seqs.length : part.requests;
    const moved = move();
    if (moved === expected) return shard;
    throw new RangeError(`part ${part.id} of shard ${from.id} takes ${moved} rows of ${expected}`);
  }

  const parts = [takeRows(first, () => requests.moveSeqs(from, first.id, first.seqs))];
  if (rest !== null) parts.push(takeRows(rest, () => requests.moveAll(from.id, rest.id)));
  retireShard(connection, from.id);
  events.record({
    jobId,
    shardId: from.id,
    kind: 'shard_carved',
    detail: { shard: from.number, first: parts[0]?.first ?? null, parts: parts.map(({ number }) => number) },
  });
}
