import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { rawPath } from '../core/ports/files.ts';
import type { Shard } from '../core/shard.ts';
import { pricedAt } from '../core/shard-billing.ts';
import { applyResults } from './apply-results.ts';
import { isRawThere, isRawWhole } from './check-raw.ts';
import type { LocalDeps } from './deps.ts';

/**
 * Applies the raw results of a shard that has no batch: its requests were asked one by one, or answered earlier. The
 * caller holds the job's lock.
 *
 * @returns whether it applied anything.
 * @throws StoreError when they are gone or damaged: there is no batch from which they could be downloaded again.
 */
export async function applyAnswers(
  job: Job,
  shard: Shard,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<boolean> {
  if (shard.state !== 'downloaded' && shard.state !== 'applied') return false;
  const isApplied = shard.state === 'applied';
  const isRead = isApplied ? isRawThere : isRawWhole;
  if (!(await isRead(job, shard, deps))) throw gone(job, shard, deps);
  if (isApplied) return false;
  await applyResults({ job, shard, batchId: null, pricedAt: pricedAt(job, null) }, deps, signal);
  return true;
}

function gone(job: Job, shard: Shard, { files }: LocalDeps): StoreError {
  const path = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
  return new StoreError(`${path} is gone, or is not the file that was recorded`, {
    code: 'answers_gone',
    why: 'its answers came one by one and were paid; unlike those of a batch they cannot be downloaded again',
    next: `put the file back as it was, then batchctl resume ${job.jobId}`,
  });
}
