import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { shardPath } from '../core/ports/files.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';

/**
 * The file of a shard, byte for byte as it was built: what is copied from it gets a hash of its own, so that nothing later
 * would notice.
 *
 * @throws StoreError
 */
export async function requireShardFile(
  { jobId }: Pick<Job, 'jobId'>,
  { stage, number, fileSha256 }: Pick<Shard, 'stage' | 'number' | 'fileSha256'>,
  { files }: Pick<LocalDeps, 'files'>,
): Promise<string> {
  const path = shardPath(files.requestsDir(jobId), stage, number);
  if ((await files.sha256(path)) === fileSha256) return path;
  throw new StoreError(`${path} is not the file that was built`, {
    code: 'shard_changed',
    why: 'its SHA-256 differs',
    next: 'put the file back as it was, or build the job again (batchctl build) and submit that',
  });
}
