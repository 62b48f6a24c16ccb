import { expect, test } from 'vitest';
import { reconcileBatches } from '../../src/steps/reconcile-batches.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { walkBatches } from '../../src/steps/walk-batches.ts';
import { makeWorkbench } from '../support/workbench.ts';

const signal = new AbortController().signal;
const HOURS_MS = 8 * 3_600_000;
const SETTLE_MS = 15 * 60_000;

test('a machine that slept since a listing was answered has not looked all that time', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('list-lag=3600', 'lost-reply');
  const job = await bench.build(3);
  await bench.run(job, { until: 'once' });
  const { store } = bench.deps;
  const time = createServerTime(bench.deps.clock);
  const run = { job, deps: bench.deps, time, heads: new Map(), settleMs: SETTLE_MS };
  for (let sleeps = 1; sleeps <= 4; sleeps += 1) {
    const walk = await walkBatches(run, () => Number.NEGATIVE_INFINITY, signal);
    // A monotonic clock that goes on through the sleep takes the server's time with it.
    const woken = { ...time, nowMs: () => time.nowMs() + sleeps * HOURS_MS };
    await reconcileBatches({ ...run, time: woken }, await store.shards(job.id), walk, signal);
  }
  const [doubt] = await store.doubts(job.id);
  expect(doubt?.state).toBe('in_doubt');
});
