import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobDocument } from '../../src/core/job-document.ts';
import type { JobStore } from '../../src/core/ports/store.ts';
import { retryJob } from '../../src/steps/retry-job.ts';
import { showRequest } from '../../src/steps/show-request.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom, readRows } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();

const yaml = (more = ''): string => `name: words
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-20 } }
id: "r{{n}}"
prompt: "marker-r{{n}}-end: explain"
${more}`;

const rowsOf = (bench: Workbench, jobId: string) =>
  readRows(readFileSync(join(bench.dir, 'batch_results', jobId, 'results.jsonl'), 'utf8'));

async function expectWhole(bench: Workbench, id: number): Promise<void> {
  const job = await bench.deps.store.jobById(id);
  expect(await verifyJob(job, bench.deps, signal)).toMatchObject({ ok: true, problems: [] });
}

test('what failed goes out again as it was, once, and what succeeded does not', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-expired=0.5');
  const job = await buildFrom(bench, yaml());
  await bench.run(job);
  const failed = rowsOf(bench, job.jobId).filter((row) => row['failure'] === 'expired').length;
  expect(failed).toBeGreaterThan(0);
  await bench.setFaults();
  await bench.retry(job);
  const rows = rowsOf(bench, job.jobId);
  expect(rows.every((row) => row['status'] === 'succeeded')).toBe(true);
  expect(rows.filter((row) => row['attempt'] === 2)).toHaveLength(failed);
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([20, failed]);
  await expectWhole(bench, job.id);
  // A second one finds nothing to do, and changes nothing.
  await bench.retry(job);
  expect(await bench.ownBatches()).toHaveLength(2);
  expect(rowsOf(bench, job.jobId)).toEqual(rows);
});

test('a cut answer goes out again with twice the tokens, and every attempt is kept and counted', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-truncated=1');
  const job = await buildFrom(bench, yaml());
  await bench.run(job);
  await bench.setFaults();
  await bench.retry(job, { classes: ['truncated'] });
  const sent = readFileSync(join(bench.dir, `batch_requests/${job.jobId}/main-0002.jsonl`), 'utf8');
  expect(sent.match(/"max_tokens":800/g)).toHaveLength(20);
  const fresh = await bench.deps.store.jobById(job.id);
  const request = await showRequest(fresh, 'r7', null, bench.deps);
  expect(request?.attempts.map(({ number, failure }) => [number, failure])).toEqual([
    [1, 'truncated'],
    [2, null],
  ]);
  expect(request?.attempts[0]?.text).not.toBe(request?.attempts[1]?.text);
  const usage = rowsOf(bench, job.jobId).map((row) => Reflect.get(Object(row['usage']), 'output_tokens'));
  const last = usage.reduce((sum: number, tokens) => sum + Number(tokens), 0);
  const document = jobDocument(fresh, await bench.deps.store.shards(job.id), null);
  expect(document.usage.output_tokens).toBeGreaterThan(last);
  expect(document).toMatchObject({ requests: 20, succeeded: 20, failures: {} });
  await expectWhole(bench, job.id);
});

test('an answer cut at the most that the model can say is not sent again', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-truncated=1');
  const job = await buildFrom(bench, yaml().replace('max_tokens: 400', 'max_tokens: 128000'));
  await bench.run(job);
  await bench.setFaults();
  await bench.retry(job);
  expect(await bench.ownBatches()).toHaveLength(1);
});

test('what the API refused, or the model, is sent again only by force', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-refused=0.5', 'rows-invalid=0.4');
  const job = await buildFrom(bench, yaml());
  await bench.run(job);
  const refused = rowsOf(bench, job.jobId).filter((row) => row['failure'] !== null).length;
  expect(refused).toBeGreaterThan(0);
  await bench.setFaults();
  await bench.retry(job);
  expect(await bench.ownBatches()).toHaveLength(1);
  await expect(bench.retry(job, { classes: ['refused'] })).rejects.toMatchObject({ code: 'retry_refused' });
  await bench.retry(job, { force: true });
  expect((await bench.ownBatches())[1]?.requests).toBe(refused);
  await expectWhole(bench, job.id);
});

