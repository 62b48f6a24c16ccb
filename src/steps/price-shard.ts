import { frozenPath, rawPath } from '../core/ports/files.ts';
import type { ShardSpending } from '../core/ports/store-views.ts';
import { readRawLine } from '../core/raw-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import { openBilling, pricedAt } from '../core/shard-billing.ts';
import { SpentCounter } from '../core/spent-counter.ts';
import type { SpentLine } from '../core/spent-line.ts';
import { checksOf } from './answer-checks.ts';
import { isRawThere } from './check-raw.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { idsOfShard } from './shard-ids.ts';

/**
 * What the answers of an applied shard cost that a version without prices has applied: read from its raw results, and
 * kept. May be repeated; needs no lock, for it changes nothing else.
 *
 * @returns null when the raw results are gone: then nobody knows.
 */
export async function priceShard(
  { jobId, shardId }: Pick<ShardSpending, 'jobId' | 'shardId'>,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<readonly SpentLine[] | null> {
  const { store, files } = deps;
  const job = await store.findJob(jobId);
  const view = (await store.shards(job.id)).find((one) => one.shard.id === shardId);
  if (view === undefined) return null;
  const { shard, batch } = view;
  if (shard.state !== 'applied' || !(await isRawThere(job, shard, deps))) return null;
  const frozen = await loadFrozen(job, files);
  const check = (await checksOf(frozen, frozenPath(files.requestsDir(job.jobId)))).get(shard.stage) ?? null;
  const idsOf = idsOfShard(job, shard, deps);
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const spent = new SpentCounter(openBilling(job, frozen)(shard, pricedAt(job, batch)));
  for await (const lines of files.lines(rawPath(files.resultsDir(job.jobId), shard.stage, shard.number))) {
    signal.throwIfAborted();
    const ids = await idsOf(lines);
    for (const line of lines) {
      const read = readRawLine(line, ids, seqs, check);
      // Of several lines of one request the first one counts, as it did when they were applied.
      if (read.kind === 'row' && seqs.mark(read.index)) spent.add(read.judgement);
    }
  }
  const lines = spent.lines();
  await store.keepSpent(shard.id, lines);
  return lines;
}
