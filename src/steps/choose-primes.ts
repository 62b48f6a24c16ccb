import type { Job } from '../core/job.ts';
import { MarkReader } from '../core/measure-marks.ts';
import { measureRequest } from '../core/measure-request.ts';
import { shardPath } from '../core/ports/files.ts';
import { type PrimeNeed, prefixKey } from '../core/prime-needs.ts';
import { readRequestLine } from '../core/request-line.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import type { Shard } from '../core/shard.ts';
import type { Taking } from './carve-shards.ts';
import type { LocalDeps } from './deps.ts';

/**
 * One request for each of these prefixes: the first that begins with it. A request with several of them stands for all.
 * Reads the shards that have one, each once and no further than it must.
 */
export async function choosePrimes(
  job: Job,
  shards: readonly Shard[],
  {
    needs,
    sizes,
  }: { readonly needs: readonly PrimeNeed[]; readonly sizes: ReadonlyMap<number, RequestSizes> },
  { files }: LocalDeps,
  signal: AbortSignal,
): Promise<readonly Taking[]> {
  const missing = new Set(needs.map(prefixKey));
  const takings: Taking[] = [];
  for (const shard of shards) {
    const here = new Set(
      (sizes.get(shard.id)?.prefixes ?? []).map(prefixKey).filter((key) => missing.has(key)),
    );
    if (here.size === 0) continue;
    const seqs = new Set<number>();
    const marks = new MarkReader();
    const path = shardPath(files.requestsDir(job.jobId), shard.stage, shard.number);
    for await (const lines of files.lines(path)) {
      signal.throwIfAborted();
      for (const { text } of lines) {
        if (here.size === 0) break;
        const line = readRequestLine(text);
        if (line === null) continue;
        const { model, isUs, marks: measured } = measureRequest(line.paramsJson, null, marks);
        const found = measured
          .map(({ hash }) => prefixKey({ model, isUs, hash }))
          .filter((key) => here.has(key));
        if (found.length > 0) seqs.add(line.seq);
        for (const key of found) {
          here.delete(key);
          missing.delete(key);
        }
      }
      if (here.size === 0) break;
    }
    if (seqs.size > 0) takings.push({ shard, seqs });
  }
  return takings;
}
