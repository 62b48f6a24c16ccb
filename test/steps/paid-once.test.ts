import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/ports/store.ts';
import { stopJob } from '../../src/steps/cancel-job.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { loseShard } from '../../src/steps/poll-batches.ts';
import { retryJob } from '../../src/steps/retry-job.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom, readRows } from '../support/build-job.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

/** What retries, stages and reuse do to each other where something was cut off, lost, or is still under way. */
const { signal } = new AbortController();

const words = (records: number, more = ''): string => `name: words
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-${records} } }
id: "r{{n}}"
prompt: "marker-r{{n}}-end: explain"
${more}`;

const TWO = `name: two
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-6 } }
id: "r{{n}}"
stages:
  - { name: notes, prompt: "marker-r{{n}}-end: notes" }
  - { name: report, needs: notes, prompt: "report on: {{notes.text}}" }
`;

const CHANGED = { changedOnly: true, reuse: true };
const RETRY_ALL = { classes: null, force: false, stage: null, route: null };

const rowsOf = (bench: Workbench, { jobId }: Job) =>
  readRows(readFileSync(join(bench.dir, 'batch_results', jobId, 'results.jsonl'), 'utf8'));
const sizes = async (bench: Workbench) => (await bench.ownBatches()).map((batch) => batch.requests);
const fresh = (bench: Workbench, job: Job): Promise<Job> => bench.deps.store.jobById(job.id);
const verify = async (bench: Workbench, job: Job) => verifyJob(await fresh(bench, job), bench.deps, signal);

/** The steps with a store of which one call is replaced. */
function withStore(bench: Workbench, call: string, instead: (...args: unknown[]) => unknown): Deps {
  const store = new Proxy(bench.deps.store, {
    get: (target, name) => (name === call ? instead : Reflect.get(target, name)),
  }) as JobStore; // every other call is the store's own
  return { ...bench.deps, store };
}

const killed = (): Promise<never> => Promise.reject(new Error('killed'));

/** Looks once and again until the job has so many shards. */
async function untilShards(bench: Workbench, job: Job, count: number): Promise<void> {
  while ((await bench.deps.store.shards(job.id)).length < count)
    await bench.run(job, { until: 'submitted' }).then(() => bench.run(job, { until: 'once' }));
}

/** As if its batch had not been found for ten minutes. */
async function lose(bench: Workbench, job: Job): Promise<void> {
  const [view] = await bench.deps.store.shards(job.id);
  const run = {
    job,
    deps: bench.deps,
    heads: new Map(),
    time: createServerTime(bench.deps.clock),
    settleMs: 0,
  };
  if (view !== undefined) await loseShard(run, view, new AbortController().signal);
}

test('a request whose retry with more tokens was answered is not paid again by --changed', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-truncated=1');
  const first = await buildFrom(bench, words(5));
  await bench.run(first);
  await bench.setFaults();
  await bench.retry(first);
  const second = await buildFrom(bench, words(5), CHANGED);
  await bench.run(second);
  expect(await sizes(bench)).toEqual([5, 5]);
  expect(rowsOf(bench, second).map((row) => row['text'])).toEqual(
    rowsOf(bench, first).map((row) => row['text']),
  );
  expect((await verify(bench, second)).problems).toEqual([]);
});

test('a request under way is found behind a newer job that was canceled', async () => {
  const bench = await makeWorkbench({ batchSeconds: 20 });
  await bench.run(await buildFrom(bench, words(5)), { until: 'submitted' });
  await bench.cancel(await buildFrom(bench, words(5)));
  await expect(buildFrom(bench, words(5), CHANGED)).rejects.toMatchObject({ code: 'in_flight' });
});

test('answers of a real-time job that was cut off are not asked for again by --changed', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, words(8));
  let asked = 0;
  const provider: Deps['provider'] = {
    ...bench.deps.provider,
    sendMessage: (call, stop) => {
      asked += 1;
      return asked > 4 ? killed() : bench.deps.provider.sendMessage(call, stop);
    },
  };
  const answering = { concurrency: 1, requestsPerMinute: null, tokensPerMinute: null };
  const options = { ...FAST, mode: 'real_time', answering } as const;
  await expect(runJob(job, options, { ...bench.deps, provider }, signal)).rejects.toThrow('killed');
  await expect(buildFrom(bench, words(9), CHANGED)).rejects.toMatchObject({ code: 'in_flight' });
  await bench.run(job);
  const second = await buildFrom(bench, words(9), CHANGED);
  await bench.run(second);
  expect(await sizes(bench)).toEqual([1]);
});

test('a later stage does not send what another job has under way', async () => {
  const bench = await makeWorkbench({ batchSeconds: 2 });
  const first = await buildFrom(bench, TWO);
  await untilShards(bench, first, 2);
  await bench.run(first, { until: 'submitted' });
  const second = await buildFrom(bench, TWO.replace('two', 'again'), CHANGED);
  await expect(bench.run(second)).rejects.toMatchObject({ code: 'in_flight' });
  await bench.run(first);
  expect((await bench.run(second)).job.state).toBe('done');
  expect(await sizes(bench)).toEqual([6, 6]);
  expect((await verify(bench, second)).problems).toEqual([]);
});

