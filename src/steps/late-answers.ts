import { frozenPath, rawPath } from '../core/ports/files.ts';
import type { LateDuplicate, RowView, ShardView } from '../core/ports/store-views.ts';
import { readRawLine } from '../core/raw-line.ts';
import { idsByNonce } from '../core/request-ids.ts';
import { MAX_LINE_BYTES } from '../core/result-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import type { Shard } from '../core/shard.ts';
import { checksOf } from './answer-checks.ts';
import { isRawWhole } from './check-raw.ts';
import { loadFrozen } from './frozen-job.ts';
import type { Run } from './run.ts';
import { isGood } from './write-outputs.ts';

/** A good answer that no row has, and where its line stands. */
export interface LateAnswer {
  /** The shard that it was asked in. */
  readonly shardId: number;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** The attempt of the row that it answers, where that is told by its past. */
  readonly attempt: number | null;
}

/** Good answers that were paid and came after their rows had been given up. Files that were damaged since have none. */
export interface LateAnswers {
  /** From a second batch of the row's shard. */
  ofDuplicate(seq: number): LateAnswer | null;
  /** From an attempt whose results were given up for lost, and came after the row had gone out again. */
  ofPast(row: Pick<RowView, 'seq' | 'attempt' | 'shardId'>): Promise<LateAnswer | null>;
}

/** The good answers of a second batch. Of each only its place is held, 12 bytes; a length of 0: there is none. */
interface LateBatch {
  readonly shardId: number;
  readonly path: string;
  readonly seqs: ResultSeqs;
  /** By the place of the seq; of its line. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

/** Those for the rows of these shards, of one stage. */
export async function openLateAnswers(
  run: Run,
  views: readonly ShardView[],
  signal: AbortSignal,
): Promise<LateAnswers> {
  const { job, deps } = run;
  const { store, files } = deps;
  const shards = new Map(views.map(({ shard }) => [shard.id, shard]));
  const batches: LateBatch[] = [];
  for (const duplicate of await store.lateDuplicates(job.id)) {
    const shard = shards.get(duplicate.shardId);
    const batch = shard === undefined ? null : await readDuplicate(run, shard, duplicate, signal);
    if (batch !== null) batches.push(batch);
  }
  const whole = new Map<number, boolean>();
  const isWhole = async (shard: Shard): Promise<boolean> => {
    const known = whole.get(shard.id) ?? (await isRawWhole(job, shard, deps));
    whole.set(shard.id, known);
    return known;
  };

  return {
    ofDuplicate(seq) {
      for (const { shardId, path, seqs, offsets, lengths } of batches) {
        const index = seqs.indexOf(seq);
        const [offset, length] = [offsets[index], lengths[index]];
        if (offset !== undefined && length !== undefined && length > 0)
          return { shardId, path, offset, length, attempt: null };
      }
      return null;
    },
    async ofPast({ seq, attempt, shardId: ownId }) {
      const own = ownId === null ? undefined : shards.get(ownId);
      if (attempt <= 1 || own === undefined) return null;
      for (const past of await store.pastAttempts(own.stageId, seq)) {
        const { shardId, rawOffset: offset, rawLength: length } = past;
        const shard = shards.get(shardId);
        if (!isGood(past) || shard === undefined || offset === null || length === null) continue;
        const path = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
        if (await isWhole(shard)) return { shardId, path, offset, length, attempt: past.attempt };
      }
      return null;
    },
  };
}

/** Null: its results are not here, or not as they were. */
async function readDuplicate(
  { job, deps: { store, files } }: Run,
  shard: Shard,
  { kept }: LateDuplicate,
  signal: AbortSignal,
): Promise<LateBatch | null> {
  if (kept === null || !files.exists(kept.path) || (await files.sha256(kept.path)) !== kept.sha256)
    return null;
  const frozen = await loadFrozen(job, files);
  const check = (await checksOf(frozen, frozenPath(files.requestsDir(job.jobId)))).get(shard.stage) ?? null;
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const offsets = new Float64Array(seqs.size);
  const lengths = new Uint32Array(seqs.size);
  const ids = idsByNonce(shard.nonce);
  for await (const lines of files.lines(kept.path)) {
    signal.throwIfAborted();
    for (const line of lines) {
      const read = readRawLine(line, ids, seqs, check);
      if (read.kind !== 'row' || !isGood(read.judgement) || line.length > MAX_LINE_BYTES) continue;
      if (!seqs.mark(read.index)) continue;
      offsets[read.index] = line.offset;
      lengths[read.index] = line.length;
    }
  }
  return { shardId: shard.id, path: kept.path, seqs, offsets, lengths };
}
