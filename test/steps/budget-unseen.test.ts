import { expect, test } from 'vitest';
import { resubmitByUser } from '../../src/steps/decide-doubt.ts';
import { buildFrom } from '../support/build-job.ts';
import { makeWorkbench } from '../support/workbench.ts';
import { failureOf, runWith, withProvider, words } from './budget-fixture.ts';
import { realTime } from './real-time-fixture.ts';

/** What was, or may have been, paid beside the answers that count, and limits that change while a run is at work. */

test('a second batch of a shard counts against the budget', async () => {
  const bench = await makeWorkbench({ batchSeconds: 2 });
  // 20 answers of 2,000 tokens, 500 each, and three more for a prompt; cut ones go out again, with twice the tokens.
  const rule = 'retry: { attempts: 2, on: [truncated] }';
  const job = await buildFrom(bench, words(20, rule));
  await bench.setFaults('lost-reply', 'rows-truncated=1');
  await runWith(job, bench.deps, { until: 'submitted' });
  // It was created: the word of the user is wrong.
  expect(await resubmitByUser(job, bench.deps)).toBe(1);
  await runWith(job, bench.deps, { until: 'submitted' });
  // Room for one batch, 10,060 at most, and its retry, 20,060, but not for the other batch, 10,000 at least.
  await bench.deps.store.setLimit(job.id, 35_000);
  const error = await failureOf(runWith(job, bench.deps));
  expect(bench.told.map((one) => one.kind)).toContain('late_duplicate');
  expect(error.code).toBe('over_budget');
  // The second batch has had 20 × 500 of it, which is known and no longer reserved.
  expect(error.why).toMatch(/\$0\.0200 was spent, \$0 is reserved for what is out or lost/);
  expect(await bench.ownBatches()).toHaveLength(2);
});

test('a call whose answer was lost keeps its room in later runs', async () => {
  const bench = await makeWorkbench();
  // Room for one call and a half: the repeat of the lost one has none, in this run and in the next.
  const job = await buildFrom(bench, words(1, 'budget: { max_usd: 0.0015 }'));
  await bench.setFaults('message-drop@1');
  for (const run of [1, 2]) {
    const error = await failureOf(runWith(job, bench.deps, realTime()));
    expect([run, error.code]).toEqual([run, 'over_budget']);
    expect(error.why).toMatch(/\$0\.0010 is reserved for what is out or lost/);
  }
  expect((await bench.truth()).messages).toHaveLength(1);
  await bench.deps.store.setLimit(job.id, 2_100);
  expect((await runWith(job, bench.deps, realTime())).job.state).toBe('done');
  expect((await bench.truth()).messages).toHaveLength(2);
});

test('a limit that is lowered while a run is at work holds for its next shard', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(19, 'budget: { max_usd: 1 }'), { limits: { maxRequests: 10 } });
  const deps = withProvider(bench, {
    createBatch: async (upload, stop) => {
      await bench.deps.store.setLimit(job.id, 5_100);
      return bench.deps.provider.createBatch(upload, stop);
    },
  });
  const error = await failureOf(runWith(job, deps, { until: 'submitted' }));
  expect(error.code).toBe('over_budget');
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([10]);
});

test('a limit that is given to a job without one holds for the run that is at work on it', async () => {
  const bench = await makeWorkbench();
  const rule = 'retry: { attempts: 2, on: [truncated] }';
  const job = await buildFrom(bench, words(20, rule));
  await bench.setFaults('rows-truncated=1');
  const deps = withProvider(bench, {
    createBatch: async (upload, stop) => {
      await bench.deps.store.setLimit(job.id, 10_100);
      return bench.deps.provider.createBatch(upload, stop);
    },
  });
  // The retry may cost 20 × 1,000 and more.
  const error = await failureOf(runWith(job, deps));
  expect(error.code).toBe('over_budget');
  expect(await bench.ownBatches()).toHaveLength(1);
});
