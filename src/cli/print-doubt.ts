import type { ShardView } from '../core/ports/store-views.ts';
import { formatMany, formatTime } from './output.ts';

/** One line for each shard of which nobody knows whether it became a batch; for people, after the job itself. */
export function formatDoubts(shards: readonly ShardView[]): readonly string[] {
  return shards.filter(isInDoubt).map(({ shard, submission, candidates }) => {
    const found = candidates.filter((candidate) => candidate.verdict !== 'rejected');
    const sealed = submission?.sealedMs ?? null;
    return [
      `in doubt  shard ${shard.number} (${formatMany(shard.requests, 'request')})`,
      sealed === null ? null : `sent ${formatTime(new Date(sealed).toISOString())}`,
      submission?.reason ?? null,
      found.length === 0
        ? 'no batch found that could be its own'
        : `may be ${found.map((candidate) => candidate.batchId).join(' or ')}`,
    ]
      .filter((part) => part !== null)
      .join(', ');
  });
}

/** Sent, or perhaps sent, without a batch that is known to be its own. */
export function isInDoubt({ shard, batch }: ShardView): boolean {
  return shard.state === 'live' && batch === null;
}
