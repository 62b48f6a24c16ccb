import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { buildFrom } from '../support/build-job.ts';
import { seeded } from '../support/seeded.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';
import {
  failureOf,
  LEAST_BOUND_IN_BATCH,
  limitsIn,
  MOST_IN_BATCH,
  paidOnDisk,
  runWith,
  watchingLimit,
  withProvider,
  words,
} from './budget-fixture.ts';

const fresh = (bench: Workbench, job: Job): Promise<Job> => bench.deps.store.jobById(job.id);
const sizes = async (bench: Workbench): Promise<number[]> =>
  (await bench.ownBatches()).map((batch) => batch.requests).sort((a, b) => a - b);
const notices = (bench: Workbench): string[] =>
  bench.told.flatMap((one) => (one.kind === 'notice' ? [one.text] : []));

describe('a job that may cost more than its budget', () => {
  test('is not submitted, and is as it was before', async () => {
    const bench = await makeWorkbench();
    // 10 × 500 and the prompts: more than 4,000.
    const job = await buildFrom(bench, words(10, 'budget: { max_usd: 0.004 }'));
    const error = await failureOf(runWith(job, bench.deps));
    expect(error).toMatchObject({ name: 'DecisionError', code: 'over_budget' });
    expect(error.why).toContain('nothing was sent');
    const truth = await bench.truth();
    expect([truth.batches, truth.posts]).toEqual([[], []]);
    expect(await fresh(bench, job)).toMatchObject({ state: 'built', account: null, submitRequestedAt: null });
  });

  test('goes with the limit that the error names, and not with a hundredth of a cent less', async () => {
    const bench = await makeWorkbench();
    const job = await buildFrom(bench, words(10, 'budget: { max_usd: 0.001 }'));
    const { next } = await failureOf(runWith(job, bench.deps));
    expect(next).toContain(`batchctl submit ${job.jobId} --use-batch --max-usd`);
    const [enough = 0] = limitsIn(next);
    expect(enough).toBeGreaterThan(10 * LEAST_BOUND_IN_BATCH);
    expect(enough).toBeLessThanOrEqual(10 * MOST_IN_BATCH + 100);
    await bench.deps.store.setLimit(job.id, enough - 100);
    await expect(runWith(job, bench.deps)).rejects.toMatchObject({ code: 'over_budget' });
    await bench.deps.store.setLimit(job.id, enough);
    expect((await runWith(job, bench.deps)).job.state).toBe('done');
    expect(await sizes(bench)).toEqual([10]);
  });

  test('is told the max_tokens and the number of requests that would fit', async () => {
    const bench = await makeWorkbench();
    const job = await buildFrom(bench, words(10, 'budget: { max_usd: 0.0026 }'));
    const { next } = await failureOf(runWith(job, bench.deps));
    // 2,600 / 503 = 5.2 requests.
    expect(next).toContain('--limit 5');
    // 10 × m × 0.25 = 2,600 is 1,040 tokens; prompts of up to 3 micro-dollars take 12 of them at most.
    const tokens = Number(/max_tokens: (\d+)/.exec(next ?? '')?.[1]);
    expect(tokens).toBeGreaterThanOrEqual(1_028);
    expect(tokens).toBeLessThan(1_040);
    const mended = words(10, 'budget: { max_usd: 0.0026 }').replace('2000', String(tokens));
    expect((await runWith(await buildFrom(bench, mended), bench.deps)).job.state).toBe('done');
  });

  test('is told that smaller shards would do, where what is likely fits', async () => {
    const bench = await makeWorkbench();
    // Likely is half of max_tokens, 250 a request: 2,500 of 4,000.
    const job = await buildFrom(bench, words(10, 'budget: { max_usd: 0.004 }'));
    // 4,000 / 503 = 7.9.
    const { next } = await failureOf(runWith(job, bench.deps));
    expect(next).toContain('--max-shard-requests 7');
    const small = await buildFrom(bench, words(10, 'budget: { max_usd: 0.004 }'), {
      limits: { maxRequests: 7 },
    });
    expect((await runWith(small, watchingLimit(bench, small, 4_000))).job.state).toBe('done');
    expect((await sizes(bench)).reduce((sum, requests) => sum + requests, 0)).toBe(10);
  });

  test('goes on when its limit is raised', async () => {
    const bench = await makeWorkbench();
    // Two shards of 10 and 8; the second waits for the first, and then only 5,000 less what that cost is left of 5,100.
    const job = await buildFrom(bench, words(18, 'budget: { max_usd: 0.0051 }'), {
      limits: { maxRequests: 10 },
    });
    await bench.setFaults('rows-truncated=0.5');
    const error = await failureOf(runWith(job, bench.deps));
    expect(error).toMatchObject({ code: 'over_budget' });
    expect(error.message).toContain('was not sent further: shard 2');
    expect(error.next).toContain(`batchctl resume ${job.jobId} --max-usd`);
    expect(await sizes(bench)).toEqual([10]);
    expect((await fresh(bench, job)).state).toBe('submitting');
    const [enough = 0] = limitsIn(error.next);
    await bench.deps.store.setLimit(job.id, enough);
    expect((await runWith(job, watchingLimit(bench, job, enough))).job.state).toBe('done');
    expect(await sizes(bench)).toEqual([8, 10]);
  });
});

