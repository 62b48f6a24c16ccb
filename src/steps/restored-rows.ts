import { StoreError } from '../core/errors.ts';
import type { JournalJob, JournalShard } from '../core/journal.ts';
import type { JobFiles } from '../core/ports/files.ts';
import { rawPath, shardPath } from '../core/ports/files.ts';
import { customIdAtHead, customIdInHead } from '../core/result-line.ts';
import { parseWireId } from '../core/wire-id.ts';
import { keptHashes } from './request-hashes.ts';

/** Which shards have carried each row of one stage, by their index in the journal, in order. */
export class StageRows {
  /** Index of the latest shard + 1; 0: none. */
  #latest = new Int32Array(1024);
  /** Earlier ones, of the few rows that went out again. */
  readonly #earlier = new Map<number, number[]>();
  #highest = 0;

  add(seq: number, shard: number): void {
    if (seq >= this.#latest.length) {
      const grown = new Int32Array(Math.max(seq + 1, this.#latest.length * 2));
      grown.set(this.#latest);
      this.#latest = grown;
    }
    const before = this.#latest[seq] ?? 0;
    if (before === shard + 1) return;
    if (before > 0) this.#earlier.set(seq, [...(this.#earlier.get(seq) ?? []), before - 1]);
    this.#latest[seq] = shard + 1;
    this.#highest = Math.max(this.#highest, seq);
  }

  /** Null: none yet. */
  latest(seq: number): number | null {
    const found = this.#latest[seq] ?? 0;
    return found === 0 ? null : found - 1;
  }

  get moved(): ReadonlyMap<number, readonly number[]> {
    return this.#earlier;
  }

  /** In order. */
  *seqs(): Generator<number> {
    for (let seq = 0; seq <= this.#highest; seq += 1) if ((this.#latest[seq] ?? 0) > 0) yield seq;
  }
}

/**
 * Reads which rows each shard carries from its file; where that is gone, from its raw results, or from what was kept of a file
 * that was pruned. By stage.
 */
export async function readShardRows(
  job: JournalJob,
  shards: readonly JournalShard[],
  files: JobFiles,
): Promise<ReadonlyMap<string, StageRows>> {
  const stages = new Map<string, StageRows>();
  for (const [index, shard] of shards.entries()) {
    if (shard.state === 'split') continue;
    const rows = stages.get(shard.stage) ?? new StageRows();
    stages.set(shard.stage, rows);
    const seqs = await readSeqs(job, shard, files);
    for (const seq of seqs) rows.add(seq, index);
  }
  return stages;
}

async function readSeqs(job: JournalJob, shard: JournalShard, files: JobFiles): Promise<ReadonlySet<number>> {
  const path = shardPath(files.requestsDir(job.job_id), shard.stage, shard.number);
  const raw = rawPath(files.resultsDir(job.job_id), shard.stage, shard.number);
  for (const one of [path, raw]) {
    if (!files.exists(one)) continue;
    const seqs = await seqsIn(one, shard.nonce, files);
    if (seqs.size === shard.requests) return seqs;
  }
  const kept = await keptSeqs(job, shard, files);
  if (kept.size === shard.requests) return kept;
  throw new StoreError(`${path} is gone or damaged`, {
    code: 'shard_file_damaged',
    why: `it held the ${shard.requests} requests of shard ${shard.number}, and which rows those are`,
    next: 'put it back from a copy, then batchctl doctor --rebuild again',
  });
}

/** Where the file was pruned. */
async function keptSeqs(job: JournalJob, shard: JournalShard, files: JobFiles): Promise<ReadonlySet<number>> {
  const seqs = new Set<number>();
  for await (const requests of keptHashes(job.job_id, shard, files))
    for (const { seq } of requests) seqs.add(seq);
  return seqs;
}

async function seqsIn(path: string, nonce: string, files: JobFiles): Promise<ReadonlySet<number>> {
  const seqs = new Set<number>();
  for await (const lines of files.lines(path)) {
    for (const { text } of lines) {
      const id = customIdAtHead(text) ?? customIdInHead(text.slice(0, 4096));
      const wire = id === null ? null : parseWireId(id);
      if (wire !== null && wire.nonce === nonce) seqs.add(wire.seq);
    }
  }
  return seqs;
}
