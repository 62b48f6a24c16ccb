import type { Job } from '../core/job.ts';
import { shardPath } from '../core/ports/files.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import type { Shard } from '../core/shard.ts';
import { readShardLine } from '../core/shard-line.ts';
import { SizeCounter } from '../core/size-counter.ts';
import type { LocalDeps } from './deps.ts';

/**
 * The sizes of these shards, by shard id. The build wrote them down; a shard of an earlier version is read now, unless its file
 * is gone: then it is left out.
 */
export async function sizesOfShards(
  job: Job,
  views: readonly Pick<ShardView, 'shard'>[],
  deps: Pick<LocalDeps, 'store' | 'files'>,
): Promise<ReadonlyMap<number, RequestSizes>> {
  const known = await deps.store.shardSizes(job.id);
  const sizes = new Map<number, RequestSizes>();
  for (const { shard } of views) {
    const found = known.get(shard.id) ?? (await measureShard(job, shard, deps));
    if (found !== null) sizes.set(shard.id, found);
  }
  return sizes;
}

async function measureShard(
  job: Job,
  shard: Shard,
  { files }: Pick<LocalDeps, 'files'>,
): Promise<RequestSizes | null> {
  const path = shardPath(files.requestsDir(job.jobId), shard.stage, shard.number);
  if (!files.exists(path)) return null;
  const counter = new SizeCounter();
  for await (const lines of files.lines(path)) {
    for (const { text, offset, length } of lines) {
      const line = readShardLine(text);
      if (line !== null) counter.add(line.paramsJson, { offset, length });
    }
  }
  return counter.sizes();
}
