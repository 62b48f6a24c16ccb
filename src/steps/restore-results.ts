import { isInRanges, readAppliedReports } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import { RESULTS_BACK_EVENT, readPruned } from '../core/pruned.ts';
import { pricedAt } from '../core/shard-billing.ts';
import { applyResults } from './apply-results.ts';
import { breathe } from './breathe.ts';
import type { LocalDeps } from './deps.ts';
import { finishJob, SUMMARY_FILE, writeSummary } from './finish-job.ts';
import { loadFrozen } from './frozen-job.ts';
import { groupsOf } from './held-facts.ts';
import { OutputWriter } from './output-writer.ts';
import { openRawReaders } from './raw-readers.ts';
import { isGood, outputPathOf } from './write-outputs.ts';
import { FAILED_FILE, RESULTS_FILE, rowChunks, writeResults } from './write-results.ts';

/**
 * Puts back the files of a final job that are gone, from the raw results and without the API. Files that are there are
 * left alone, whatever the user made of them. Raw results that were downloaded again are applied first, and then the
 * files that list rows are written anew. Killed anywhere, the next call goes on.
 *
 * `unreadable`: shards whose raw results cannot be had; what needs them is left out.
 *
 * @returns how many files it wrote.
 */
export async function restoreResults(
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
  unreadable: ReadonlySet<number> = new Set(),
): Promise<number> {
  const { store, files } = deps;
  const dir = files.resultsDir(job.jobId);
  const isWhole = unreadable.size === 0;
  await applyAgain(job, deps, signal, unreadable);
  let restored = await restoreOutputs(job, deps, signal, unreadable);
  const views = await store.shards(job.id);
  if (isWhole && job.state === 'failed' && views.every(({ shard }) => shard.state !== 'lost')) {
    await finishJob(job, deps, signal);
    return restored + 3;
  }
  if (isWhole && ![RESULTS_FILE, FAILED_FILE].every((name) => files.exists(`${dir}/${name}`))) {
    await writeResults(job, 'final', deps, signal);
    restored += 2;
  }
  if (!files.exists(`${dir}/${SUMMARY_FILE}`)) {
    await writeSummary(job, views, deps);
    restored += 1;
  }
  if (isWhole && readPruned(await store.events(job.id)).resultsAt !== null)
    await store.recordEvent({ jobId: job.id, kind: RESULTS_BACK_EVENT });
  return restored;
}

async function applyAgain(
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
  unreadable: ReadonlySet<number>,
): Promise<void> {
  const { store, files } = deps;
  const views = (await store.shards(job.id)).filter(
    ({ shard }) => shard.state === 'downloaded' && !unreadable.has(shard.id),
  );
  if (views.length === 0) return;
  const reports = readAppliedReports(await store.events(job.id));
  const dir = files.resultsDir(job.jobId);
  // Before the rows change: a kill from here on leaves files to be put back, never files of other rows.
  if (unreadable.size === 0)
    for (const name of [RESULTS_FILE, FAILED_FILE, SUMMARY_FILE]) files.remove(`${dir}/${name}`);
  for (const { shard, batch } of views) {
    const before = reports.find((report) => report.shardId === shard.id) ?? null;
    const at = pricedAt(job, batch);
    await applyResults({ job, shard, batchId: batch?.id ?? null, pricedAt: at, before }, deps, signal);
  }
}

async function restoreOutputs(
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
  unreadable: ReadonlySet<number>,
): Promise<number> {
  const { store, files, clock } = deps;
  const dir = files.resultsDir(job.jobId);
  // What could not be written is tried again: its path, its template or its module may have been mended.
  const withoutFile = new Map(
    readAppliedReports(await store.events(job.id)).map((one) => [one.shardId, one.withoutOutput]),
  );
  const groups = groupsOf(await store.shards(job.id));
  const readers = await openRawReaders(job, files);
  const outputs = new OutputWriter(job, await loadFrozen(job, files), deps, signal);
  let restored = 0;
  try {
    for (const stage of job.spec.stages) {
      for await (const rows of rowChunks(job, stage, deps)) {
        for (const row of rows) {
          if (!isGood(row) || row.shardId === null || unreadable.has(row.shardId)) continue;
          const path = outputPathOf(row, dir);
          if (isInRanges(withoutFile.get(row.shardId) ?? [], row.seq) || files.exists(path)) continue;
          const answer = readers.answerOf(row);
          if (answer === null) continue;
          const group = groups.get(row.shardId) ?? null;
          const written = await outputs.write({ ...row, ...answer, group }, path);
          if (written.kind === 'written') restored += 1;
          if (written.kind === 'refused')
            deps.report({ kind: 'notice', text: `row ${row.customId}: ${written.why}` });
        }
        await breathe(clock, signal);
      }
    }
  } finally {
    outputs.close();
    readers.close();
  }
  return restored;
}
