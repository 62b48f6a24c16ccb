import type { Job } from '../core/job.ts';
import { idsByName, idsByNonce, type RequestIds } from '../core/request-ids.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';
import { rowChunks } from './write-results.ts';

/**
 * What tells the results of a shard whose they are. For a batch that was made elsewhere the ids of its rows are held, some
 * 12 MB for the 100,000 that a batch has at most.
 */
export async function idsOfShard(
  job: Pick<Job, 'id' | 'spec'>,
  shard: Pick<Shard, 'nonce' | 'stage'>,
  deps: Pick<LocalDeps, 'store'>,
): Promise<RequestIds> {
  if (!job.spec.adopted) return idsByNonce(shard.nonce);
  const seqs = new Map<string, number>();
  for await (const rows of rowChunks(job, shard.stage, deps))
    for (const { customId, seq } of rows) seqs.set(customId, seq);
  return idsByName(seqs);
}
