import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { buildFrom } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';
import {
  failureOf,
  LEAST_BOUND_IN_REAL_TIME,
  limitsIn,
  MOST_IN_REAL_TIME,
  paidOnDisk,
  runWith,
  withProvider,
  words,
} from './budget-fixture.ts';
import { expectVerified, paid, realTime } from './real-time-fixture.ts';

const answered = async (bench: Workbench): Promise<number> => (await paid(bench)).size;

interface Watch {
  readonly deps: Deps;
  /** The most that what is on disk, and what is under way at the most it may cost, came to at any POST. */
  peak: number;
}

function watchPeak(bench: Workbench, job: Job): Watch {
  let underWay = 0;
  const sendMessage: BatchProvider['sendMessage'] = async (call, stop) => {
    let isUnderWay = false;
    const admit = async (): Promise<void> => {
      await call.admit();
      if (isUnderWay || call.halt.aborted) return;
      isUnderWay = true;
      underWay += 1;
      watch.peak = Math.max(watch.peak, paidOnDisk(bench, job) + underWay * LEAST_BOUND_IN_REAL_TIME);
    };
    try {
      return await bench.deps.provider.sendMessage({ ...call, admit }, stop);
    } finally {
      if (isUnderWay) underWay -= 1;
    }
  };
  const watch = { deps: withProvider(bench, { sendMessage }), peak: 0 };
  return watch;
}

describe('a job in real time with a budget', () => {
  test('of which not one request fits is not submitted', async () => {
    const bench = await makeWorkbench();
    const job = await buildFrom(bench, words(3, 'budget: { max_usd: 0.0009 }'));
    const error = await failureOf(runWith(job, bench.deps, realTime()));
    expect(error).toMatchObject({ name: 'DecisionError', code: 'over_budget' });
    expect(error.why).toContain('nothing was sent');
    expect(await answered(bench)).toBe(0);
    const { store } = bench.deps;
    expect(await store.jobById(job.id)).toMatchObject({ state: 'built', account: null, mode: null });
    // 3 × 1,000 and the prompts for all of it.
    const [all = 0, least = 0] = limitsIn(error.next);
    expect(all).toBeGreaterThan(3 * LEAST_BOUND_IN_REAL_TIME);
    expect(all).toBeLessThanOrEqual(3 * MOST_IN_REAL_TIME + 100);
    expect(least).toBeLessThanOrEqual(MOST_IN_REAL_TIME + 100);
  });

  test('is told of the batch that would fit', async () => {
    const bench = await makeWorkbench();
    // 1,000 and the prompt, one by one; half of that in a batch.
    const job = await buildFrom(bench, words(1, 'budget: { max_usd: 0.0006 }'));
    const { next } = await failureOf(runWith(job, bench.deps, realTime()));
    expect(next).toContain(`batchctl submit ${job.jobId} --use-batch, which fits`);
    expect((await runWith(job, bench.deps)).job).toMatchObject({ state: 'done', mode: 'batch' });
  });

  test('stops where the next answer could pass the limit, and goes on with a higher one', async () => {
    const bench = await makeWorkbench();
    const job = await buildFrom(bench, words(20, 'budget: { max_usd: 0.004 }'));
    const first = watchPeak(bench, job);
    const error = await failureOf(runWith(job, first.deps, realTime()));
    expect(first.peak).toBeLessThanOrEqual(4_000);
    expect(error.code).toBe('over_budget');
    expect(error.message).toContain('was not asked further');
    expect(error.why).toContain('what was answered is kept');
    const asked = await answered(bench);
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(20);
    expect(paidOnDisk(bench, job)).toBeLessThanOrEqual(4_000);
    // It stopped no sooner than it had to.
    expect(paidOnDisk(bench, job) + MOST_IN_REAL_TIME).toBeGreaterThan(4_000);

    // Another run counts what the file holds, and asks nothing.
    const again = await failureOf(runWith(job, bench.deps, realTime()));
    expect(again).toMatchObject({ code: 'over_budget', why: error.why });
    expect(await answered(bench)).toBe(asked);

    const [enough = 0] = limitsIn(error.next);
    expect(enough).toBeLessThanOrEqual(paidOnDisk(bench, job) + (20 - asked) * MOST_IN_REAL_TIME + 100);
    await bench.deps.store.setLimit(job.id, enough);
    const second = watchPeak(bench, job);
    expect((await runWith(job, second.deps, realTime())).job.state).toBe('done');
    expect(second.peak).toBeLessThanOrEqual(enough);
    expect(Math.max(...(await paid(bench)).values())).toBe(1);
    await expectVerified(bench, job, { requests: 20, succeeded: 20 });
  });

  test('asks no more at once than there is room for, and all of them in the end', async () => {
    const bench = await makeWorkbench();
    // Room for eight at a time; they cost 376 each at most: 12 × 376 + 3,018 is below 8,100.
    const job = await buildFrom(bench, words(12, 'budget: { max_usd: 0.0081 }'));
    await bench.setFaults('message-slow=0.1@100');
    const watch = watchPeak(bench, job);
    expect((await runWith(job, watch.deps, realTime({ concurrency: 12 }))).job.state).toBe('done');
    expect(watch.peak).toBeGreaterThan(2 * LEAST_BOUND_IN_REAL_TIME);
    expect(watch.peak).toBeLessThanOrEqual(8_100);
  });

  test('keeps the room of a call whose answer was lost: it may have been paid', async () => {
    const bench = await makeWorkbench();
    // Room for one call and a half. The answer to the first is lost, so that its repeat has no room.
    const job = await buildFrom(bench, words(1, 'budget: { max_usd: 0.0015 }'));
    await bench.setFaults('message-drop@1');
    const error = await failureOf(runWith(job, bench.deps, realTime()));
    expect(error.code).toBe('over_budget');
    expect((await bench.truth()).messages).toHaveLength(1);
  });

  test('does not hold a refused call against it', async () => {
    const bench = await makeWorkbench();
    const job = await buildFrom(bench, words(1, 'budget: { max_usd: 0.0015 }'));
    await bench.setFaults('message-529@2');
    expect((await runWith(job, bench.deps, realTime())).job.state).toBe('done');
  });
});