test('an answer that does not fit its schema is asked for again with the mistake as a further turn', async () => {
  const bench = await makeWorkbench();
  const schema =
    'schema: { type: object, properties: { word: { type: string, minLength: 5000 } }, required: [word], additionalProperties: false }\n';
  // The API takes no minLength, so that only the check on arrival sees that the emulator's answer is too short.
  const job = await buildFrom(bench, yaml(schema));
  await bench.run(job);
  expect(rowsOf(bench, job.jobId).every((row) => row['failure'] === 'invalid_output')).toBe(true);
  await bench.retry(job);
  const [line = ''] = readFileSync(
    join(bench.dir, `batch_requests/${job.jobId}/main-0002.jsonl`),
    'utf8',
  ).split('\n');
  const { params } = JSON.parse(line) as { params: { messages: { role: string; content: string }[] } };
  expect(params.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  expect(params.messages[2]?.content).toContain('does not fit the JSON Schema');
  expect(rowsOf(bench, job.jobId)[0]).toMatchObject({ failure: 'invalid_output', attempt: 2 });
  await expectWhole(bench, job.id);
});

test('a job with a rule retries by itself, as often as it says', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-overloaded=1');
  const job = await buildFrom(bench, yaml('retry: { attempts: 3, on: [overloaded] }\n'));
  const { job: done } = await bench.run(job);
  expect(done.state).toBe('done');
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([20, 20, 20]);
  expect(rowsOf(bench, job.jobId).every((row) => row['attempt'] === 3)).toBe(true);
  await expectWhole(bench, job.id);
});

test('rows that may still be under way are not sent again', async () => {
  const bench = await makeWorkbench({ batchSeconds: 3 });
  const job = await buildFrom(bench, yaml());
  await bench.run(job, { until: 'submitted' });
  await bench.retry(job, { force: true });
  expect(await bench.ownBatches()).toHaveLength(1);
  await expectWhole(bench, job.id);
});

test('rows of a canceled job go out again when asked for', async () => {
  const bench = await makeWorkbench({ batchSeconds: 5 });
  const job = await buildFrom(bench, yaml());
  await bench.run(job, { until: 'submitted' });
  await bench.cancel(job);
  const { job: canceled } = await bench.run(job);
  expect(canceled.state).toBe('canceled');
  const { job: done } = await bench.retry(job);
  expect(done.state).toBe('done');
  expect(rowsOf(bench, job.jobId).every((row) => row['status'] === 'succeeded')).toBe(true);
  await expectWhole(bench, job.id);
});

test('groups stay groups when they are sent again', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-expired=1');
  const grouped = yaml('group_by: team\n').replace('axes: { n: 1-20 }', 'axes: { team: [a, b], n: 1-4 }');
  const job = await buildFrom(bench, grouped.replace('id: "r{{n}}"', 'id: "{{team}}{{n}}"'));
  await bench.run(job);
  await bench.setFaults();
  await bench.retry(job);
  const views = await bench.deps.store.shards(job.id);
  expect(views.map(({ shard }) => [shard.group, shard.origin, shard.requests])).toEqual([
    ['a', 'build', 4],
    ['b', 'build', 4],
    ['a', 'retry', 4],
    ['b', 'retry', 4],
  ]);
  expect(rowsOf(bench, job.jobId).map((row) => row['group'])).toEqual([...'aaaa', ...'bbbb']);
  await expectWhole(bench, job.id);
});

test('a retry that breaks at any of its writes leaves every row as it was, and the next one does it', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-expired=0.6');
  const job = await buildFrom(bench, yaml(), { limits: { maxRequests: 4 } });
  await bench.run(job);
  const before = rowsOf(bench, job.jobId);
  const failed = before.filter((row) => row['failure'] !== null).length;
  await bench.setFaults();
  let broken = 0;
  for (let left = 1; ; left += 1) {
    const breaking = { ...bench.deps, store: breakAfter(bench.deps.store, left) };
    const options = { classes: null, force: false, stage: null, route: null };
    const attempt = retryJob(await bench.deps.store.jobById(job.id), options, breaking, signal);
    if (await attempt.then(() => true).catch((error: Error) => error.message !== 'broken')) break;
    broken += 1;
    // What any later command does with a job that is unfinished, which it is since the round began.
    expect((await bench.run(await bench.deps.store.jobById(job.id))).job.state).toBe('done');
    const rows = await bench.deps.store.rows(job.id, 'main', 0, 100);
    expect(rows.map(({ status, failure, attempt: number }) => [status, failure, number])).toEqual(
      before.map((row) => [row['status'], row['failure'], 1]),
    );
    await expectWhole(bench, job.id);
  }
  expect(broken).toBeGreaterThan(3);
  await bench.run(job);
  expect(rowsOf(bench, job.jobId).every((row) => row['status'] === 'succeeded')).toBe(true);
  const sent = (await bench.ownBatches()).reduce((sum, batch) => sum + batch.requests, 0);
  expect(sent).toBe(20 + failed);
  await expectWhole(bench, job.id);
});

