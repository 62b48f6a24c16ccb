import { expect, test } from 'vitest';
import { AuthError } from '../../src/core/errors.ts';
import type { Job } from '../../src/core/job.ts';
import { shardPath } from '../../src/core/ports/files.ts';
import { sumSpent } from '../../src/core/spent-sum.ts';
import { type EstimateWishes, estimateJob } from '../../src/steps/estimate-job.ts';
import { buildFrom, readRows, writeFiles } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();

function estimate(bench: Workbench, job: Job, wishes?: EstimateWishes, deps = bench.deps) {
  return estimateJob(job, deps, signal, wishes);
}

/** All tokens of the prompts, and those of the answers, as the emulator counted them. */
function usageOf(bench: Workbench, job: Job) {
  const path = `${bench.deps.files.resultsDir(job.jobId)}/results.jsonl`;
  return bench.deps.files.open(path).read(0, bench.deps.files.size(path));
}

test('the build writes down where sample lines of each shard stand', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(100, { maxRequests: 40 });
  const sizes = await bench.deps.store.shardSizes(job.id);
  expect(sizes.size).toBe(3);
  for (const { shard } of await bench.deps.store.shards(job.id)) {
    const { classes = [], sample = [] } = sizes.get(shard.id) ?? {};
    expect(classes.reduce((sum, { requests }) => sum + requests, 0)).toBe(shard.requests);
    expect(sample.length).toBeGreaterThan(9);
    const path = shardPath(bench.deps.files.requestsDir(job.jobId), shard.stage, shard.number);
    const file = bench.deps.files.open(path);
    for (const { offset, length } of sample) {
      const line = JSON.parse(file.read(offset, length)) as { params: { max_tokens: number } };
      expect(line.params.max_tokens).toBe(400);
    }
    file.close();
  }
});

test('the halves of a shard that was too large have sizes of their own', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(9);
  await bench.setFaults('limit-requests=6');
  await bench.run(job);
  const sizes = await bench.deps.store.shardSizes(job.id);
  const views = await bench.deps.store.shards(job.id);
  expect(views.map(({ shard }) => shard.requests)).toEqual([4, 5]);
  expect(views.map(({ shard }) => sizes.get(shard.id)?.classes[0]?.requests)).toEqual([4, 5]);
  expect(views.map(({ shard }) => sizes.get(shard.id)?.sample.length)).toEqual([4, 5]);
});

test('what the job then takes is within its estimate, and near the likely input', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(60);
  const { total, stages, groups } = await estimate(bench, job);
  expect(stages[0]?.calibration.counted).toBe(20);
  expect(groups).toEqual([]);
  await bench.run(job);
  const rows = readRows(usageOf(bench, job));
  const sum = (key: string) =>
    rows.reduce((total, { usage }) => total + Number((usage as Record<string, unknown>)[key]), 0);
  const [input, output] = [sum('input_tokens'), sum('output_tokens')];
  expect(Math.abs(total.inputTokens.likely - input)).toBeLessThanOrEqual(input * 0.02);
  expect(total.outputTokens.low).toBeLessThanOrEqual(output);
  expect(total.outputTokens.high).toBeGreaterThanOrEqual(output);
  // claude-haiku-5-5 in a batch: 0.05 in and 0.25 out for a million tokens.
  const cost = input * 0.05 + output * 0.25;
  expect(total.batch?.low).toBeLessThanOrEqual(cost);
  expect(total.batch?.high).toBeGreaterThanOrEqual(cost);
});

test('without a provider nothing is counted, and the range is wide', async () => {
  const bench = await makeWorkbench();
  const prompt = 'The quick brown fox jumps over the lazy dog. '.repeat(20);
  const rows = Array.from({ length: 10 }, (_, index) => `r${index}`);
  writeFiles(bench.dir, { 'rows.csv': `id\n${rows.join('\n')}\n` });
  const yaml = `name: long\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: {csv: rows.csv}\nprompt: "${prompt}"\n`;
  const job = await buildFrom(bench, yaml);
  const local = await estimateJob(job, { ...bench.deps, provider: null }, signal);
  const counted = await estimate(bench, job);
  expect(local.stages[0]?.calibration.counted).toBe(0);
  expect(local.total.inputTokens.low).toBeLessThan(counted.total.inputTokens.low);
  expect(local.total.inputTokens.high).toBeGreaterThan(counted.total.inputTokens.high);
});

