import type { Job } from '../core/job.ts';
import type { Line } from '../core/ports/files.ts';
import { idOfLine } from '../core/raw-line.ts';
import { idsByName, idsByNonce, type RequestIds } from '../core/request-ids.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';

/** What joins some lines of the results of a shard to its requests. */
export type IdsOfLines = (lines: readonly Line[]) => RequestIds | Promise<RequestIds>;

/**
 * The ids of a batch that was made elsewhere are asked of the store for some lines at a time: all of them, 100,000 of 64
 * characters, are 13 MB.
 */
export function idsOfShard(
  job: Pick<Job, 'id' | 'spec'>,
  shard: Pick<Shard, 'nonce'>,
  { store }: Pick<LocalDeps, 'store'>,
): IdsOfLines {
  if (!job.spec.adopted) {
    const ids = idsByNonce(shard.nonce);
    return () => ids;
  }
  return async (lines) => {
    const named = lines.map(idOfLine).filter((id) => id !== null);
    return idsByName(await store.seqsOf(job.id, named));
  };
}