/** The store, but its `left`-th write of a round breaks, as if the process had ended there. */
function breakAfter(store: JobStore, left: number): JobStore {
  let writes = 0;
  const names = new Set(['openShard', 'moveRows', 'commitRound']);
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || !names.has(String(name))) return method;
      return (...args: unknown[]) => {
        writes += 1;
        if (writes === left) return Promise.reject(new Error('broken'));
        return method.apply(target, args);
      };
    },
  });
}

test('what a canceled batch has left is asked for in real time, and what it answered is not', async () => {
  const bench = await makeWorkbench({ batchSeconds: 5 });
  const job = await buildFrom(bench, yaml());
  await bench.run(job, { until: 'submitted' });
  await bench.cancel(job);
  await bench.run(job);
  const canceled = rowsOf(bench, job.jobId).filter((row) => row['status'] === 'canceled');
  expect(canceled.length).toBeGreaterThan(0);
  const { job: done } = await bench.retry(job, { classes: ['expired', 'canceled'], route: 'real_time' });
  expect(done.state).toBe('done');
  const { messages, batches } = await bench.truth();
  expect(messages).toHaveLength(canceled.length);
  expect(batches).toHaveLength(1);
  const rows = rowsOf(bench, job.jobId);
  expect(rows.every((row) => row['status'] === 'succeeded')).toBe(true);
  expect(rows.filter((row) => row['batch_id'] === null)).toHaveLength(canceled.length);
  await expectWhole(bench, job.id);
});

test('a row without a result may have been paid, so it goes out again only when it is named', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('results-missing=2');
  const job = await buildFrom(bench, yaml('retry: { attempts: 2 }\n'));
  await bench.run(job);
  const options = { classes: null, force: false, stage: null, route: null };
  const { noUse } = await retryJob(job, options, bench.deps, new AbortController().signal);
  expect([...noUse]).toEqual([[expect.stringContaining(`retry ${job.jobId} --on missing`), 2]]);
  expect(await bench.ownBatches()).toHaveLength(1);
  await bench.setFaults();
  await bench.retry(job, { classes: ['missing'] });
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([20, 2]);
  await expectWhole(bench, job.id);
});

test('a result of a form that nobody knows is not taken for one that may be sent again', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('results-odd-type');
  const job = await buildFrom(bench, yaml('retry: { attempts: 2 }\n'));
  await bench.run(job);
  expect(await bench.ownBatches()).toHaveLength(1);
  await bench.setFaults();
  await bench.retry(job);
  expect(await bench.ownBatches()).toHaveLength(1);
  await bench.retry(job, { force: true });
  expect(await bench.ownBatches()).toHaveLength(2);
});

test('an answer is never judged without the schema that it was asked for with', async () => {
  const bench = await makeWorkbench();
  const schema = 'schema: { type: object, properties: { word: { type: string, minLength: 5000 } } }\n';
  const job = await buildFrom(bench, yaml(schema));
  await bench.run(job, { until: 'submitted' });
  const path = join(bench.dir, `batch_requests/${job.jobId}/job.json`);
  const text = readFileSync(path, 'utf8');
  rmSync(path);
  await expect(bench.run(job)).rejects.toMatchObject({ code: 'frozen_job_gone' });
  writeFileSync(path, text);
  await bench.run(job);
  expect(rowsOf(bench, job.jobId).every((row) => row['failure'] === 'invalid_output')).toBe(true);
});
