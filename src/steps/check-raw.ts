import type { Job } from '../core/job.ts';
import { rawPath } from '../core/ports/files.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';

/** Whether the raw results of a shard stand where they were put, byte for byte. Reads the whole file. */
export async function isRawWhole(job: Job, shard: Shard, deps: LocalDeps): Promise<boolean> {
  const facts = await deps.store.rawFacts(shard.id);
  if (facts === null || !(await isRawThere(job, shard, deps))) return false;
  return (await deps.files.sha256(pathOf(job, shard, deps))) === facts.sha256;
}

/** Whether raw results were recorded that are not there any more, or not as they came. */
export async function isRawDamaged(job: Job, shard: Shard, deps: LocalDeps): Promise<boolean> {
  return (await deps.store.rawFacts(shard.id)) !== null && !(await isRawWhole(job, shard, deps));
}

/** The same by the size alone: cheap enough to be asked in every round. */
export async function isRawThere(job: Job, shard: Shard, deps: LocalDeps): Promise<boolean> {
  const facts = await deps.store.rawFacts(shard.id);
  const path = pathOf(job, shard, deps);
  return facts !== null && deps.files.exists(path) && deps.files.size(path) === facts.bytes;
}

function pathOf(job: Job, shard: Shard, { files }: LocalDeps): string {
  return rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
}
