import type { JobStore } from '../core/ports/store.ts';
import type { Connection } from './connection.ts';

type Reusing = Pick<JobStore, 'unindexedShards' | 'indexContents' | 'matchContents'>;

/** Which requests were made before, by their content. The index is filled when somebody first asks, shard by shard. */
export function reusing({ contents, read, write }: Connection): Reusing {
  return {
    unindexedShards: (on) => read(() => contents.unindexed(on)),
    indexContents: (shardId, entries, isLast) =>
      write(() => {
        for (const { hash, seq } of entries) contents.add(shardId, hash, seq);
        if (isLast) contents.markIndexed(shardId);
      }),
    matchContents: (on, hashes, exceptJobId) =>
      read(() => hashes.map((hash) => contents.match(hash, on, exceptJobId))),
  };
}
