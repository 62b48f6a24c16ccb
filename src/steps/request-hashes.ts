import { contentHash } from '../core/content-hash.ts';
import type { Job, JobSpec } from '../core/job.ts';
import { hashesPath, type JobFiles, shardPath } from '../core/ports/files.ts';
import { readRequestLine } from '../core/request-line.ts';
import type { Shard } from '../core/shard.ts';

/** A request by what it asks. */
export interface HashedRequest {
  readonly seq: number;
  readonly hash: Uint8Array;
}

type ShardPlace = Pick<Shard, 'stage' | 'number'>;

/**
 * What the requests of a shard ask, from its file; where that was pruned, from the hashes that were kept of it. Nothing where
 * both are gone. Chunk by chunk.
 */
export async function* requestHashes(
  job: { readonly jobId: string; readonly spec: JobSpec },
  { stage, number }: ShardPlace,
  files: JobFiles,
): AsyncGenerator<readonly HashedRequest[]> {
  const path = shardPath(files.requestsDir(job.jobId), stage, number);
  if (files.exists(path)) {
    for await (const lines of files.lines(path)) {
      yield lines.flatMap(({ text }) => {
        const line = readRequestLine(text);
        return line === null ? [] : [{ seq: line.seq, hash: contentHash(job.spec, line.paramsJson) }];
      });
    }
  } else yield* keptHashes(job.jobId, { stage, number }, files);
}

/** Those that were kept of a file that was pruned; nothing where it was not. */
export async function* keptHashes(
  jobId: string,
  { stage, number }: ShardPlace,
  files: JobFiles,
): AsyncGenerator<readonly HashedRequest[]> {
  const path = hashesPath(files.requestsDir(jobId), stage, number);
  if (!files.exists(path)) return;
  for await (const lines of files.lines(path)) yield lines.flatMap(({ text }) => readHashed(text));
}

/**
 * Keeps them beside the file of a shard, 16 bytes each, so that it can go: `--changed` finds the answers by them, and a
 * database that was lost the rows.
 *
 * @returns false, and keeps nothing, when the file does not hold the requests that it was built with.
 */
export async function keepHashes(
  job: Job,
  shard: Shard,
  files: JobFiles,
  signal: AbortSignal,
): Promise<boolean> {
  const file = files.create(hashesPath(files.requestsDir(job.jobId), shard.stage, shard.number), {
    private: job.spec.private,
  });
  let count = 0;
  try {
    for await (const requests of requestHashes(job, shard, files)) {
      signal.throwIfAborted();
      for (const { seq, hash } of requests)
        file.write(`${JSON.stringify([seq, Buffer.from(hash).toString('base64url')])}\n`);
      count += requests.length;
    }
    if (count !== shard.requests) return false;
    file.finish();
    return true;
  } finally {
    file.discard();
  }
}

/** Empty for a line that is none of ours. */
function readHashed(text: string): readonly HashedRequest[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  const [seq, hash]: readonly unknown[] = value;
  if (typeof seq !== 'number' || typeof hash !== 'string') return [];
  return [{ seq, hash: Buffer.from(hash, 'base64url') }];
}
