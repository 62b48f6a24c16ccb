import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { findCostOfJob } from '../../src/steps/cost-of-job.ts';
import { summarizeCosts } from '../../src/steps/cost-summary.ts';
import { retrieveJob } from '../../src/steps/retrieve-results.ts';
import { buildFrom } from '../support/build-job.ts';
import { makeWorkbench } from '../support/workbench.ts';
import { failureOf, MOST_IN_REAL_TIME, paidOnDisk, runWith, words } from './budget-fixture.ts';
import { realTime } from './real-time-fixture.ts';
import { type Fixture, makeFixture, resultLine } from './results-fixture.ts';

const { signal } = new AbortController();

interface Used {
  readonly input: number;
  readonly output: number;
  readonly written1h?: number;
  readonly read?: number;
  readonly model?: string;
  readonly stop?: string;
}

function answer(seq: number, used: Used): string {
  const result = {
    type: 'succeeded',
    message: {
      id: `msg_${seq}`,
      type: 'message',
      role: 'assistant',
      model: used.model ?? 'claude-haiku-5-5',
      content: [{ type: 'text', text: 'text' }],
      stop_reason: used.stop ?? 'end_turn',
      usage: {
        input_tokens: used.input,
        output_tokens: used.output,
        cache_creation_input_tokens: used.written1h ?? 0,
        cache_read_input_tokens: used.read ?? 0,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: used.written1h ?? 0 },
        service_tier: 'batch',
      },
    },
  };
  return `${resultLine(seq, { result })}\n`;
}

/**
 * Haiku 5.5 in a batch, micro-dollars a token (API.md 1.20): 0.05 in, 0.25 out, 0.10 written for an hour, 0.005 read.
 * The good ones: 2,000 in = 100, 4,000 out = 1,000, 4,000 written = 400, 4,000 read = 20: 1,520.
 * The cut one: 1,000 in = 50, 3,000 out = 750: 800. Without a cache the good ones were 10,000 in = 500 and 1,000: 1,500.
 */
const ANSWERS = [
  answer(1, { input: 1_000, output: 2_000, written1h: 4_000 }),
  answer(2, { input: 1_000, output: 2_000, read: 4_000 }),
  answer(3, { input: 1_000, output: 3_000, stop: 'max_tokens' }),
].join('');
const PAID = { answers: 3, cost: 2_320, realTime: 4_640, uncached: 2_300 };

let fixture: Fixture | null = null;
afterEach(() => {
  fixture?.close();
  fixture = null;
});

async function retrieved(answers: string, shards: readonly number[] = [3]): Promise<Fixture> {
  fixture = await makeFixture({ shards });
  fixture.answer([answers]);
  await retrieveJob(fixture.run, signal);
  return fixture;
}

async function costOf({ store, job, run }: Fixture) {
  return findCostOfJob(await store.jobById(job.id), run.deps, signal);
}

describe('what the answers of a job cost', () => {
  test('is added up by stage, model and class of failure', async () => {
    const report = await costOf(await retrieved(ANSWERS));
    expect(report.total).toMatchObject({ ...PAID, cacheWrite1h: 4_000, cacheRead: 4_000 });
    expect(report.stages).toEqual([expect.objectContaining({ name: 'main', ...PAID })]);
    expect(report.models).toEqual([expect.objectContaining({ name: 'claude-haiku-5-5', ...PAID })]);
    expect(report.failures).toEqual([expect.objectContaining({ name: 'truncated', answers: 1, cost: 800 })]);
    expect(report.groups).toEqual([]);
  });

  test('is not known when answers do not say what they used, and the rest is', async () => {
    const silent = [2, 3].map((seq) =>
      answer(seq, { input: 0, output: 0 }).replace(/,"usage":\{.*\}(?=\}\}\})/, ''),
    );
    const report = await costOf(
      await retrieved(answer(1, { input: 1_000, output: 2_000 }) + silent.join('')),
    );
    expect(report.total).toMatchObject({ answers: 3, cost: null, known: 550 });
    expect(report.unknown).toEqual({ unpriced: [], withoutUsage: 2, unknownShards: 0 });
  });

  test('a request without a line is missing, and counts as not charged', async () => {
    const report = await costOf(await retrieved(answer(1, { input: 1_000, output: 2_000 }), [2]));
    expect(report).toMatchObject({ missing: 1, total: { answers: 1, cost: 550 } });
    expect(report.open.underWay.requests).toBe(0);
  });
});

