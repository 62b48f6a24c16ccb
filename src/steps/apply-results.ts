import { APPLIED_EVENT } from '../core/applied-event.ts';
import { type AppliedReport, isInRanges, Problems, toRanges } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import { frozenPath, type Line, rawPath } from '../core/ports/files.ts';
import type { RowOutcome } from '../core/ports/store-views.ts';
import { type RawRow, readRawLine } from '../core/raw-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import type { Shard } from '../core/shard.ts';
import { openBilling } from '../core/shard-billing.ts';
import { namesOtherTiers, SpentCounter } from '../core/spent-counter.ts';
import { TallyCounter } from '../core/tally-counter.ts';
import { makeAdoptedRows } from './adopted-rows.ts';
import { checksOf } from './answer-checks.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { loadOutputPlaces } from './output-paths.ts';
import { NO_OUTPUT, OutputWriter, type Written } from './output-writer.ts';
import { RawDuplicates } from './raw-duplicates.ts';
import { idsOfShard } from './shard-ids.ts';
import { isGood } from './write-outputs.ts';

// Few enough that a commit is short, many enough that its fsync is nothing beside the parsing.
const CHUNK_ROWS = 1_000;

export interface Applying {
  readonly job: Job;
  readonly shard: Shard;
  /** Null for answers that came one by one, or from earlier jobs. */
  readonly batchId: string | null;
  /** RFC 3339, see pricedAt. */
  readonly pricedAt: string;
  /** What applying it found when the job became final: files written then stay as they are now, edited or not. */
  readonly before?: AppliedReport | null;
}

/**
 * Judges each line of a shard's raw results, writes the good answers to their files and records each outcome; what has no
 * line is missing. Everything it does it may do again: killed anywhere, a second run ends with the same rows and bytes.
 */
export async function applyResults(
  { job, shard, batchId, pricedAt, before = null }: Applying,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<AppliedReport> {
  const { store, files, report } = deps;
  const resultsDir = files.resultsDir(job.jobId);
  const path = rawPath(resultsDir, shard.stage, shard.number);
  if (job.spec.adopted) await makeAdoptedRows(job, shard, true, deps, signal);
  const shardSeqs = await store.shardSeqs(shard.id);
  const idsOf = idsOfShard(job, shard, deps);
  // Rows that have gone out again since: their verdict is kept as a past attempt, and what counts is a later answer.
  const moved = new Set(await store.pastSeqs(shard.id));
  const frozen = await loadFrozen(job, files);
  const check = (await checksOf(frozen, frozenPath(files.requestsDir(job.jobId)))).get(shard.stage) ?? null;
  const outputs = new OutputWriter(job, frozen, deps, signal);
  const withRecords = outputs.needsRecord(shard.stage);
  const placeOf = outputs.isSilent(shard.stage)
    ? null
    : await loadOutputPlaces(shard, shardSeqs, resultsDir, withRecords, deps);
  const seqs = new ResultSeqs(shardSeqs);
  const duplicates = new RawDuplicates(files, path, seqs.size);
  const problems = new Problems();
  const tally = new TallyCounter();
  const spent = new SpentCounter(openBilling(job, frozen)(shard, pricedAt));
  const refused: number[] = [];
  const without: number[] = [];
  let late = 0;
  const counts = { unknown: 0, malformed: 0 };
  // Outcomes only: texts are written at once and not held, so that memory does not depend on their length.
  let chunk: RowOutcome[] = [];

  const flush = async (): Promise<void> => {
    signal.throwIfAborted();
    await store.applyOutcomes(shard.id, chunk);
    report({ kind: 'applying', batchId, rows: seqs.distinct, requests: seqs.size });
    chunk = [];
  };

  const isKept = (seq: number, at: string): boolean =>
    before !== null && !isInRanges(before.refusedOutputs, seq) && files.exists(at);

  /** A promise only where a template or a module makes the output; null where there is nothing to write. */
  const write = ({ seq, index, judgement }: RawRow, line: Line): Written | Promise<Written> | null => {
    if (!isGood(judgement) || moved.has(seq)) return null;
    if (placeOf === null) return NO_OUTPUT;
    const { path: at, ...place } = placeOf(index);
    if (isKept(seq, at)) return null;
    const { stage, group } = shard;
    return outputs.write({ ...place, seq, stage, group, judgement, line: line.text }, at);
  };

  const note = ({ seq, judgement }: RawRow, line: Line, written: Written | null): void => {
    if (written?.kind === 'none') without.push(seq);
    if (written?.kind === 'refused') {
      refused.push(seq);
      problems.add(`the answer of row ${seq} was not written: ${written.why}`);
    }
    if (moved.has(seq) && isGood(judgement)) late += 1;
    const { status, failure } = judgement;
    chunk.push({ seq, status, failure, rawOffset: line.offset, rawLength: line.length });
  };

  try {
    for await (const lines of files.lines(path)) {
      const ids = await idsOf(lines);
      for (const line of lines) {
        const read = readRawLine(line, ids, seqs, check);
        if (read.kind !== 'row') {
          counts[read.kind] += 1;
          problems.add(`${path}, byte ${line.offset}: ${read.why}`);
        } else if (!seqs.mark(read.index)) {
          if (!duplicates.isSame(read.index, line)) problems.add(conflict(path, line, read));
        } else {
          duplicates.note(read.index, line);
          tally.add(read.judgement, { isCurrent: !moved.has(read.seq), isPaid: shard.origin !== 'reused' });
          spent.add(read.judgement);
          const written = write(read, line);
          note(read, line, written instanceof Promise ? await written : written);
        }
      }
      if (chunk.length >= CHUNK_ROWS) await flush();
    }
    if (chunk.length > 0) await flush();
  } finally {
    outputs.close();
    duplicates.close();
  }

  const missing = seqs.size - seqs.distinct;
  const missingRows = missing > 0 ? await store.settleRest(shard.id, 'missing', 'missing') : 0;
  problems.add(
    `${path}: no result for ${missing} of ${seqs.size} requests${batchId === null ? '' : ` of batch ${batchId}`}`,
    Math.min(missing, 1),
  );
  problems.add(
    `${path}: ${late} answers came after their requests had gone out again; those are paid twice, and the later attempt counts where it is good (batchctl show has both)`,
    Math.min(late, 1),
  );
  const spentLines = spent.lines();
  if (batchId !== null) for (const one of namesOtherTiers(spentLines, batchId)) problems.add(one);
  const applied: AppliedReport = {
    shardId: shard.id,
    stage: shard.stage,
    shard: shard.number,
    batchId,
    ...counts,
    distinct: seqs.distinct,
    duplicate: duplicates.count,
    conflicting: duplicates.conflicting,
    problems: problems.sentences,
    problemCount: problems.count,
    refusedOutputs: toRanges(refused),
    withoutOutput: toRanges(without),
  };
  await store.recordEvent({ jobId: job.id, kind: APPLIED_EVENT, detail: applied });
  if (problems.count > 0) {
    const first = problems.sentences[0] ?? '';
    const text = `results of ${batchId ?? `shard ${shard.number}`}: ${problems.count === 1 ? 'a problem' : `${problems.count} problems`}, first: ${first} (all of them: batchctl verify ${job.jobId})`;
    report({ kind: 'problem', text });
  }
  await store.finishShard(shard.id, 'applied', tally.total(missingRows), spentLines);
  return applied;
}

/** One sentence on a line that contradicts an earlier one. */
export function conflict(path: string, line: Pick<Line, 'offset'>, { customId }: RawRow): string {
  return `${path}, byte ${line.offset}: a second, different result for ${customId}; the first is kept`;
}
