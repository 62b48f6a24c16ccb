import { expect, test } from 'vitest';
import { countNotFound } from '../../src/steps/count-not-found.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { makeWorkbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

test('a batch that the account’s list shows is not gone, however often it is not found by its id', async () => {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  const { job } = await bench.run(await bench.build(3), { until: 'submitted' });
  const [view] = await bench.deps.store.shards(job.id);
  const batch = view?.batch;
  if (batch == null) throw new Error('no batch');
  // Overdue at once: what is left are the five answers.
  const run = { job, deps: bench.deps, time: createServerTime(bench.deps.clock), settleMs: 0 };
  const answers: boolean[] = [];
  for (let count = 0; count < 6; count += 1) answers.push(await countNotFound(run, batch, signal));
  expect(answers).toEqual(Array(6).fill(false));
  expect(bench.told.map((one) => (one.kind === 'not_found' ? one.why : ''))).toContain(
    'the account’s list shows it, so it is not gone',
  );
  // Seen once, the count begins anew.
  await bench.setFaults('list-lag=3600');
  const silent: boolean[] = [];
  for (let count = 0; count < 5; count += 1) silent.push(await countNotFound(run, batch, signal));
  expect(silent.at(-1)).toBe(true);
  expect(silent.slice(0, 3)).toEqual([false, false, false]);
});