describe('a job that was applied by a version without prices', () => {
  function forgetSpent({ root }: Fixture): void {
    const db = new Database(join(root, '.batchctl/state.db'));
    db.exec('UPDATE shards SET spent_json = NULL, cost_microusd = NULL');
    db.close();
  }

  test('is priced from its raw results, once', async () => {
    const old = await retrieved(ANSWERS);
    forgetSpent(old);
    expect((await costOf(old)).total).toMatchObject(PAID);
    rmSync(join(old.root, 'batch_results'), { recursive: true });
    expect((await costOf(old)).total).toMatchObject(PAID);
  });

  test('has a cost that is not known when they are gone', async () => {
    const old = await retrieved(ANSWERS);
    forgetSpent(old);
    rmSync(join(old.root, 'batch_results'), { recursive: true });
    const report = await costOf(old);
    expect(report.total).toMatchObject({ cost: null, known: 0 });
    expect(report.unknown).toEqual({ unpriced: [], withoutUsage: 0, unknownShards: 1 });
  });
});

describe('a job on the emulator', () => {
  test('says while it is under way what it may still cost', async () => {
    const bench = await makeWorkbench({ batchSeconds: 600 });
    const job = await bench.build(20);
    await bench.run(job, { until: 'submitted' });
    const { open, total } = await findCostOfJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
    expect(total.answers).toBe(0);
    expect(open).toMatchObject({
      unsent: { requests: 0 },
      underWay: { requests: 20 },
      lost: { requests: 0 },
    });
    // 20 answers of 400 tokens at 0.25 micro-dollars are 2,000; the prompts, some 30 tokens each, come on top.
    expect(open.underWay.high).toBeGreaterThan(2_000);
    expect(open.underWay.high).toBeLessThan(2_500);
  });

  test('has an estimate before it was sent, and nothing is kept of it', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(3);
    const report = await findCostOfJob(job, bench.deps, signal);
    expect(report.estimate?.total.requests).toBe(3);
    expect(report.open.unsent.requests).toBe(3);
    expect(await bench.deps.store.estimateOf(job.id)).toBeNull();
  });

  test('tells what was paid for retries, beside what the first attempts cost', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('rows-truncated=1');
    const job = await bench.build(5);
    await bench.run(job);
    const first = await findCostOfJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
    expect(first.retries.answers).toBe(0);
    await bench.setFaults();
    await bench.retry(job, { classes: ['truncated'] });
    const { total, retries, failures } = await findCostOfJob(
      await bench.deps.store.jobById(job.id),
      bench.deps,
      signal,
    );
    expect([total.answers, retries.answers]).toEqual([10, 5]);
    expect(total.cost).toBe((first.total.cost ?? Number.NaN) + (retries.cost ?? Number.NaN));
    expect(failures.map(({ name, answers }) => [name, answers])).toEqual([['truncated', 5]]);
  });

  test('costs in real time what real time costs', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(3);
    await bench.run(job, { mode: 'real_time' });
    const { total } = await findCostOfJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
    expect(total.answers).toBe(3);
    // 0.10 in and 0.50 out; three answers are one line, rounded once.
    expect(total.cost).toBe(Math.round((total.input + total.output * 5) / 10));
    expect(total.realTime).toBe(total.cost);
  });
});

describe('all jobs of a workspace', () => {
  test('are added up by month, model and job, and rehearsals apart', async () => {
    const { run, job } = await retrieved(ANSWERS);
    const real = await summarizeCosts('api', run.deps, signal);
    expect(real.total).toMatchObject(PAID);
    // The batch of the fixture was made on 2026-11-20.
    expect(real.months).toEqual([expect.objectContaining({ name: '2026-11', ...PAID })]);
    expect(real.models).toEqual([expect.objectContaining({ name: 'claude-haiku-5-5', ...PAID })]);
    expect(real.jobs).toEqual([expect.objectContaining({ name: job.jobId, ...PAID })]);
    expect(real.otherJobs).toBe(0);
    const rehearsed = await summarizeCosts('emulator', run.deps, signal);
    expect(rehearsed).toMatchObject({ jobs: [], total: { answers: 0, cost: 0 }, otherJobs: 1 });
  });
});

test('answers of a job in real time that stopped on its way are counted, and only the rest is under way', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(20, 'budget: { max_usd: 0.004 }'));
  const error = await failureOf(runWith(job, bench.deps, realTime()));
  expect(error).toMatchObject({ code: 'over_budget' });
  const stopped = await bench.deps.store.jobById(job.id);
  const { total, open } = await findCostOfJob(stopped, bench.deps, signal);
  const onDisk = paidOnDisk(bench, job);
  expect(onDisk).toBeGreaterThan(500);
  expect(Math.abs((total.cost ?? 0) - onDisk)).toBeLessThan(1); // one line, rounded once
  expect(total.answers).toBeGreaterThan(2);
  expect(open.underWay.requests).toBe(20 - total.answers);
  // What is left of the most that all twenty may cost.
  expect(open.underWay.high).toBeLessThanOrEqual(20 * MOST_IN_REAL_TIME - onDisk);
  expect(open.underWay.high).toBeGreaterThan((20 - total.answers) * 1_000);
});
