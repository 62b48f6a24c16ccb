import { type AppliedReport, readAppliedReports } from '../core/applied-report.ts';
import { RESULTS_KEPT_MS } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { KnownRows } from '../core/known-rows.ts';
import { rawPath } from '../core/ports/files.ts';
import type { KnownBatch, ShardView } from '../core/ports/store-views.ts';
import { idOfLine } from '../core/raw-line.ts';
import { idsByNonce } from '../core/request-ids.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import type { Shard } from '../core/shard.ts';
import { pricedAt } from '../core/shard-billing.ts';
import { applyResults } from './apply-results.ts';
import { isRawWhole } from './check-raw.ts';
import type { Deps, LocalDeps } from './deps.ts';
import { downloadResults } from './download-results.ts';
import { requireHome } from './require-home.ts';
import type { Run } from './run.ts';

const ROWS_AT_ONCE = 500;

/** A shard whose results ended without some of its rows, of which one at least has no good answer from elsewhere. */
export interface MissingRows {
  readonly view: ShardView;
  readonly batch: KnownBatch;
  /** Of its results as they are here. */
  readonly before: AppliedReport;
}

/** Where the API may have results of rows that are missing: it keeps them for 29 days. */
export async function findMissing(job: Job, deps: LocalDeps): Promise<readonly MissingRows[]> {
  // Rows of a batch that was made elsewhere are known from its results alone.
  if (job.spec.adopted) return [];
  const { store, clock } = deps;
  const reports = readAppliedReports(await store.events(job.id)).filter(({ missing }) => missing.length > 0);
  if (reports.length === 0) return [];
  const reportOf = new Map(reports.map((report) => [report.shardId, report]));
  const found: MissingRows[] = [];
  for (const view of await store.shards(job.id)) {
    const { shard, batch, submission } = view;
    const before = reportOf.get(shard.id);
    if (before === undefined || batch === null || shard.state !== 'applied') continue;
    const isKept =
      batch.archivedAt === null && clock.now().getTime() - Date.parse(batch.createdAt) < RESULTS_KEPT_MS;
    if (!isKept || submission?.state !== 'created') continue;
    if (await isAnyOpen(shard.stageId, before, store)) found.push({ view, batch, before });
  }
  return found;
}

/** Whether one of them has no good answer, not from a later attempt either. */
async function isAnyOpen(
  stageId: number,
  { missing }: AppliedReport,
  store: LocalDeps['store'],
): Promise<boolean> {
  for (const [from, to] of missing) {
    for (let at = from; at <= to; at += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, to - at + 1);
      const rows = await store.rowsOf(
        stageId,
        Array.from({ length: count }, (_, index) => at + index),
      );
      if (rows.some(({ failure }) => failure !== null)) return true;
    }
  }
  return false;
}

/**
 * Downloads once more what ended without some rows, each batch once. Results are taken only when they hold every row that is
 * here, as it is here, and others beside them; anything else leaves all as it was. Then the job is final no longer: whoever
 * retrieves next writes its files anew. A row that has gone out again since keeps the answer of that attempt, if it is a good
 * one.
 *
 * The caller holds the job's lock.
 *
 * @returns how many rows came.
 */
export async function retrieveMissing(run: Run, signal: AbortSignal): Promise<number> {
  const { deps } = run;
  const job = await deps.store.jobById(run.job.id);
  const all = await findMissing(job, deps);
  if (all.length === 0) return 0;
  await requireHome(job, deps, signal);
  let came = 0;
  for (const one of all) {
    signal.throwIfAborted();
    const { batch, view, before } = one;
    const lacking = view.shard.requests - before.distinct;
    const rows = await askAgain(job, one, deps, signal);
    const lack = lacking === 1 ? '1 missing row' : `${lacking} missing rows`;
    const text =
      typeof rows === 'string'
        ? `batch ${batch.id} still has no result for ${lack}: ${rows}`
        : `batch ${batch.id} has results by now for ${rows} of ${lack}`;
    deps.report({ kind: 'notice', text });
    came += typeof rows === 'string' ? 0 : rows;
  }
  return came;
}

/** How many rows came, or why none did. */
async function askAgain(
  job: Job,
  { view, batch, before }: MissingRows,
  deps: Deps,
  signal: AbortSignal,
): Promise<number | string> {
  const { store, files } = deps;
  const { shard, candidates } = view;
  // Damaged results are for the caller to bring back whole first (retrieve-again.ts).
  if (!(await isRawWhole(job, shard, deps))) return 'its other results are damaged here';
  const isProven = !candidates.some((candidate) => candidate.batchId === batch.id);
  const here = await readKnown(job, shard, deps);
  const kept: { readonly bytes: number; readonly sha256: string }[] = [];
  const keep = {
    path: rawPath(files.resultsDir(job.jobId), shard.stage, shard.number),
    note: (raw: { readonly bytes: number; readonly sha256: string }) => void kept.push(raw),
  };
  try {
    const download = await downloadResults({ job, shard, batch, isProven, here, keep }, deps, signal);
    if (download.kind !== 'downloaded')
      return download.kind === 'foreign' ? 'it has results of another job' : download.why;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    return error.message;
  }
  // One commit: from here on the job has news, and whoever finds it after a kill applies them.
  for (const raw of kept) await store.recordDownload(shard.id, raw, { reopens: true });
  const facts = { job, shard, batchId: batch.id, pricedAt: pricedAt(job, batch), before };
  const after = await applyResults(facts, deps, signal);
  return after.distinct - before.distinct;
}

async function readKnown(job: Job, shard: Shard, { store, files }: LocalDeps): Promise<KnownRows> {
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const ids = idsByNonce(shard.nonce);
  const known = new KnownRows(seqs.size);
  for await (const lines of files.lines(rawPath(files.resultsDir(job.jobId), shard.stage, shard.number))) {
    for (const line of lines) {
      const id = idOfLine(line);
      const seq = id === null ? null : ids.seqOf(id);
      const index = seq === null ? -1 : seqs.indexOf(seq);
      if (index !== -1 && seqs.mark(index)) known.note(index, line.text);
    }
  }
  return known;
}
