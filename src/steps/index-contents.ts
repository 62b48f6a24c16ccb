import type { JobSpec } from '../core/job.ts';
import type { LocalDeps } from './deps.ts';
import { type HashedRequest, requestHashes } from './request-hashes.ts';

const CHUNK = 2_000;

/**
 * Brings the index of what was ever requested up to date, from the shard files of the workspace's jobs on this side, or
 * what was kept of them. Each is read once ever: what it costs falls on whoever first asks for what has changed. May be cut off anywhere.
 */
export async function indexContents(on: JobSpec['on'], deps: LocalDeps, signal: AbortSignal): Promise<void> {
  const { store, files, report } = deps;
  const specs = new Map<string, JobSpec>();
  let indexed = 0;
  for (const shard of await store.unindexedShards(on)) {
    const spec = specs.get(shard.jobId) ?? (await store.findJob(shard.jobId)).spec;
    specs.set(shard.jobId, spec);
    let entries: HashedRequest[] = [];
    for await (const requests of requestHashes({ jobId: shard.jobId, spec }, shard, files)) {
      signal.throwIfAborted();
      for (const one of requests) entries.push(one);
      if (entries.length < CHUNK) continue;
      await store.indexContents(shard.shardId, entries, false);
      indexed += entries.length;
      entries = [];
      report({ kind: 'indexing', requests: indexed });
    }
    await store.indexContents(shard.shardId, entries, true);
    indexed += entries.length;
  }
}
