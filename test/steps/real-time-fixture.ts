import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AnswerOptions } from '../../src/core/answering.ts';
import type { Job } from '../../src/core/job.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import type { Workbench } from '../support/workbench.ts';

export const signal = new AbortController().signal;

const EASY: AnswerOptions = { concurrency: 4, requestsPerMinute: null, tokensPerMinute: null };

export const realTime = (answering: Partial<AnswerOptions> = {}) =>
  ({ mode: 'real_time', answering: { ...EASY, ...answering } }) as const;

interface Row {
  readonly custom_id: string;
  readonly status: string;
  readonly failure: string | null;
  readonly text: string | null;
  readonly batch_id: string | null;
}

export function rowsOf(bench: Workbench, job: Job): Row[] {
  const text = readFileSync(`${bench.dir}/batch_results/${job.jobId}/results.jsonl`, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** How often each prompt was asked and answered, whoever heard the answer. */
export async function paid(bench: Workbench): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { prompt, answered } of (await bench.truth()).messages)
    if (answered) counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
  return counts;
}

/** The most calls that the server saw begin within this time. */
export async function mostAtOnce(bench: Workbench, withinMs: number): Promise<number> {
  const starts = (await bench.truth()).messages.map((message) => Date.parse(message.at));
  return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + withinMs).length));
}

export const partPath = (bench: Workbench, job: Job): string =>
  join(bench.dir, 'batch_results', job.jobId, 'main-0001.raw.jsonl.part');

export async function expectVerified(bench: Workbench, job: Job, facts: object): Promise<void> {
  const fresh = await bench.deps.store.jobById(job.id);
  expect(await verifyJob(fresh, bench.deps, signal)).toMatchObject({ ok: true, problems: [], ...facts });
}
