import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { carvePilot, carvePrimes } from '../../src/steps/carve-first.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom, readRows } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();

// Haiku 5.5 keeps 512 tokens and more: this is about 900 of the emulator's, which counts four characters as one.
const LONG = 'A rule that every answer keeps to. '.repeat(100).trim();

const job = (system: string, more = 'source: { axes: { n: 1-24 } }') => `name: words
model: claude-haiku-5-5
max_tokens: 400
${more}
id: "r{{n}}"
system: ${system}
prompt: "marker-r{{n}}-end: say it"
`;
const MARKED = job(`{ text: "${LONG}", cache: 1h }`);

const prime = (bench: Workbench, built: Job) => carvePrimes(built, bench.deps, signal);

/** How many rows wrote to the cache, and how many read from it. */
function cacheUse(bench: Workbench, { jobId }: Job): { readonly wrote: number; readonly read: number } {
  const text = readFileSync(`${bench.dir}/batch_results/${jobId}/results.jsonl`, 'utf8');
  const usages = readRows(text).map((row) => row['usage'] as Readonly<Record<string, number>>);
  return {
    wrote: usages.filter((usage) => (usage['cache_creation_input_tokens'] ?? 0) > 0).length,
    read: usages.filter((usage) => (usage['cache_read_input_tokens'] ?? 0) > 0).length,
  };
}

test('with a prime one request writes the cached prompt and all others read it; without, each that begins at once writes it', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('cold-cache=16');
  const plain = await buildFrom(bench, MARKED);
  await bench.run(plain);
  expect(cacheUse(bench, plain)).toEqual({ wrote: 16, read: 8 });

  // Another prompt, so that nothing of the first job is found.
  const built = await buildFrom(bench, MARKED.replace('A rule', 'One rule'));
  expect(await prime(bench, built)).toBe(1);
  const { job: done } = await bench.run(built);
  expect(done.state).toBe('done');
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([24, 1, 23]);
  expect(cacheUse(bench, built)).toEqual({ wrote: 1, read: 23 });
  expect(await verifyJob(done, bench.deps, signal)).toMatchObject({ ok: true, succeeded: 24 });
});

test('each group with a prompt of its own has a prime, and a prompt that all groups share has one', async () => {
  const bench = await makeWorkbench();
  const own = MARKED.replace('A rule', 'For {{g}} a rule')
    .replace('axes: { n: 1-24 }', 'axes: { g: [a, b, c], n: 1-4 }')
    .replace('id: "r{{n}}"', 'id: "r{{g}}{{n}}"\ngroup_by: g');
  expect(await prime(bench, await buildFrom(bench, own))).toBe(3);
  expect(await prime(bench, await buildFrom(bench, own.replace('For {{g}} a rule', 'A rule')))).toBe(1);
});

test('a prompt that the pilot has needs no prime, and the others get theirs', async () => {
  const bench = await makeWorkbench();
  const two = MARKED.replace('A rule', '{% if n > 22 %}Rare{% else %}Often{% endif %} a rule');
  const built = await buildFrom(bench, two);
  await carvePilot(built, { requests: 2, minSuccess: 1 }, bench.deps, signal);
  expect(await prime(bench, built)).toBe(1);
  const shards = (await bench.deps.store.shards(built.id)).map(({ shard }) => [shard.first, shard.requests]);
  expect(shards).toEqual([
    ['pilot', 2],
    ['prime', 1],
    [null, 21],
  ]);
  expect((await bench.run(built)).job.state).toBe('done');

  const one = await buildFrom(bench, MARKED);
  await carvePilot(one, { requests: 2, minSuccess: 1 }, bench.deps, signal);
  expect(await prime(bench, one)).toBe(0);
});

test('a pilot that was asked for and never taken out holds nothing back', async () => {
  const bench = await makeWorkbench();
  const built = await buildFrom(bench, MARKED);
  await bench.deps.store.setPilot(built.id, { requests: 2, minSuccess: null, approvedAt: null });
  await prime(bench, built);
  expect((await bench.run(built)).job.state).toBe('done');
});

test.each([
  ['no mark', job(`{ text: "${LONG}" }`), 'no request has a cache mark'],
  ['a mark of five minutes', job(`{ text: "${LONG}", cache: 5m }`), 'five minutes'],
  ['a short prompt', job('{ text: "Be brief.", cache: 1h }'), 'shorter'],
  ['a prompt for each', job(`{ text: "{{n}} ${LONG}", cache: 1h }`), 'no two requests begin the same'],
])('%s: there is nothing to prime, and nothing is sent', async (_what, yaml, why) => {
  const bench = await makeWorkbench();
  const built = await buildFrom(bench, yaml);
  await expect(prime(bench, built)).rejects.toMatchObject({
    name: 'UsageError',
    code: 'nothing_to_prime',
    why: expect.stringContaining(why),
  });
  const shards = (await bench.deps.store.shards(built.id)).map(({ shard }) => shard.first);
  expect(shards).toEqual([null]);
});
