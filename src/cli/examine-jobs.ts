import { hasEnded, RESULTS_KEPT_MS } from '../core/batch.ts';
import { DecisionError } from '../core/errors.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { bad, type Finding, firstFew, note, ok } from './finding.ts';
import { formatMany } from './output.ts';

export interface JobViews {
  readonly job: Job;
  readonly views: readonly ShardView[];
}

/** All jobs with their shards. */
export async function jobViews(store: JobStore): Promise<readonly JobViews[]> {
  const found: JobViews[] = [];
  for (const job of await store.listJobs({ pendingOnly: false, limit: null }))
    found.push({ job, views: await store.shards(job.id) });
  return found;
}

const SOON_MS = 5 * 24 * 60 * 60_000;

/** What of the jobs needs the user, or time. */
export function examineJobs(jobs: readonly JobViews[], nowMs: number): readonly Finding[] {
  if (jobs.length === 0) return [];
  const open = jobs.filter(({ job }) => !isFinal(job.state));
  const findings: Finding[] = [ok('jobs', `${jobs.length} in all, ${open.length} unfinished`)];
  for (const one of jobs) findings.push(...examineDoubts(one, nowMs));
  const vanishing = open.filter(({ views }) => views.some((view) => vanishesBy(view, nowMs + SOON_MS)));
  for (const { job } of vanishing) {
    const text = `results of ${job.jobId} are to be had for 29 days only, and those are nearly over`;
    findings.push(note('results', text, `batchctl retrieve ${job.jobId}`));
  }
  return findings;
}

function examineDoubts({ job, views }: JobViews, nowMs: number): readonly Finding[] {
  const findings: Finding[] = [];
  const inState = (state: string): readonly ShardView[] =>
    views.filter(({ submission }) => submission?.state === state);
  const stuck = inState('stuck');
  if (stuck.length > 0) {
    const numbers = firstFew(stuck.map(({ shard }) => String(shard.number)));
    const why = firstFew(
      stuck.flatMap(({ submission }) => submission?.reason ?? []),
      1,
    );
    const message = `job ${job.jobId} waits for your decision on shard ${numbers}`;
    const next = `batchctl resume ${job.jobId} shows what is known, and takes --adopt or --resubmit`;
    findings.push(bad('jobs', new DecisionError(message, { code: 'doubt_stuck', why, next })));
  }
  const doubted = [...inState('in_doubt'), ...inState('sealed')];
  if (doubted.length > 0) {
    const text = `${job.jobId}: ${formatMany(doubted.length, 'shard')} in doubt; nothing of it is sent again before that is settled`;
    findings.push(note('jobs', text, `batchctl resume ${job.jobId}`));
  }
  const watched = inState('absent').filter(({ submission }) => (submission?.watchUntilMs ?? 0) > nowMs);
  if (watched.length > 0) {
    const text = `${job.jobId}: ${formatMany(watched.length, 'attempt')} judged absent, and still looked for`;
    findings.push(note('jobs', text, `batchctl resume ${job.jobId}`));
  }
  return findings;
}

function vanishesBy({ shard, batch }: ShardView, atMs: number): boolean {
  if (shard.state !== 'live' || batch === null || !hasEnded(batch)) return false;
  return Date.parse(batch.createdAt) + RESULTS_KEPT_MS < atMs;
}
