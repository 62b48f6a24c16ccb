import { describe, expect, it } from 'vitest';
import { reconcileBatches } from '../../src/steps/reconcile-batches.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { walkBatches } from '../../src/steps/walk-batches.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

/** A job of which one create got a strange answer and made nothing, while no answer named its workspace. */
async function makeDoubt(bench: Workbench, records: number, maxRequests: number) {
  const job = await bench.build(records, { maxRequests });
  await bench.setFaults('no-workspace', 'create-500@1');
  await bench.run(job, { until: 'once', submit: true });
  await bench.setFaults();
  const [doubt] = await bench.deps.store.doubts(job.id);
  expect(doubt?.fence?.workspaceId).toBeNull();
  return job;
}

describe('a doubt of which nothing names the workspace', () => {
  it('is settled in the usual time by the key that sent it', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.1 });
    const job = await makeDoubt(bench, 5, 5);
    const { job: done } = await bench.run(job, { maxWaitMs: 20_000 });
    expect(done.state).toBe('done');
    expect(await bench.ownBatches()).toHaveLength(1);
  });

  it('is settled with another key by a batch of its job, which is visible in its own workspace alone', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3_600 });
    const job = await makeDoubt(bench, 9, 5);
    expect(await bench.ownBatches()).toHaveLength(1);
    const rotated = bench.withKey('gw_rotated');
    await runJob(job, { ...FAST, until: 'submitted', maxWaitMs: 20_000 }, rotated, signal);
    expect((await bench.ownBatches()).map(({ requests }) => requests).sort()).toEqual([4, 5]);
    expect(await bench.deps.store.doubts(job.id)).toEqual([]);
  });

  it('comes to the user where another workspace is all that was asked, and is never taken for absent', async () => {
    const bench = await makeWorkbench();
    const job = await makeDoubt(bench, 5, 5);
    const { store } = bench.deps;
    const deps = bench.withKey('sk-emu-away');
    const time = createServerTime(deps.clock);
    const settleMs = 60_000;
    for (let looks = 0; looks <= 12; looks += 1) {
      const run = { job, deps, heads: new Map(), time, settleMs };
      const walk = await walkBatches(run, () => Number.NEGATIVE_INFINITY, signal);
      // As if it had been answered so much later.
      const later = { ...walk, serverMs: Date.now() + looks * 15_000 };
      const woken = { ...time, nowMs: () => Date.now() + looks * 15_000 };
      await reconcileBatches({ ...run, time: woken }, await store.shards(job.id), later, signal);
      expect((await store.doubts(job.id)).map(({ state }) => state)).not.toEqual([]);
    }
    expect(await store.doubts(job.id)).toMatchObject([
      { state: 'stuck', reason: expect.stringContaining('nothing tells which workspace') },
    ]);
    await expect(bench.run(job)).rejects.toMatchObject({
      name: 'DecisionError',
      next: expect.stringContaining('--resubmit'),
    });
  });
});
