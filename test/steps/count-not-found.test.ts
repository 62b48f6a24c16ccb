import { expect, test, vi } from 'vitest';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { KnownBatch } from '../../src/core/ports/store-views.ts';
import { countNotFound } from '../../src/steps/count-not-found.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { CANARY_KEY } from '../support/canary.ts';
import { makeWorkbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

const made = ({ id, createdAt }: KnownBatch) => ({ id, madeMs: Date.parse(createdAt) });

test('a batch that the account’s list shows is not gone, however often it is not found by its id', async () => {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  const { job } = await bench.run(await bench.build(3), { until: 'submitted' });
  const [view] = await bench.deps.store.shards(job.id);
  const batch = view?.batch;
  if (batch == null) throw new Error('no batch');
  // Overdue at once: what is left are the five answers.
  const run = {
    job,
    deps: bench.deps,
    heads: new Map(),
    time: createServerTime(bench.deps.clock),
    settleMs: 0,
  };
  const answers: boolean[] = [];
  for (let count = 0; count < 6; count += 1) answers.push(await countNotFound(run, made(batch), signal));
  expect(answers).toEqual(Array(6).fill(false));
  expect(bench.told.map((one) => (one.kind === 'not_found' ? one.why : ''))).toContain(
    'the account’s list shows it, so it is not gone',
  );
  // Seen once, the count begins anew.
  await bench.setFaults('list-lag=3600');
  const silent: boolean[] = [];
  for (let count = 0; count < 5; count += 1) silent.push(await countNotFound(run, made(batch), signal));
  expect(silent.at(-1)).toBe(true);
  expect(silent.slice(0, 3)).toEqual([false, false, false]);
});

test('nor one that comes after an older one in the list: nobody promised that the newest come first', async () => {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  const { job } = await bench.run(await bench.build(3), { until: 'submitted' });
  const [view] = await bench.deps.store.shards(job.id);
  const batch = view?.batch;
  if (batch == null) throw new Error('no batch');
  const older = { ...batch, id: 'msgbatch_older', createdAt: '2026-01-01T00:00:00Z' };
  const { provider } = bench.deps;
  const pages: BatchProvider = {
    ...provider,
    async listBatches({ limit, afterId }, stop) {
      const { stamp } = await provider.listBatches({ limit, afterId: null }, stop);
      const isFirst = afterId === null;
      const listed = isFirst ? older : batch;
      return { batches: [listed], unreadable: 0, hasMore: isFirst, lastId: listed.id, stamp };
    },
  };
  const deps = { ...bench.deps, provider: pages };
  const run = { job, deps, heads: new Map(), time: createServerTime(deps.clock), settleMs: 0 };
  for (let count = 0; count < 6; count += 1)
    expect(await countNotFound(run, made(batch), signal)).toBe(false);
});

test.each([
  ['is gone', 'newest first', 1, true],
  ['is not gone', 'oldest first', -1, false],
])(
  'of an account with more batches than are ever listed one %s where they come %s',
  async (_, __, step, isGone) => {
    const bench = await makeWorkbench({ batchSeconds: 600 });
    const { job } = await bench.run(await bench.build(3), { until: 'submitted' });
    const [view] = await bench.deps.store.shards(job.id);
    const batch = view?.batch;
    if (batch == null) throw new Error('no batch');
    const { provider } = bench.deps;
    const { stamp } = await provider.listBatches({ limit: 1, afterId: null }, signal);
    const endless: BatchProvider = {
      ...provider,
      async listBatches({ afterId }) {
        const number = Number(afterId ?? 0) + 1;
        const createdAt = new Date(Date.parse(batch.createdAt) + (10 - number) * step * 60_000).toISOString();
        const other = { ...batch, id: String(number), createdAt };
        return { batches: [other], unreadable: 0, hasMore: true, lastId: other.id, stamp };
      },
    };
    const deps = { ...bench.deps, provider: endless };
    const run = { job, deps, heads: new Map(), time: createServerTime(deps.clock), settleMs: 0 };
    const answers: boolean[] = [];
    for (let count = 0; count < 6; count += 1) answers.push(await countNotFound(run, made(batch), signal));
    expect(answers.at(-1)).toBe(isGone);
  },
);

test('a cancel of a batch that the API does not find says what to do, and that it may be too new', async () => {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  const { job } = await bench.run(await bench.build(3), { until: 'submitted' });
  const [batch] = await bench.ownBatches();
  const headers = { 'x-api-key': CANARY_KEY, 'anthropic-version': '2026-10-21' };
  const url = `${bench.emulator.url}/v1/messages/batches/${batch?.id}`;
  // Somebody cancels and deletes it in the Console.
  expect((await fetch(`${url}/cancel`, { method: 'POST', headers })).ok).toBe(true);
  await vi.waitUntil(async () => (await fetch(url, { method: 'DELETE', headers })).ok, { timeout: 20_000 });
  await expect(bench.cancel(job)).rejects.toMatchObject({ name: 'ProviderError', code: 'cancel_not_found' });
});
