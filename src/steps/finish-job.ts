import { createHash } from 'node:crypto';
import { readAppliedReports } from '../core/applied-report.ts';
import { isSettledJob, type Job, type JobState } from '../core/job.ts';
import { jobDocument, lateDuplicateDocuments } from '../core/job-document.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { LocalDeps } from './deps.ts';
import { writeResults } from './write-results.ts';

export const SUMMARY_FILE = 'summary.json';

type FinalState = JobState & ('done' | 'canceled' | 'failed');

/**
 * Ends a job of which every request has its verdict: results.jsonl, failed.jsonl, summary.json and the descriptions of its
 * batches, then the commit. Killed in between, the next run writes the same files again.
 *
 * @returns the final state, or null while something is still open.
 */
export async function finishJob(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<FinalState | null> {
  const { store, clock } = deps;
  const views = await store.shards(job.id);
  const isWaiting = job.stages.some((stage) => stage.state === 'waiting');
  if (isWaiting || !isSettledJob(views.map((view) => view.shard))) return null;
  const state = finalState(job, views);
  const at = clock.now();
  await writeResults(job, 'final', deps, signal);
  await writeSummary({ ...job, state, finalAt: at.toISOString() }, views, deps);
  await store.finishJob(job.id, state, at);
  return state;
}

/** `failed` when a batch or its results are gone and rows are missing for it; `canceled` when a cancel reached any row; else `done`. */
function finalState(job: Pick<Job, 'cancelRequestedAt' | 'stages'>, views: readonly ShardView[]): FinalState {
  if (views.some((view) => view.shard.state === 'lost' && (view.tally?.requests ?? 0) > 0)) return 'failed';
  const canceled = views.some((view) => view.shard.state === 'canceled' || (view.tally?.canceled ?? 0) > 0);
  // Later stages that were never made because of it count too.
  const isHeld = job.stages.some((stage) => stage.held > 0);
  return job.cancelRequestedAt !== null && (canceled || isHeld) ? 'canceled' : 'done';
}

/** summary.json and batch_<id>_info.json. Keys are described in docs/results.md. */
export async function writeSummary(job: Job, views: readonly ShardView[], deps: LocalDeps): Promise<void> {
  const { store, files } = deps;
  const dir = files.resultsDir(job.jobId);
  const options = { private: job.spec.private, durable: true };
  const events = await store.events(job.id);
  const reports = readAppliedReports(events);
  const document = jobDocument(job, views, dir);
  const duplicates = lateDuplicateDocuments(await store.lateDuplicates(job.id), views);
  const summary = {
    ...document,
    model: job.spec.model,
    created_at: job.createdAt,
    submitted_at: job.submitRequestedAt,
    cancel_requested_at: job.cancelRequestedAt,
    ended_at: lastEnd(views),
    finished_at: job.finalAt,
    batches: document.batches.map((batch) => ({
      ...batch,
      ended_at: views.find((view) => view.batch?.id === batch.batch_id)?.batch?.endedAt ?? null,
    })),
    problem_count: reports.reduce((sum, report) => sum + report.problemCount, 0),
    problems: reports.flatMap((report) => report.problems).slice(0, 100),
    late_duplicates: duplicates,
  };
  for (const { batch } of views) {
    if (batch !== null) files.replace(infoPath(dir, batch.id), pretty(batch.describedJson), options);
  }
  files.replace(`${dir}/${SUMMARY_FILE}`, `${JSON.stringify(summary, null, 2)}\n`, options);
}

const PLAIN_ID = /^[\w-]{1,100}$/;

/** Ids are opaque text of up to 256 characters: one that is no plain and short name gets its hash, so that two stay two. */
export function infoPath(resultsDir: string, batchId: string): string {
  if (PLAIN_ID.test(batchId)) return `${resultsDir}/batch_${batchId}_info.json`;
  const hash = createHash('sha256').update(batchId).digest('hex').slice(0, 12);
  return `${resultsDir}/batch_${batchId.replace(/[^\w-]/g, '_').slice(0, 60)}-${hash}_info.json`;
}

function pretty(json: string): string {
  return `${JSON.stringify(JSON.parse(json), null, 2)}\n`;
}

/** Server time, when the last batch ended; null when none did. */
function lastEnd(views: readonly ShardView[]): string | null {
  const ends = views.flatMap((view) => (view.batch?.endedAt ? [view.batch.endedAt] : []));
  return ends.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}