test('a shard waits for those that are out, and goes once they say what they cost', async () => {
  const bench = await makeWorkbench();
  // 10 × 500 + 9 × 500 = 9,500 and prompts of 57 at most; the third one's 4,500 wait until the 19 say that they were 3,572
  // at most (188 each).
  const job = await buildFrom(bench, words(28, 'budget: { max_usd: 0.01 }'), { limits: { maxRequests: 10 } });
  const seen: number[] = [];
  expect((await runWith(job, watchingLimit(bench, job, 10_000, seen))).job.state).toBe('done');
  expect(seen.map(Math.floor).slice(0, 2)).toEqual([5_000, 9_500]);
  expect(seen).toHaveLength(3);
  const waits = notices(bench).filter((text) => text.includes('shard 3 waits'));
  expect(waits).toHaveLength(1);
  expect(waits[0]).toContain('of the limit of $0.0100 $0 is spent');
  expect(paidOnDisk(bench, job)).toBeLessThanOrEqual(10_000);
});

test('with --submit-only what fits goes, and the error says which command sends the rest', async () => {
  const bench = await makeWorkbench({ batchSeconds: 2 });
  const job = await buildFrom(bench, words(28, 'budget: { max_usd: 0.01 }'), { limits: { maxRequests: 10 } });
  const error = await failureOf(runWith(job, bench.deps, { until: 'submitted' }));
  expect(error.code).toBe('over_budget');
  expect(error.why).toContain('what is out goes on');
  expect(error.next).toContain(`batchctl resume ${job.jobId} waits for what is out`);
  expect((await sizes(bench)).length).toBe(2);
  expect((await runWith(job, bench.deps, { until: 'once' })).pending).toBe(true);
  expect((await runWith(job, watchingLimit(bench, job, 10_000))).job.state).toBe('done');
});

test.each([1, 2, 3, 4])('what is paid and what is out never pass the limit (seed %i)', async (seed) => {
  const chance = seeded(seed);
  const bench = await makeWorkbench({ batchSeconds: 0.2, answerMs: 1_000 });
  const records = chance.between(20, 40);
  const maxRequests = chance.between(3, 9);
  const max = MOST_IN_BATCH * chance.between(maxRequests, records);
  const job = await buildFrom(bench, words(records, `budget: { max_usd: ${max / 1e6} }`), {
    limits: { maxRequests },
  });
  const faults = [
    'lost-reply@2',
    'create-500@1',
    'create-cut-answer@1',
    'rows-overloaded=0.3',
    'rows-expired=0.3',
  ];
  await bench.setFaults(...faults.filter(() => chance.next() < 0.5));
  const deps = watchingLimit(bench, job, max);
  const outcome = await runWith(job, deps, { settleMs: 800 }).catch((error: { code: string }) => {
    expect(error.code).toBe('over_budget');
    return null;
  });
  expect(paidOnDisk(bench, job)).toBeLessThanOrEqual(max);
  if (outcome !== null) expect(outcome.job.state).toBe('done');
  else expect(paidOnDisk(bench, job) + maxRequests * MOST_IN_BATCH).toBeGreaterThan(max);
});

