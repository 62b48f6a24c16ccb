import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/cli/system-clock.ts';
import type { Job } from '../../src/core/job.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { retryJob } from '../../src/steps/retry-job.ts';
import { type RunOptions, runJob } from '../../src/steps/run-job.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { watchJob } from '../../src/steps/watch-job.ts';
import { readRows } from '../support/build-job.ts';
import { marker } from '../support/sample-job.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();
/** So many that half of them are never all and never none. */
const MANY = 40;

const resultsOf = (bench: Workbench, { jobId }: Job) =>
  readRows(readFileSync(`${bench.dir}/batch_results/${jobId}/results.jsonl`, 'utf8'));

/** Downloads that disagree are repeated after seconds. */
const hurried = ({ deps }: Workbench): Deps => ({
  ...deps,
  clock: { ...systemClock, sleep: (ms, stop) => systemClock.sleep(Math.min(ms, 50), stop) },
});

/** Rows that failed are to go out again; then a run is cut off before anything is sent. */
async function retryUnsent({ deps }: Workbench, job: Job, isForced = false): Promise<number> {
  const classes = isForced ? (['missing'] as const) : null;
  const wishes = { classes, force: isForced, stage: null, route: null };
  return (await retryJob(await deps.store.jobById(job.id), wishes, deps, signal)).requests;
}

async function expectAllGood(bench: Workbench, job: Job): Promise<void> {
  expect(await verifyJob(job, bench.deps, signal)).toMatchObject({ ok: true, succeeded: MANY });
  const rows = resultsOf(bench, job);
  for (const row of rows) expect(row['text']).toContain(marker(String(row['custom_id'])));
  for (const row of rows)
    expect([row['custom_id'], existsSync(outputOf(bench, row))]).toEqual([row['custom_id'], true]);
}

const outputOf = (bench: Workbench, row: Record<string, unknown>) => `${bench.dir}/${String(row['output'])}`;

/** A job whose rows failed in the batch that counts, and whose second batch nobody has seen yet. */
async function halfFailed(bench: Workbench): Promise<Job> {
  await bench.setFaults('list-lag=6', 'lost-reply', 'rows-errored=0.5');
  const { job } = await bench.run(await bench.build(MANY), { settleMs: 300 });
  expect(job.state).toBe('done');
  return job;
}

test('requests that were to go out again stay here once a second batch has answered for all of them', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  // Still unseen: the listing lags.
  expect(await retryUnsent(bench, job)).toBeGreaterThan(0);
  await bench.setFaults();
  await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
  const { job: after } = await bench.run(job);
  expect(after.state).toBe('done');
  await expectAllGood(bench, after);
  expect((await bench.truth()).posts).toHaveLength(2);
});

test('only the requests that a second batch has no good answer for go out again', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  const unsent = await retryUnsent(bench, job);
  // The same rows fail there, as far as this share goes.
  await bench.setFaults('rows-errored=0.2');
  await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
  await bench.setFaults();
  const { job: after } = await bench.run(job);
  await expectAllGood(bench, after);
  const sent = (await bench.ownBatches()).map(({ requests }) => requests);
  expect(sent.slice(0, 2)).toEqual([MANY, MANY]);
  expect(sent).toHaveLength(3);
  expect(sent[2]).toBeGreaterThan(0);
  expect(sent[2]).toBeLessThan(unsent);
});

test('requests stay here whose first answers were given up and came after all, and their outputs are written', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const deps = hurried(bench);
  const { id } = await bench.build(MANY);
  const run = async (more: Partial<RunOptions> = {}) =>
    (await runJob(await deps.store.jobById(id), { ...FAST, ...more }, deps, signal)).job;
  await bench.setFaults('results-missing=2');
  const job = await run();
  expect(await retryUnsent({ ...bench, deps }, job, true)).toBe(2);
  await bench.setFaults();
  rmSync(`${bench.dir}/batch_results/${job.jobId}/main-0001.raw.jsonl`);
  await run({ submit: false, until: 'once' });
  const after = await run();
  expect(after.state).toBe('done');
  await expectAllGood(bench, after);
  expect(resultsOf(bench, after).map((row) => row['attempt'])).toEqual(Array(MANY).fill(1));
  expect((await bench.truth()).posts).toHaveLength(1);
});

