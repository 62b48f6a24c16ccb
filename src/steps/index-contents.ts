import { contentHash } from '../core/content-hash.ts';
import type { JobSpec } from '../core/job.ts';
import { shardPath } from '../core/ports/files.ts';
import { readRequestLine } from '../core/request-line.ts';
import type { LocalDeps } from './deps.ts';

const CHUNK = 2_000;

/**
 * Brings the index of what was ever requested up to date, from the shard files of the workspace's jobs on this side. Each
 * file is read once ever: what it costs falls on whoever first asks for what has changed. May be cut off anywhere.
 */
export async function indexContents(on: JobSpec['on'], deps: LocalDeps, signal: AbortSignal): Promise<void> {
  const { store, files, report } = deps;
  const specs = new Map<string, JobSpec>();
  let indexed = 0;
  for (const shard of await store.unindexedShards(on)) {
    const spec = specs.get(shard.jobId) ?? (await store.findJob(shard.jobId)).spec;
    specs.set(shard.jobId, spec);
    const path = shardPath(files.requestsDir(shard.jobId), shard.stage, shard.number);
    let entries: { hash: Uint8Array; seq: number }[] = [];
    if (files.exists(path)) {
      for await (const lines of files.lines(path)) {
        signal.throwIfAborted();
        for (const { text } of lines) {
          const line = readRequestLine(text);
          if (line !== null) entries.push({ hash: contentHash(spec, line.paramsJson), seq: line.seq });
        }
        if (entries.length < CHUNK) continue;
        await store.indexContents(shard.shardId, entries, false);
        indexed += entries.length;
        entries = [];
        report({ kind: 'indexing', requests: indexed });
      }
    }
    await store.indexContents(shard.shardId, entries, true);
    indexed += entries.length;
  }
}
