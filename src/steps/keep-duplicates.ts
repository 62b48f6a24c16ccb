import { hasEnded } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import { frozenPath, latePath } from '../core/ports/files.ts';
import type { LateDuplicate, ShardView } from '../core/ports/store-views.ts';
import { readRawLine } from '../core/raw-line.ts';
import { idsByNonce } from '../core/request-ids.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import { openBilling } from '../core/shard-billing.ts';
import { SpentCounter } from '../core/spent-counter.ts';
import type { SpentLine } from '../core/spent-line.ts';
import { checksOf } from './answer-checks.ts';
import { downloadResults } from './download-results.ts';
import { loadFrozen } from './frozen-job.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';

/**
 * Brings the results of second batches to disk, beside those that count, and notes what they cost: they were paid, so they
 * are the user's. What may come of them for rows without a good answer is `takeLate`'s. One that cannot be had now is tried at
 * the next look.
 *
 * @returns how many were brought.
 */
export async function keepDuplicates(
  run: Run,
  views: readonly ShardView[],
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const duplicate of await run.deps.store.lateDuplicates(run.job.id)) {
    const view = views.find(({ shard }) => shard.id === duplicate.shardId);
    if (duplicate.kept !== null || view === undefined) continue;
    try {
      if (await keepDuplicate(run, view, duplicate, signal)) count += 1;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ProviderError)) throw error;
      const text = `the results of ${duplicate.batchId}, a second copy, could not be had: ${error.message}`;
      run.deps.report({ kind: 'notice', text });
    }
  }
  return count;
}

async function keepDuplicate(
  { job, deps }: Run,
  { shard }: ShardView,
  { submissionId, batchId }: LateDuplicate,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, files, provider, clock } = deps;
  const { batch } = await repeatRead(() => provider.retrieveBatch(batchId, signal), clock, signal);
  if (!hasEnded(batch)) return false;
  const path = latePath(files.resultsDir(job.jobId), shard.stage, shard.number, batchId);
  let raw: { readonly bytes: number; readonly sha256: string } | null = null;
  const keep = {
    path,
    note: (facts: { readonly bytes: number; readonly sha256: string }): void => {
      raw = facts;
    },
  };
  // Its nonce has proven it ours.
  const download = await downloadResults({ job, shard, batch, isProven: true, keep }, deps, signal);
  if (download.kind !== 'downloaded' || raw === null) return false;
  const { bytes, sha256 } = raw as { readonly bytes: number; readonly sha256: string }; // set by `note`, unseen by tsc
  const spent = await priceFile({ job, deps }, shard, path, batch.createdAt, signal);
  const answers = spent.reduce((sum, line) => sum + line.answers, 0);
  await store.keepLateDuplicate(submissionId, batchId, { path, bytes, sha256, answers, spent });
  return true;
}

async function priceFile(
  { job, deps: { store, files } }: Pick<Run, 'job' | 'deps'>,
  shard: ShardView['shard'],
  path: string,
  at: string,
  signal: AbortSignal,
): Promise<readonly SpentLine[]> {
  const frozen = await loadFrozen(job, files);
  const check = (await checksOf(frozen, frozenPath(files.requestsDir(job.jobId)))).get(shard.stage) ?? null;
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const ids = idsByNonce(shard.nonce);
  const spent = new SpentCounter(openBilling(job, frozen)(shard, at));
  for await (const lines of files.lines(path)) {
    signal.throwIfAborted();
    for (const line of lines) {
      const read = readRawLine(line, ids, seqs, check);
      if (read.kind === 'row' && seqs.mark(read.index)) spent.add(read.judgement);
    }
  }
  return spent.lines();
}
