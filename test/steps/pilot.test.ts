import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { PilotVerdict } from '../../src/core/pilot.ts';
import { changePilot } from '../../src/steps/begin-job.ts';
import { carvePilot } from '../../src/steps/carve-first.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';
import { paid, realTime, rowsOf } from './real-time-fixture.ts';

const { signal } = new AbortController();

const ROWS = `name: words
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-24 } }
id: "r{{n}}"
prompt: "marker-r{{n}}-end: say it"
`;

const CHANGED = { changedOnly: true, reuse: true };

const pilot = (bench: Workbench, job: Job, requests = 6, minSuccess: number | null = null) =>
  carvePilot(job, { requests, minSuccess }, bench.deps, signal);

const sizes = async (bench: Workbench) => (await bench.ownBatches()).map((batch) => batch.requests);

const shardsOf = async (bench: Workbench, job: Job) =>
  (await bench.deps.store.shards(job.id)).map(({ shard }) => ({ ...shard }));

async function expectWhole(bench: Workbench, job: Job, facts: object): Promise<void> {
  const fresh = await bench.deps.store.jobById(job.id);
  expect(await verifyJob(fresh, bench.deps, signal)).toMatchObject({ ok: true, problems: [], ...facts });
}

test('a pilot that is good enough lets the rest go by itself, and no row is sent twice', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6, 1);
  const { job: done } = await bench.run(job);
  expect(done.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 18]);
  expect(rowsOf(bench, job).every((row) => row.status === 'succeeded')).toBe(true);
  await expectWhole(bench, job, { requests: 24, succeeded: 24 });
});

test('the verdict counts what is good, what its tokens are, and what the rest will cost', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job);
  const verdicts: PilotVerdict[] = [];
  const decidePilot = async (verdict: PilotVerdict) => {
    verdicts.push(verdict);
    return true;
  };
  await bench.run(job, { decidePilot });
  const [verdict] = verdicts;
  expect(verdicts).toHaveLength(1);
  expect(verdict).toMatchObject({ requests: 6, good: 6, failures: {}, successRate: 1, holds: false });
  const first = rowsOf(bench, job).find((row) => row.custom_id === verdict?.sample?.customId);
  expect(first?.text).toBe(verdict?.sample?.text);
  expect(verdict?.estimate.total.requests).toBe(18);
  expect(verdict?.estimate.stages[0]?.outputBasis).toBe('history');
  expect(bench.told.filter((one) => one.kind === 'pilot_judged')).toHaveLength(1);
});

test('a pilot that is not good enough stops with its answers kept, and a later word sends the rest', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-truncated=1');
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6, 0.5);
  await expect(bench.run(job)).rejects.toMatchObject({
    code: 'pilot_undecided',
    next: expect.stringContaining(`batchctl --yes resume ${job.jobId}`),
  });
  expect(await sizes(bench)).toEqual([6]);
  await expect(bench.run(job, { decidePilot: async () => false })).rejects.toMatchObject({
    code: 'pilot_undecided',
  });
  expect(await sizes(bench)).toEqual([6]);
  await bench.setFaults();
  const { job: done } = await bench.run(job, { decidePilot: async () => true });
  expect(done.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 18]);
  await expectWhole(bench, job, { requests: 24, succeeded: 24 });
});

test('a share that is asked for once the pilot is there counts, and the rest goes by itself', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job);
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'pilot_undecided' });
  await changePilot(job, { pilot: { requests: 6, minSuccess: 0.9 } }, bench.deps);
  expect((await bench.run(job)).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 18]);
});

test('a pilot that was no good makes way for a mended job as its error says: canceled, then submitted --changed', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job);
  const mended = ROWS.replace('1-24', '1-26');
  await expect(bench.run(job)).rejects.toMatchObject({
    next: expect.stringMatching(
      /batchctl cancel \S+ ends .*, and after a change of the job file submit --changed/,
    ),
  });
  // Its unsent requests would be paid twice if it went on.
  await expect(buildFrom(bench, mended, CHANGED)).rejects.toMatchObject({ code: 'in_flight' });
  await bench.cancel(job);
  await bench.run(job);
  expect((await bench.run(await buildFrom(bench, mended, CHANGED))).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 20]);
});

test('without a share to be good somebody is asked, however good the pilot is', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job);
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'pilot_undecided' });
  expect(await sizes(bench)).toEqual([6]);
});

test('a good pilot whose rest is likely to pass the budget asks', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6, 0.5);
  await bench.run(job, { until: 'submitted' });
  // Haiku 5.5 in a batch: the least that 18 answers cost, of 1 token each, is more (0.25 USD a million: 4.5 micro-dollars).
  await bench.deps.store.setLimit(job.id, 4);
  await expect(bench.run(job)).rejects.toMatchObject({
    code: 'pilot_undecided',
    why: expect.stringContaining('budget'),
  });
});

test('a command that does not wait leaves once the pilot is out, and a later one comes to the rest', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6, 0.9);
  expect((await bench.run(job, { until: 'submitted' })).pending).toBe(true);
  expect(await sizes(bench)).toEqual([6]);
  expect((await bench.run(job)).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 18]);
});

test('a job whose pilot waits for a word can be canceled, and keeps the answers of the pilot', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job);
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'pilot_undecided' });
  await bench.cancel(job);
  const { job: final } = await bench.run(job);
  expect(final.state).toBe('canceled');
  expect(rowsOf(bench, job).filter((row) => row.status === 'succeeded')).toHaveLength(6);
  await expectWhole(bench, job, { requests: 24, succeeded: 6, canceled: 18 });
});