test('a stage is not left out because job.json is gone, and goes on once it is back', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, TWO);
  const path = join(bench.dir, 'batch_requests', job.jobId, 'job.json');
  renameSync(path, `${path}.away`);
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'frozen_job_gone' });
  expect((await fresh(bench, job)).stages.map(({ state }) => state)).toEqual(['open', 'waiting']);
  renameSync(`${path}.away`, path);
  expect((await bench.run(job)).job.state).toBe('done');
  expect(rowsOf(bench, job).every((row) => row['status'] === 'succeeded')).toBe(true);
});

test('no request is made from the rest of an answer that was damaged', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-overloaded=1');
  const job = await buildFrom(bench, TWO);
  await bench.run(job);
  await bench.setFaults();
  const raw = join(bench.dir, 'batch_results', job.jobId, 'notes-0002.raw.jsonl');
  // Of the same size, so that only reading it tells.
  const deps = withStore(bench, 'releasableRows', async (...args) => {
    writeFileSync(raw, readFileSync(raw, 'utf8').replaceAll('"result":{', '"resulx":{'));
    return Reflect.apply(bench.deps.store.releasableRows, bench.deps.store, args);
  });
  await retryJob(await fresh(bench, job), RETRY_ALL, bench.deps, signal);
  const running = runJob(await fresh(bench, job), FAST, deps, signal);
  await expect(running).rejects.toMatchObject({ code: 'raw_damaged' });
  const views = await bench.deps.store.shards(job.id);
  expect(views.filter(({ shard }) => shard.stage === 'report' && shard.state === 'built')).toEqual([]);
});

test('a job whose lost rows were all answered by a retry is done, and stays whole when they come late', async () => {
  const bench = await makeWorkbench({ batchSeconds: 2 });
  const job = await buildFrom(bench, words(5));
  await bench.run(job, { until: 'submitted' });
  await lose(bench, job);
  expect((await bench.run(job)).job.state).toBe('failed');
  expect((await bench.retry(job, { classes: ['missing'] })).job.state).toBe('done');
  expect((await verify(bench, job)).problems).toEqual([]);
  const rows = rowsOf(bench, job);
  // The lost batch answers after all.
  await bench.run(job);
  expect(bench.told).toContainEqual({
    kind: 'problem',
    text: expect.stringContaining('5 answers came after their requests had gone out again'),
  });
  expect(rowsOf(bench, job)).toEqual(rows);
  expect((await verify(bench, job)).problems).toEqual([]);
});

test('a shard of which some rows have gone out again can be lost', async () => {
  const bench = await makeWorkbench({ batchSeconds: 2 });
  await bench.setFaults('rows-overloaded=0.5');
  const job = await buildFrom(bench, words(20, 'retry: { attempts: 2, on: [overloaded] }\n'));
  await untilShards(bench, job, 2);
  const [view] = await bench.deps.store.shards(job.id);
  await bench.deps.store.setShardState(view?.shard.id ?? 0, 'live');
  await lose(bench, job);
  expect((await bench.run(job)).job.state).toBe('failed');
  expect(rowsOf(bench, job).filter((row) => row['status'] === 'missing')).toHaveLength(
    (await bench.deps.store.shards(job.id))[0]?.tally?.missing ?? 0,
  );
});

test('a cancel settles a job whose retry was cut off', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-overloaded=1');
  const job = await buildFrom(bench, words(5, 'retry: { attempts: 3, on: [overloaded] }\n'));
  await expect(runJob(job, FAST, withStore(bench, 'commitRound', killed), signal)).rejects.toThrow('killed');
  const connect = async (): Promise<Deps> => bench.deps;
  expect(await stopJob(await fresh(bench, job), bench.deps, connect, signal)).toBeNull();
  expect((await fresh(bench, job)).finalAt).not.toBeNull();
  expect((await verify(bench, job)).problems).toEqual([]);
});

test('a retry of many rows and groups hears an interruption, and reads the list of shards twice in all', async () => {
  const bench = await makeWorkbench();
  const text = words(1500, 'group_by: n\n').replace('1-1500 } }', '1-1500, g: 1-2 } }');
  const job = await buildFrom(
    bench,
    text.replace('group_by: n', 'group_by: g').replace('r{{n}}', 'r{{n}}-{{g}}'),
  );
  await bench.deps.store.requestSubmission(job.id, bench.deps.provider.account, 'batch', new Date());
  await bench.cancel(job);
  await bench.run(job);
  const stop = new AbortController();
  setImmediate(() => stop.abort(new Error('interrupted')));
  const cutOff = retryJob(await fresh(bench, job), RETRY_ALL, bench.deps, stop.signal);
  await expect(cutOff).rejects.toThrow('interrupted');
  let lists = 0;
  const counting = withStore(bench, 'shards', (id) => {
    lists += 1;
    return bench.deps.store.shards(Number(id));
  });
  const { requests } = await retryJob(await fresh(bench, job), RETRY_ALL, counting, signal);
  // For answers that came late, and for the requests: neither once a group nor once a chunk of rows.
  expect([requests, lists]).toEqual([3000, 2]);
});
