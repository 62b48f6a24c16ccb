import { expect, test } from 'vitest';
import { limitJob } from '../../src/steps/limit-job.ts';
import { buildFrom } from '../support/build-job.ts';
import { makeWorkbench } from '../support/workbench.ts';
import { words } from './budget-fixture.ts';

const refuse = (): Promise<never> => Promise.reject(new Error('refused'));

// The job file says 5 USD; null: nothing was said for the job.
test.each([
  ['that is raised by a command that is refused stays as it was', 9_000_000, refuse, null],
  ['that is lowered by a command that is refused is lowered', 2_000_000, refuse, 2_000_000],
  ['is raised by a command that goes on', 9_000_000, async () => {}, 9_000_000],
  ['is lowered by a command that goes on', 2_000_000, async () => {}, 2_000_000],
])('a limit %s', async (_title, max, first, limit) => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(3, 'budget: { max_usd: 5 }'));
  await limitJob(job, max, bench.deps, first).catch(() => undefined);
  expect(await bench.deps.store.limitOf(job.id)).toBe(limit);
});

test('the first limit of a job holds, also where the command is refused', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(3));
  await expect(limitJob(job, 7, bench.deps, refuse)).rejects.toThrow('refused');
  expect(await bench.deps.store.limitOf(job.id)).toBe(7);
});
