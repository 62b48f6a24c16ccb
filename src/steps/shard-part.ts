import type { Job } from '../core/job.ts';
import { type HashedFile, shardPath } from '../core/ports/files.ts';
import type { ClosedShard } from '../core/ports/store-views.ts';
import { bodyBytesOf, type Shard } from '../core/shard.ts';
import { withNonce } from '../core/shard-line.ts';
import { SizeCounter } from '../core/size-counter.ts';
import { makeNonce } from '../core/wire-id.ts';
import type { LocalDeps } from './deps.ts';

/** A shard that takes requests of another one, and whose file is being written. It counts once the store says so. */
export interface ShardPart {
  readonly id: number;
  readonly nonce: string;
  readonly file: HashedFile;
  readonly sizes: SizeCounter;
  requests: number;
}

/** In all but its number and nonce as `like`; the next number of the stage where none is given. */
export async function openPart(
  job: Job,
  like: Pick<Shard, 'stageId' | 'stage' | 'group' | 'origin' | 'route' | 'first'>,
  { store, files, clock }: LocalDeps,
  given: number | null = null,
): Promise<ShardPart> {
  const { stageId, stage, group, origin, route, first } = like;
  const number = given ?? (await store.lastShardNumber(stageId)) + 1;
  const nonce = makeNonce(clock.randomBytes(8));
  const id = await store.openShard(stageId, { number, group, nonce, origin, route, first });
  const path = shardPath(files.requestsDir(job.jobId), stage, number);
  const file = files.createHashed(path, { private: job.spec.private });
  return { id, nonce, file, sizes: new SizeCounter(), requests: 0 };
}

/** `line` is the whole line of the other shard, `paramsJson` what it has of it. */
export function addToPart(part: ShardPart, line: string, paramsJson: string): void {
  const { text } = withNonce(line, part.nonce);
  const place = { offset: part.file.bytes, length: Buffer.byteLength(text) };
  part.sizes.add(paramsJson, place);
  part.file.write(`${text}\n`);
  part.requests += 1;
}

/** The file is whole and on disk then. */
export function closePart({ id, file, sizes, requests }: ShardPart): ClosedShard {
  const { bytes, sha256 } = file.finish();
  return { id, requests, bodyBytes: bodyBytesOf(bytes), fileSha256: sha256, sizes: sizes.sizes() };
}
