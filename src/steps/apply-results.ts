import { APPLIED_EVENT, type AppliedReport, isInRanges, Problems, toRanges } from '../core/applied-report.ts';
import type { Batch } from '../core/batch.ts';
import type { Job } from '../core/job.ts';
import { type Line, rawPath } from '../core/ports/files.ts';
import type { RowOutcome } from '../core/ports/store.ts';
import { type RawRow, readRawLine } from '../core/raw-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import type { Shard } from '../core/shard.ts';
import { TallyCounter } from '../core/tally-counter.ts';
import type { LocalDeps } from './deps.ts';
import { loadOutputPaths } from './output-paths.ts';
import { RawDuplicates } from './raw-duplicates.ts';
import { isGood, outputContent, writeOutput } from './write-outputs.ts';

// Few enough that a commit is short, many enough that its fsync is nothing beside the parsing.
const CHUNK_ROWS = 1_000;

export interface Applying {
  readonly job: Job;
  readonly shard: Shard;
  readonly batch: Batch;
  /** What applying it found when the job became final: files written then stay as they are now, edited or not. */
  readonly before?: AppliedReport | null;
}

/**
 * Judges each line of a shard's raw results, writes the good answers to their files and records each outcome; what has no
 * line is missing. Everything it does it may do again: killed anywhere, a second run ends with the same rows and bytes.
 */
export async function applyResults(
  { job, shard, batch, before = null }: Applying,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<AppliedReport> {
  const { store, files, report } = deps;
  const resultsDir = files.resultsDir(job.jobId);
  const path = rawPath(resultsDir, shard.stage, shard.number);
  const shardSeqs = await store.shardSeqs(shard.id);
  const outputPath = await loadOutputPaths(shard, shardSeqs, resultsDir, deps);
  const seqs = new ResultSeqs(shardSeqs);
  const duplicates = new RawDuplicates(files, path, seqs.size);
  const problems = new Problems();
  const tally = new TallyCounter();
  const refused: number[] = [];
  const counts = { unknown: 0, malformed: 0 };
  // Outcomes only: texts are written at once and not held, so that memory does not depend on their length.
  let chunk: RowOutcome[] = [];

  const flush = async (): Promise<void> => {
    signal.throwIfAborted();
    await store.applyOutcomes(shard.id, chunk);
    report({ kind: 'applying', batchId: batch.id, rows: seqs.distinct, requests: seqs.size });
    chunk = [];
  };

  const isKept = (seq: number, at: string): boolean =>
    before !== null && !isInRanges(before.refusedOutputs, seq) && files.exists(at);

  const applyRow = ({ seq, index, judgement }: RawRow, line: Line): void => {
    if (isGood(judgement) && !isKept(seq, outputPath(index))) {
      const content = outputContent(judgement, line.text);
      const why = writeOutput(files, outputPath(index), content, job.spec);
      if (why !== null) {
        refused.push(seq);
        problems.add(`the answer of row ${seq} was not written: ${why}`);
      }
    }
    const { status, failure } = judgement;
    chunk.push({ seq, status, failure, rawOffset: line.offset, rawLength: line.length });
  };

  try {
    for await (const lines of files.lines(path)) {
      for (const line of lines) {
        const read = readRawLine(line, shard.nonce, seqs);
        if (read.kind !== 'row') {
          counts[read.kind] += 1;
          problems.add(`${path}, byte ${line.offset}: ${read.why}`);
        } else if (!seqs.mark(read.index)) {
          if (!duplicates.isSame(read.index, line)) problems.add(conflict(path, line, read));
        } else {
          duplicates.note(read.index, line);
          tally.add(read.judgement);
          applyRow(read, line);
        }
      }
      if (chunk.length >= CHUNK_ROWS) await flush();
    }
    if (chunk.length > 0) await flush();
  } finally {
    duplicates.close();
  }

  const missing = seqs.size - seqs.distinct;
  if (missing > 0) await store.settleRest(shard.id, 'missing', 'missing');
  problems.add(
    `${path}: no result for ${missing} of ${seqs.size} requests of batch ${batch.id}`,
    Math.min(missing, 1),
  );
  const applied: AppliedReport = {
    shardId: shard.id,
    stage: shard.stage,
    shard: shard.number,
    batchId: batch.id,
    ...counts,
    distinct: seqs.distinct,
    duplicate: duplicates.count,
    conflicting: duplicates.conflicting,
    problems: problems.sentences,
    problemCount: problems.count,
    refusedOutputs: toRanges(refused),
  };
  await store.recordEvent({ jobId: job.id, kind: APPLIED_EVENT, detail: applied });
  if (problems.count > 0) {
    const first = problems.sentences[0] ?? '';
    const text = `results of ${batch.id}: ${problems.count === 1 ? 'a problem' : `${problems.count} problems`}, first: ${first} (all of them: batchctl verify ${job.jobId})`;
    report({ kind: 'problem', text });
  }
  await store.finishShard(shard.id, 'applied', tally.total(missing));
  return applied;
}

/** One sentence on a line that contradicts an earlier one. */
export function conflict(path: string, line: Pick<Line, 'offset'>, { customId }: RawRow): string {
  return `${path}, byte ${line.offset}: a second, different result for ${customId}; the first is kept`;
}
