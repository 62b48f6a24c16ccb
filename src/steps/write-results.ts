import { isInRanges, readAppliedReports, rowsWithoutFile } from '../core/applied-report.ts';
import { costOfAnswer } from '../core/billing.ts';
import type { Job } from '../core/job.ts';
import type { RowView, ShardView } from '../core/ports/store-views.ts';
import { type RowFacts, resultRowParts } from '../core/result-row.ts';
import { pricedAt } from '../core/shard-billing.ts';
import { breathe } from './breathe.ts';
import type { LocalDeps } from './deps.ts';
import { groupsOf, type HeldFacts, heldFacts } from './held-facts.ts';
import { loadBilling } from './load-billing.ts';
import { type Answer, openRawReaders } from './raw-readers.ts';
import { isGood, outputPathOf } from './write-outputs.ts';

/**
 * What is held of one chunk outlives the young generation of the heap and stays until all of the heap is collected. With 1,000
 * rows a retrieve of 100,000 peaked at 138 to 167 MB, with 200 at 118 to 137 MB, in the same time (Node 24.21, 2026-11).
 */
const CHUNK_ROWS = 200;

/** Written between two breaths, in which what long texts have left is collected. A hundred answers of 1.2 MB without one held 20 MB more. */
const MOST_BYTES_AT_ONCE = 1_000_000;

/** Names in a job's results folder. */
export const RESULTS_FILE = 'results.jsonl';
export const PARTIAL_FILE = 'results.partial.jsonl';
export const FAILED_FILE = 'failed.jsonl';

/**
 * Writes one line for every row in input order, stage by stage, from the store and the raw results. As long as the job is
 * not final: the rows known so far, to results.partial.jsonl. At the end: all of them to results.jsonl, those that are
 * no good to failed.jsonl too, and the partial file goes. Memory does not grow with the job; may be repeated.
 */
export async function writeResults(
  job: Job,
  kind: 'partial' | 'final',
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<void> {
  const { store, files, clock, report } = deps;
  const dir = files.resultsDir(job.jobId);
  const options = { private: job.spec.private };
  const views = await store.shards(job.id);
  const groups = groupsOf(views);
  const toRow = await openRowWriter(job, views, deps);
  const readers = await openRawReaders(job, files);
  const results = files.create(`${dir}/${kind === 'final' ? RESULTS_FILE : PARTIAL_FILE}`, options);
  const failed = kind === 'final' ? files.create(`${dir}/${FAILED_FILE}`, options) : null;
  let sinceBytes = 0;
  try {
    let written = 0;
    for (const stage of job.spec.stages) {
      for await (const rows of rowChunks(job, stage, deps)) {
        for (const row of rows) {
          if (row.status === null) {
            if (kind === 'final') throw new Error(`row ${row.seq} of job ${job.jobId} has no outcome`);
            continue;
          }
          const held = row.status === 'held' ? await heldFacts(job, row, groups, deps) : null;
          const parts = toRow({ ...row, status: row.status }, readers.answerOf(row, 'json'), held);
          const to = isGood(row) ? [results] : [results, failed];
          for (const part of parts) for (const file of to) file?.write(part);
          for (const file of to) file?.write('\n');
          written += 1;
          if (results.bytes - sinceBytes < MOST_BYTES_AT_ONCE) continue;
          sinceBytes = results.bytes;
          await breathe(clock, signal);
        }
        report({ kind: 'writing', rows: written });
        await breathe(clock, signal);
      }
    }
    failed?.finish();
    results.finish();
  } finally {
    readers.close();
    results.discard();
    failed?.discard();
  }
  if (kind === 'final') files.remove(`${dir}/${PARTIAL_FILE}`);
}

/** The rows of a stage in input order, some hundreds at a time. */
export async function* rowChunks(
  job: Pick<Job, 'id'>,
  stage: string,
  { store }: Pick<LocalDeps, 'store'>,
): AsyncGenerator<readonly RowView[]> {
  for (let after = 0; ; ) {
    const rows = await store.rows(job.id, stage, after, CHUNK_ROWS);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.seq;
  }
}

type KnownRow = Omit<RowView, 'status'> & Pick<RowFacts, 'status'>;

type WriteRow = (row: KnownRow, answer: Answer | null, held?: HeldFacts | null) => Iterable<string>;

/** What makes a line of results.jsonl of a row and its answer, in pieces to be written one after the other. */
export async function openRowWriter(
  job: Job,
  shards: readonly ShardView[],
  { store, files }: Pick<LocalDeps, 'store' | 'files'>,
): Promise<WriteRow> {
  const resultsDir = files.resultsDir(job.jobId);
  const byId = new Map(shards.map((view) => [view.shard.id, view]));
  const withoutFile = rowsWithoutFile(readAppliedReports(await store.events(job.id)));
  const billingOf = await loadBilling(job, files);
  return (row, answer, held = null) => {
    const shardId = row.shardId ?? 0; // no shard has it
    const view = byId.get(shardId);
    const billing = view === undefined ? null : billingOf(view.shard, pricedAt(job, view.batch));
    const judgement = answer?.judgement ?? null;
    const hasFile = isGood(row) && !isInRanges(withoutFile.get(shardId) ?? [], row.seq);
    return resultRowParts(
      {
        customId: row.customId,
        stage: row.stage,
        group: held?.group ?? view?.shard.group ?? null,
        status: row.status,
        failure: row.failure,
        attempt: row.attempt,
        batchId: view?.batch?.id ?? null,
        reused: view?.shard.origin === 'reused',
        why: held?.why ?? null,
        cost: judgement === null || billing === null ? null : costOfAnswer(judgement, billing),
        output: hasFile ? outputPathOf(row, resultsDir) : null,
      },
      judgement,
      answer?.line ?? null,
      answer?.textJson ?? null,
    );
  };
}
