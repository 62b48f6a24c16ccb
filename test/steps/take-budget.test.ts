import { expect, test } from 'vitest';
import { buildFrom } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';
import { words } from './budget-fixture.ts';

/** Builds the same content from a job file with this budget; null: with none. Returns the limit of the job then. */
async function limitAfter(bench: Workbench, usd: number | null): Promise<number | null> {
  const { id } = await buildFrom(bench, words(3, usd === null ? '' : `budget: { max_usd: ${usd} }`), {
    reuse: true,
  });
  return bench.deps.store.limitOf(id);
}

test('a job file whose budget goes back to what it was at the build is heard', async () => {
  const bench = await makeWorkbench();
  expect(await limitAfter(bench, 5)).toBeNull();
  expect(await limitAfter(bench, 20)).toBe(20_000_000);
  expect(await limitAfter(bench, 5)).toBe(5_000_000);
});

test('what --max-usd said last stays until the job file says something new', async () => {
  const bench = await makeWorkbench();
  const { id } = await buildFrom(bench, words(3, 'budget: { max_usd: 5 }'));
  expect(await limitAfter(bench, 20)).toBe(20_000_000);
  await bench.deps.store.setLimit(id, 1_000_000);
  expect(await limitAfter(bench, 20)).toBe(1_000_000);
  expect(await limitAfter(bench, null)).toBe(1_000_000);
  expect(await limitAfter(bench, 30)).toBe(30_000_000);
});