test.each([
  ['much of it is escaped', '"\n'.repeat(3_000)],
  ['its letters have three bytes', '漢字仮名'.repeat(1_000)],
])('an attached text is measured as what is counted of it, where %s', async (_what, text) => {
  const bench = await makeWorkbench();
  const names = Array.from({ length: 30 }, (_, index) => `d${index}.txt`);
  writeFiles(bench.dir, { 'rows.csv': `f\n${names.join('\n')}\n` });
  writeFiles(bench.dir, Object.fromEntries(names.map((name) => [name, text])));
  const yaml = `name: read\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: {csv: rows.csv}\nattach: [{document: "{{ f }}"}]\nprompt: Sum it up\n`;
  const job = await buildFrom(bench, yaml);
  const { total } = await estimate(bench, job);
  await bench.run(job);
  const paid = (await bench.deps.store.spentOf(job.id)).flatMap(({ lines }) => lines ?? []);
  const { input } = sumSpent(paid);
  expect(Math.abs(total.inputTokens.likely - input)).toBeLessThanOrEqual(input * 0.02);
});

test('answers of a job of the same name make the next estimate, and those of the job itself its own', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(10);
  expect((await estimate(bench, job)).stages[0]?.outputBasis).toBe('max_tokens');
  await bench.run(job);
  const own = await estimate(bench, job);
  const next = await estimate(bench, await bench.build(20));
  const other = await estimate(bench, await bench.build(20, {}, { name: 'others' }));
  const elsewhere = await estimate(bench, await bench.build(20, {}, { model: 'claude-sonnet-5-5' }));
  expect([own, next, other, elsewhere].map(({ stages }) => stages[0]?.outputBasis)).toEqual([
    'history',
    'history',
    'max_tokens',
    'max_tokens',
  ]);
  expect(next.total.outputTokens.likely).toBe(2 * own.total.outputTokens.likely);
});

test('what was sent is left out where only the rest is asked for', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(10);
  expect((await estimate(bench, job, { unsentOnly: true })).total.requests).toBe(10);
  await bench.run(job);
  expect((await estimate(bench, job, { unsentOnly: true })).total.requests).toBe(0);
  expect((await estimate(bench, job)).total.requests).toBe(10);
});

test('a model that the API does not count is told, and guessed', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(5, {}, { model: 'claude-nobody' });
  const { stages, unpriced } = await estimate(bench, job);
  expect(stages[0]?.calibration.counted).toBe(0);
  expect(unpriced).toEqual(['claude-nobody']);
  expect(bench.told.filter(({ kind }) => kind === 'notice')).toHaveLength(1);
});

test('shards that were built by a version without sizes are measured from their files', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(30);
  const store = { ...bench.deps.store, shardSizes: async () => new Map() };
  const measured = await estimate(bench, job, undefined, { ...bench.deps, store });
  const { stages, total } = await estimate(bench, job);
  expect({ ...measured, madeAt: '' }).toEqual({ madeAt: '', stages, total, groups: [], unpriced: [] });
});

test('a key that is refused is an error', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(5);
  await expect(estimate(bench, job, undefined, bench.withKey('bad'))).rejects.toBeInstanceOf(AuthError);
});

const STAGES = `
name: two
model: claude-haiku-5-5
max_tokens: 400
group_by: lang
source: { csv: words.csv }
id: "{{ id }}"
budget: { max_usd: 1 }
stages:
  - name: notes
    prompt: "Say {{ word }}."
  - name: report
    needs: notes
    prompt: "Write a report on {{ notes.text }}"
`;

test('later stages and groups are in the estimate before there are requests of them', async () => {
  const bench = await makeWorkbench();
  writeFiles(bench.dir, { 'words.csv': 'id,word,lang\na,one,en\nb,two,de\nc,three,en\n' });
  const job = await buildFrom(bench, STAGES);
  const { stages, groups, total } = await estimate(bench, job);
  expect(stages.map(({ stage, requests, isLater }) => [stage, requests, isLater])).toEqual([
    ['notes', 3, false],
    ['report', 3, true],
  ]);
  expect(groups.map(({ group, requests }) => [group, requests])).toEqual([
    ['en', 4],
    ['de', 2],
  ]);
  expect(total.requests).toBe(6);
  expect(total.outputTokens.high).toBe(6 * 400);
  await bench.run(job);
  const after = await estimate(bench, await bench.deps.store.jobById(job.id));
  expect(after.stages.map(({ isLater, requests }) => [isLater, requests])).toEqual([
    [false, 3],
    [false, 3],
  ]);
});