test('each group that the sample touches keeps batches of its own', async () => {
  const bench = await makeWorkbench();
  const yaml = `${ROWS.replace('n: 1-24', 'g: [a, b, c], n: 1-8').replaceAll('r{{n}}', 'r{{g}}{{n}}')}group_by: g\n`;
  const job = await buildFrom(bench, yaml);
  await pilot(bench, job, 6, 1);
  const carved = (await shardsOf(bench, job)).map(({ group, first, requests }) => [group, first, requests]);
  expect(carved.filter(([, first]) => first === 'pilot')).toEqual([
    ['a', 'pilot', 2],
    ['b', 'pilot', 2],
    ['c', 'pilot', 2],
  ]);
  expect(
    carved.filter(([, first]) => first === null).map(([group, , requests]) => [group, requests]),
  ).toEqual([
    ['a', 6],
    ['b', 6],
    ['c', 6],
  ]);
  expect((await bench.run(job)).job.state).toBe('done');
  await expectWhole(bench, job, { requests: 24, succeeded: 24 });
});

test('a pilot of several shards is one batch, with the longest request of all', async () => {
  const bench = await makeWorkbench();
  const long = '{% if n == 17 %}{% for i in (1..40) %}padding {% endfor %}{% endif %}say it';
  const job = await buildFrom(bench, ROWS.replace('say it', long), { limits: { maxRequests: 9 } });
  await pilot(bench, job, 4, 1);
  const [first, ...others] = (await shardsOf(bench, job)).filter((shard) => shard.first === 'pilot');
  expect(others).toEqual([]);
  expect(await bench.deps.store.shardSeqs(first?.id ?? 0)).toContain(17);
  expect(first?.requests).toBe(4);
  expect((await bench.run(job)).job.state).toBe('done');
  await expectWhole(bench, job, { requests: 24, succeeded: 24 });
  expect((await sizes(bench))[0]).toBe(4);
});

test('a job that is no larger than its sample goes as a whole, and says so', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 24, 1);
  expect(bench.told.some((one) => one.kind === 'notice' && one.text.startsWith('no pilot'))).toBe(true);
  expect((await bench.run(job)).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([24]);
});

test('nothing of a pilot is sent again, and no later stage made of it, before the rest may go', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-overloaded=1');
  const yaml = `${ROWS.replace(/prompt.*\n/, '')}retry: { attempts: 2, on: [overloaded] }
stages:
  - { name: small, prompt: "marker-r{{n}}-end: one" }
  - { name: later, needs: small, prompt: "{{small.text}}" }
`;
  const job = await buildFrom(bench, yaml);
  await pilot(bench, job, 20);
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'pilot_undecided' });
  expect(await sizes(bench)).toEqual([20]);
  await bench.setFaults();
  expect((await bench.run(job, { decidePilot: async () => true })).job.state).toBe('done');
  // The other 4, then the 20 that were turned away, then the later stage.
  expect(await sizes(bench)).toEqual([20, 4, 20, 24]);
});

test('a stage that is in the pilot as a whole is not sent again by its rule before the pilot is judged', async () => {
  const bench = await makeWorkbench();
  // The first stage has four requests that were not answered before, fewer than the sample.
  const known = await buildFrom(bench, ROWS.replace('n: 1-24', 'n: 1-20'));
  await bench.run(known);
  await bench.setFaults('rows-overloaded=1');
  const yaml = `${ROWS.replace(/prompt.*\n/, '')}retry: { attempts: 2, on: [overloaded] }
stages:
  - { name: known, prompt: "marker-r{{n}}-end: say it" }
  - { name: fresh, prompt: "marker-r{{n}}-end: say more" }
`;
  const job = await buildFrom(bench, yaml, { changedOnly: true });
  await pilot(bench, job, 6);
  const verdicts: PilotVerdict[] = [];
  const decidePilot = async (verdict: PilotVerdict) => {
    verdicts.push(verdict);
    return false;
  };
  await expect(bench.run(job, { decidePilot })).rejects.toMatchObject({ code: 'pilot_undecided' });
  expect(await sizes(bench)).toEqual([20, 4, 6]);
  expect(verdicts[0]).toMatchObject({ requests: 10, good: 0, failures: { overloaded: 10 }, tokens: null });
});

test('in real time the sample is asked first, and the rest once it is good', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6, null);
  await expect(bench.run(job, realTime())).rejects.toMatchObject({ code: 'pilot_undecided' });
  expect((await paid(bench)).size).toBe(6);
  expect((await bench.run(job, { ...realTime(), decidePilot: async () => true })).job.state).toBe('done');
  const counts = await paid(bench);
  expect(counts.size).toBe(24);
  expect([...counts.values()].every((count) => count === 1)).toBe(true);
});

test('a pilot that is asked for twice is one', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6);
  await pilot(bench, job, 9, 0.5);
  expect((await shardsOf(bench, job)).map(({ first, requests }) => [first, requests])).toEqual([
    ['pilot', 6],
    [null, 18],
  ]);
  expect(await bench.deps.store.pilotOf(job.id)).toMatchObject({ requests: 6, minSuccess: 0.5 });
});

test('a pilot in doubt holds back the rest until that is settled', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, ROWS);
  await pilot(bench, job, 6, 1);
  await bench.setFaults('lost-reply');
  await bench.run(job, { until: 'once' });
  expect(await sizes(bench)).toEqual([6]);
  expect((await bench.run(job)).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 18]);
});
