import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { type RunOptions, type RunOutcome, runJob } from '../../src/steps/run-job.ts';
import { readRows } from '../support/build-job.ts';
import { FAST, type Workbench } from '../support/workbench.ts';

export const { signal } = new AbortController();

/**
 * Haiku 5.5, prompts of up to 100,000 tokens (API.md 1.20): 0.10 USD in and 0.50 out for a million tokens, half of that in a
 * batch. With max_tokens 2,000 an answer costs up to 2,000 × 0.25 = 500 micro-dollars in a batch and 1,000 in real time; the
 * emulator's texts have at most 3,000 characters, 750 tokens, 188 micro-dollars in a batch. A prompt of ten tokens is 0.5.
 */
export const words = (records: number, more = '', name = 'words'): string => `name: ${name}
model: claude-haiku-5-5
max_tokens: 2000
source: { axes: { n: 1-${records} } }
id: "r{{n}}"
prompt: "marker-r{{n}}-end: explain"
${more}`;

/** The most that an answer of these jobs may cost: what is said above, and three more for the prompt, counted or guessed. */
export const MOST_IN_BATCH = 503;
export const LEAST_BOUND_IN_BATCH = 500;
export const MOST_IN_REAL_TIME = 1_006;
export const LEAST_BOUND_IN_REAL_TIME = 1_000;

/** Micro-dollars for all answers on disk, whole files or growing ones, by their usage and the prices above. */
export function paidOnDisk(bench: Workbench, job: Job): number {
  const dir = join(bench.dir, 'batch_results', job.jobId);
  if (!existsSync(dir)) return 0;
  let micro = 0;
  for (const name of readdirSync(dir).filter((file) => /\.raw\.jsonl(\.part)?$/.test(file))) {
    for (const row of readRows(readFileSync(join(dir, name), 'utf8'))) {
      const { message } = row['result'] as { message?: { usage: Usage } }; // the emulator's lines
      if (message === undefined) continue;
      const { input_tokens: input, output_tokens: output, service_tier: tier } = message.usage;
      micro += (input * 0.1 + output * 0.5) * (tier === 'batch' ? 0.5 : 1);
    }
  }
  return micro;
}

interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly service_tier: string;
}

/** The same steps with some calls to the API replaced. */
export function withProvider(bench: Workbench, calls: Partial<BatchProvider>): Deps {
  return { ...bench.deps, provider: { ...bench.deps.provider, ...calls } };
}

export async function runWith(job: Job, deps: Deps, options: Partial<RunOptions> = {}): Promise<RunOutcome> {
  return runJob(await deps.store.jobById(job.id), { ...FAST, ...options }, deps, signal);
}

/**
 * At each create: what is on disk, and all that is out at the most it may cost, this shard included, never pass `max`.
 * `seen`: what they came to.
 */
export function watchingLimit(bench: Workbench, job: Job, max: number, seen: number[] = []): Deps {
  return withProvider(bench, {
    createBatch: async (upload, stop) => {
      const views = await bench.deps.store.shards(job.id);
      const out = views.filter(({ shard }) => shard.state === 'live' || shard.state === 'downloaded');
      const requests = out.reduce((sum, { shard }) => sum + shard.requests, upload.requests);
      const atLeast = paidOnDisk(bench, job) + requests * LEAST_BOUND_IN_BATCH;
      seen.push(atLeast);
      expect(atLeast).toBeLessThanOrEqual(max);
      return bench.deps.provider.createBatch(upload, stop);
    },
  });
}

/** The amounts after `--max-usd` in a `next`, in micro-dollars. */
export function limitsIn(next: string | null): number[] {
  const [, all, least] = /--max-usd ([\d.]+)(?: \(([\d.]+) is enough)?/.exec(next ?? '') ?? [];
  return [all, least].flatMap((usd) => (usd === undefined ? [] : [Math.round(Number(usd) * 1e6)]));
}

export async function failureOf(run: Promise<unknown>): Promise<Failure> {
  return run.then(
    () => Promise.reject(new Error('the run did not fail')),
    (error: Failure) => error,
  );
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly why: string | null;
  readonly next: string | null;
}