test('a run that is cut off between the copy and its commit leaves nothing behind', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  await retryUnsent(bench, job);
  await bench.setFaults('rows-errored=0.2');
  await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
  await bench.setFaults();
  const cut = new Error('cut off');
  const store: Deps['store'] = {
    ...bench.deps.store,
    takeBackRows: async () => {
      throw cut;
    },
  };
  await expect(runJob(job, FAST, { ...bench.deps, store }, signal)).rejects.toThrow(cut);
  const { job: after } = await bench.run(job);
  await expectAllGood(bench, after);
  expect((await bench.truth()).posts).toHaveLength(3);
});

test('an upload that broke before its seal keeps no request from being taken back', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  await retryUnsent(bench, job);
  const cut = new Error('cut off');
  const store: Deps['store'] = {
    ...bench.deps.store,
    seal: async () => {
      throw cut;
    },
  };
  const again = await bench.deps.store.jobById(job.id);
  await expect(runJob(again, FAST, { ...bench.deps, store }, signal)).rejects.toThrow(cut);
  await bench.setFaults();
  await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
  const { job: after } = await bench.run(job);
  await expectAllGood(bench, after);
  expect(await bench.ownBatches()).toHaveLength(2);
});

test('answers that stand on disk and were not applied are taken before anything is sent', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const deps = hurried(bench);
  const { id } = await bench.build(MANY);
  const run = async (more: Partial<RunOptions> = {}, made = deps) =>
    (await runJob(await deps.store.jobById(id), { ...FAST, ...more }, made, signal)).job;
  await bench.setFaults('results-missing=2');
  const job = await run();
  await retryUnsent({ ...bench, deps }, job, true);
  await bench.setFaults();
  rmSync(`${bench.dir}/batch_results/${job.jobId}/main-0001.raw.jsonl`);
  const cut = new Error('cut off');
  const store: Deps['store'] = {
    ...deps.store,
    applyOutcomes: async () => {
      throw cut;
    },
  };
  await expect(run({ submit: false, until: 'once' }, { ...deps, store })).rejects.toThrow(cut);
  await expectAllGood(bench, await run());
  expect(await bench.ownBatches()).toHaveLength(1);
});

test('a second batch that is known to have ended is brought before anything is sent', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  await retryUnsent(bench, job);
  await bench.setFaults();
  const cut = new Error('cut off');
  const store: Deps['store'] = {
    ...bench.deps.store,
    keepLateDuplicate: async () => {
      throw cut;
    },
  };
  const watched = watchJob(await bench.deps.store.jobById(job.id), { ...bench.deps, store }, signal);
  await expect(watched).rejects.toThrow(cut);
  expect(await bench.deps.store.lateDuplicates(job.id)).toMatchObject([{ kept: null }]);
  const { job: after } = await bench.run(job);
  await expectAllGood(bench, after);
  expect(await bench.ownBatches()).toHaveLength(2);
});

test('a row whose first request is gone cannot take its late answer, and goes out again once', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  const unsent = await retryUnsent(bench, job);
  await bench.setFaults();
  await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
  rmSync(`${bench.dir}/batch_requests/${job.jobId}/main-0001.jsonl`);
  const { job: after } = await bench.run(job);
  expect(after.state).toBe('done');
  expect((await bench.ownBatches()).map(({ requests }) => requests)).toEqual([MANY, MANY, unsent]);
  expect(await retryUnsent(bench, after)).toBe(0);
});

test('a shard file that was changed is not copied under a hash of its own', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await halfFailed(bench);
  await retryUnsent(bench, job);
  await bench.setFaults('rows-errored=0.2');
  await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
  const path = `${bench.dir}/batch_requests/${job.jobId}/main-0002.jsonl`;
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replaceAll('say it', 'shout '));
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'shard_changed' });
  writeFileSync(path, text);
  await bench.setFaults();
  await expectAllGood(bench, (await bench.run(job)).job);
});