test('a shard that may have become a batch keeps its room after a kill', async () => {
  const bench = await makeWorkbench();
  // Room for one of the two shards (10 and 8 requests) at a time.
  const job = await buildFrom(bench, words(18, 'budget: { max_usd: 0.0075 }'), {
    limits: { maxRequests: 10 },
  });
  const killed = withProvider(bench, {
    createBatch: async (upload, stop) => {
      await bench.deps.provider.createBatch(upload, stop);
      throw new Error('killed');
    },
  });
  // The answer of the create is lost with the process that waited for it: the store knows the seal and nothing else.
  const store = new Proxy(bench.deps.store, {
    get: (target, name) =>
      name === 'abortSubmission' ? () => Promise.reject(new Error('killed')) : Reflect.get(target, name),
  });
  await expect(runWith(job, { ...killed, store })).rejects.toThrow('killed');
  expect(await sizes(bench)).toEqual([10]);
  const error = await failureOf(runWith(job, bench.deps, { until: 'submitted' }));
  expect(error.code).toBe('over_budget');
  expect(error.why).toMatch(/\$0 was spent, \$0\.0050 is reserved/);
  expect(await sizes(bench)).toEqual([10]);
  expect((await runWith(job, watchingLimit(bench, job, 7_500))).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([8, 10]);
});

test('a retry by the job’s rule passes the same gate', async () => {
  const bench = await makeWorkbench();
  // Truncated answers are paid, and go out again with twice the tokens: 20 × 1,000 and more of 12,000.
  const yaml = words(20, 'budget: { max_usd: 0.012 }\nretry: { attempts: 2, on: [truncated] }');
  const job = await buildFrom(bench, yaml);
  await bench.setFaults('rows-truncated=1');
  const error = await failureOf(runWith(job, watchingLimit(bench, job, 12_000)));
  expect(error).toMatchObject({ code: 'over_budget' });
  expect(await sizes(bench)).toEqual([20]);
  expect(error.next).toContain(`batchctl cancel ${job.jobId}`);
  await bench.cancel(await fresh(bench, job));
  expect((await runWith(job, bench.deps)).job.finalAt).not.toBeNull();
});

test('a model without a price is refused by a budget, and by nothing else', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(3, 'budget: { max_usd: 25 }').replace('haiku-5-5', 'new-1-0'));
  const deps = withProvider(bench, {
    countTokens: async () => 10,
    describeModel: async () => null,
    createBatch: () => Promise.reject(new Error('sent')),
  });
  const error = await failureOf(runWith(job, deps));
  expect(error).toMatchObject({ name: 'DecisionError', code: 'price_unknown' });
  expect(error.message).toContain('claude-new-1-0');
  expect(error.next).toContain('prices:');
  expect(await fresh(bench, job)).toMatchObject({ state: 'built', account: null });
});

test('each job has a budget of its own', async () => {
  const bench = await makeWorkbench();
  const max = 'budget: { max_usd: 0.006 }';
  const jobs = [await buildFrom(bench, words(10, max)), await buildFrom(bench, words(9, max, 'others'))];
  const outcomes = await Promise.all(jobs.map((job) => runWith(job, bench.deps)));
  expect(outcomes.map((outcome) => outcome.job.state)).toEqual(['done', 'done']);
});

test('without a budget nothing is counted', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(10));
  await runWith(job, bench.deps);
  // The one free call on the first request.
  expect((await bench.truth()).calls['POST /v1/messages/count_tokens']).toBe(1);
  expect(await bench.deps.store.estimateOf(job.id)).toBeNull();
});

test('what was counted for a budget is counted once a job', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(10, 'budget: { max_usd: 0.001 }'));
  await failureOf(runWith(job, bench.deps));
  const before = (await bench.truth()).calls['POST /v1/messages/count_tokens'] ?? 0;
  expect(before).toBe(11);
  await failureOf(runWith(job, bench.deps));
  // Only the free call on the first request.
  expect((await bench.truth()).calls['POST /v1/messages/count_tokens']).toBe(before + 1);
});
