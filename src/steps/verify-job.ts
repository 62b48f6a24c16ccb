import { isInRanges, Problems, readAppliedReports } from '../core/applied-report.ts';
import { isFinal, type Job } from '../core/job.ts';
import { shardPath } from '../core/ports/files.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { type Pruned, prunedDocument, readPruned } from '../core/pruned.ts';
import type { VerifyDocument } from '../core/verify-document.ts';
import { loadChecks } from './answer-checks.ts';
import { breathe } from './breathe.ts';
import type { LocalDeps } from './deps.ts';
import { groupsOf, heldFacts } from './held-facts.ts';
import { refusePruned } from './refuse-pruned.ts';
import { ResultsReader } from './results-reader.ts';
import { verifyRaw } from './verify-raw.ts';
import { isGood, outputPathOf } from './write-outputs.ts';
import { PARTIAL_FILE, RESULTS_FILE, rowChunks } from './write-results.ts';

/**
 * Proves that every request came out as exactly one row: counts the rows in the store, reads the raw results again and
 * judges each line anew, checks results.jsonl line by line in input order, and looks for the file of each good answer.
 * Needs no API and changes nothing. A job that is not final is checked as far as it has come, and is not `ok`.
 */
export async function verifyJob(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<VerifyDocument> {
  await refusePruned(job, deps);
  const { store, files, report } = deps;
  const problems = new Problems();
  const views = await store.shards(job.id);
  const counts = { unknown: 0, duplicate: 0 };
  const pruned = readPruned(await store.events(job.id));
  const checks = await loadChecks(job, files);
  for (const view of views) {
    signal.throwIfAborted();
    await checkShardFile(job, view, pruned, deps, problems);
    const raw = await verifyRaw(job, view, checks, deps, problems);
    counts.unknown += raw.unknown;
    counts.duplicate += raw.duplicate;
    report({
      kind: 'notice',
      text: `${job.stages.length > 1 ? `${view.shard.stage} ` : ''}shard ${view.shard.number}: checked`,
    });
  }
  const late = await checkDuplicates(job, deps, problems);
  const totals = await checkRows(job, views, pruned, deps, problems, signal);
  if (!isFinal(job.state)) {
    problems.add(
      `the job is ${job.state}, not final: ${totals.open} of ${totals.requests} requests have no outcome yet`,
    );
  } else if (pruned.resultsAt === null && !files.exists(`${files.resultsDir(job.jobId)}/${RESULTS_FILE}`)) {
    problems.add(`${files.resultsDir(job.jobId)}/${RESULTS_FILE} is not there`);
  }
  const { open: _open, ...sums } = totals;
  const gone = prunedDocument(pruned, views);
  return {
    job_id: job.jobId,
    ok: problems.count === 0,
    ...sums,
    ...counts,
    late_duplicates: late,
    ...(gone === null ? {} : { pruned: gone }),
    problems: problems.list(),
  };
}

/** Second batches change no row, but what they answered was paid, and must stay as it was kept. */
async function checkDuplicates(job: Job, { store, files }: LocalDeps, problems: Problems): Promise<number> {
  const duplicates = await store.lateDuplicates(job.id);
  for (const { batchId, kept } of duplicates) {
    if (kept === null) continue;
    if (!files.exists(kept.path)) problems.add(`${kept.path}, of the second batch ${batchId}, is not there`);
    else if ((await files.sha256(kept.path)) !== kept.sha256)
      problems.add(`${kept.path} is not the file that was downloaded (its SHA-256 differs)`);
  }
  return duplicates.length;
}

async function checkShardFile(
  job: Job,
  { shard }: ShardView,
  pruned: Pruned,
  deps: LocalDeps,
  problems: Problems,
): Promise<void> {
  const path = shardPath(deps.files.requestsDir(job.jobId), shard.stage, shard.number);
  // A batch that was made elsewhere has no file of requests here.
  if (!job.spec.adopted) {
    if (!deps.files.exists(path)) {
      if (!pruned.requests.has(shard.nonce)) problems.add(`${path} is not there`);
    } else if ((await deps.files.sha256(path)) !== shard.fileSha256)
      problems.add(`${path} is not the file that was built`);
  }
  const rows = (await deps.store.shardSeqs(shard.id)).length;
  if (rows !== shard.requests)
    problems.add(`shard ${shard.number} has ${shard.requests} requests, the store ${rows} rows of it`);
}

interface Totals {
  readonly requests: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  readonly missing: number;
  readonly held: number;
  readonly open: number;
}

/** Counts rows, holds them against the totals of their shards, against results.jsonl and against the output folder. */
async function checkRows(
  job: Job,
  views: readonly ShardView[],
  { resultsAt }: Pruned,
  deps: LocalDeps,
  problems: Problems,
  signal: AbortSignal,
): Promise<Totals> {
  const { store, files, clock } = deps;
  const dir = files.resultsDir(job.jobId);
  const reports = readAppliedReports(await store.events(job.id));
  const without = new Map(reports.map((report) => [report.shardId, report.withoutOutput]));
  const groups = groupsOf(views);
  const totals = {
    requests: 0,
    succeeded: 0,
    errored: 0,
    canceled: 0,
    expired: 0,
    missing: 0,
    held: 0,
    open: 0,
  };
  const name = isFinal(job.state) ? RESULTS_FILE : PARTIAL_FILE;
  const results = new ResultsReader(files, `${dir}/${name}`);
  try {
    for (const stage of job.spec.stages) {
      for await (const rows of rowChunks(job, stage, deps)) {
        for (const row of rows) {
          totals.requests += 1;
          totals[row.status ?? 'open'] += 1;
          if (row.status === null) continue;
          if (results.isThere) {
            const wrong = await results.check({
              ...row,
              status: row.status,
              group:
                row.shardId === null
                  ? (await heldFacts(job, row, groups, deps)).group
                  : (groups.get(row.shardId) ?? null),
            });
            if (wrong !== null) problems.add(`${dir}/${name}: ${wrong}`);
          }
          const wantsFile = isGood(row) && !isInRanges(without.get(row.shardId ?? 0) ?? [], row.seq);
          const path = wantsFile ? outputPathOf(row, dir) : null;
          const isPruned = resultsAt !== null && path?.startsWith(`${dir}/out/`) === true;
          if (path !== null && !isPruned && !files.exists(path))
            problems.add(`the answer of ${row.customId} is not at ${path}`);
        }
        await breathe(clock, signal);
      }
    }
    const more = await results.countRest();
    problems.add(`${dir}/${name} has ${more} lines too many`, Math.min(more, 1));
  } finally {
    await results.close();
  }
  checkSums(job, views, totals, problems);
  return totals;
}

function checkSums(job: Job, views: readonly ShardView[], totals: Totals, problems: Problems): void {
  const rows = job.records * job.stages.length;
  if (rows !== totals.requests) {
    const stages = job.stages.length === 1 ? '' : ` for ${job.stages.length} stages`;
    problems.add(`${job.records} records went in${stages}, ${totals.requests} rows are there`);
  }
  if (totals.open > 0) return;
  const held = job.stages.reduce((sum, stage) => sum + stage.held, 0);
  if (held !== totals.held) problems.add(`the totals say ${held} held, the rows ${totals.held}`);
  for (const status of ['succeeded', 'errored', 'canceled', 'expired', 'missing'] as const) {
    const counted = views.reduce((sum, view) => sum + (view.tally?.[status] ?? 0), 0);
    if (counted !== totals[status]) {
      problems.add(`the totals say ${counted} ${status}, the rows ${totals[status]}`);
    }
  }
}
