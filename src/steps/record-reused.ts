import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { rawPath } from '../core/ports/files.ts';
import type { LocalDeps } from './deps.ts';

/** Answers that were taken from earlier jobs stand in raw results that the build wrote: there is nothing to wait for. */
export async function recordReused(job: Job, deps: LocalDeps): Promise<void> {
  const { store, files } = deps;
  for (const { shard } of await store.shards(job.id)) {
    if (shard.route !== 'none' || shard.state !== 'built') continue;
    const path = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
    if (!files.exists(path)) {
      throw new StoreError(`${path} is gone`, {
        code: 'reused_answers_gone',
        why: `it holds ${shard.requests} answers that job ${job.jobId} took from earlier jobs`,
        next: `put it back, or batchctl cancel ${job.jobId} and submit --changed again`,
      });
    }
    await store.recordDownload(shard.id, { bytes: files.size(path), sha256: await files.sha256(path) });
  }
}
