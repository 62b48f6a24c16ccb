import type { Pilot } from '../core/pilot.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { isSettledShard } from '../core/shard.ts';

/**
 * What the shards that go first have come to: open: there are none, or the others may go. waiting: some are not settled.
 * undecided: the pilot is there, and nobody has said whether the rest may go.
 */
export type Gate = 'open' | 'waiting' | 'undecided';

/** Costs nothing where nothing goes first. */
export async function readGate(
  jobId: number,
  views: readonly ShardView[],
  store: Pick<JobStore, 'pilotOf'>,
): Promise<Gate> {
  const hasFirst = views.some(({ shard }) => shard.first !== null);
  return hasFirst ? gateOf(views, await store.pilotOf(jobId)) : 'open';
}

export function gateOf(views: readonly ShardView[], pilot: Pilot | null): Gate {
  const first = views.filter(({ shard }) => shard.first !== null);
  if (first.some(({ shard }) => !isSettledShard(shard.state))) return 'waiting';
  // A pilot without shards is one that was asked for by a run that was cut off.
  const hasPilot = first.some(({ shard }) => shard.first === 'pilot');
  return hasPilot && pilot?.approvedAt === null ? 'undecided' : 'open';
}

/** It could be sent, but for what goes first. Answers that are taken over cost nothing, and wait for nothing. */
export function isHeldBack({ shard }: ShardView, gate: Gate): boolean {
  return gate !== 'open' && shard.state === 'built' && shard.first === null && shard.route !== 'none';
}
