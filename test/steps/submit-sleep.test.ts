import { expect, test } from 'vitest';
import { createServerTime } from '../../src/steps/server-time.ts';
import { submitShard } from '../../src/steps/submit-shard.ts';
import { makeWorkbench } from '../support/workbench.ts';

const signal = new AbortController().signal;
const HOURS_MS = 8 * 3_600_000;

test.each(['wall', 'monotonic'] as const)(
  'a machine that sleeps while the seal is committed does not send its tail (seen on the %s clock)',
  async (seenOn) => {
    const bench = await makeWorkbench();
    const job = await bench.build(3);
    const { store, clock, provider } = bench.deps;
    await store.requestSubmission(job.id, provider.account, 'batch', clock.now());
    let sleptMs = 0;
    const on = (name: typeof seenOn): number => (name === seenOn ? sleptMs : 0);
    const deps = {
      ...bench.deps,
      clock: {
        ...clock,
        now: () => new Date(clock.now().getTime() + on('wall')),
        monotonicMs: () => clock.monotonicMs() + on('monotonic'),
      },
      store: {
        ...store,
        seal: async (...facts: Parameters<typeof store.seal>) => {
          await store.seal(...facts);
          sleptMs = HOURS_MS;
        },
      },
    };
    const run = { job, deps, heads: new Map(), time: createServerTime(deps.clock), settleMs: 1_000 };
    const [view] = await store.shards(job.id);
    if (view === undefined) throw new Error('no shard');
    const outcome = await submitShard(run, view.shard, 1, signal);
    expect(outcome).toMatchObject({ kind: 'not_created', tailSent: false });
    expect((await store.shards(job.id))[0]).toMatchObject({ shard: { state: 'built' } });
    expect(await bench.ownBatches()).toEqual([]);
  },
);
