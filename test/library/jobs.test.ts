import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  AuthError,
  buildRequests,
  cancelJob,
  checkStatus,
  findJob,
  InterruptedError,
  type JobDefinition,
  listJobs,
  openWorkspace,
  type Progress,
  pollUntilEnded,
  retrieveResults,
  retryJob,
  StoreError,
  submitJob,
  UsageError,
  verifyJob,
} from '../../src/index.ts';
import { openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { collect, MODEL, openEmulated, rejection } from './open-emulated.ts';

const reviews = (count: number): JobDefinition => ({
  name: 'reviews',
  model: MODEL,
  max_tokens: 400,
  prompt: 'Praise {{ title }}.',
  records: Array.from({ length: count }, (_, index) => ({ id: `r${index}`, title: `book ${index}` })),
});

describe('submit and wait', () => {
  test('submitting returns the batches without waiting for them', async () => {
    const job = await buildRequests(await openEmulated({ batchSeconds: 600 }), reviews(3));
    const sent = await submitJob(job);
    expect(sent).toMatchObject({ job_id: job.jobId, state: 'in_progress', requests: 3 });
    expect(sent.batches.map((batch) => batch.processing_status)).toEqual(['in_progress']);
    expect((await checkStatus(job)).state).toBe('in_progress');
  });

  test('nobody is asked, and the estimate is kept for the bill', async () => {
    const dir = makeTempDir();
    const workspace = await openEmulated({ dir });
    const { jobId } = await buildRequests(workspace, { ...reviews(3), budget: { ask_above_usd: 0 } });
    await submitJob(await findJob(workspace, jobId));
    await workspace.close();
    const store = await openStore(join(dir, '.batchctl/state.db'), {
      programVersion: 'test',
      now: () => new Date(),
    });
    const kept = await store.estimateOf((await store.findJob(jobId)).id);
    store.close();
    // 3 answers of at most 400 tokens.
    expect(kept?.total).toMatchObject({ requests: 3, outputTokens: { high: 1200 } });
  });

  test('a job that one workspace submitted is waited for and retrieved by another', async () => {
    const first = await openEmulated();
    const { jobId } = await buildRequests(first, reviews(3));
    const { batches } = await submitJob(await findJob(first, jobId));
    await first.close();

    const job = await findJob(await openEmulated({ dir: first.dir }), jobId);
    const ended = await pollUntilEnded(job, { intervalMs: 100 });
    expect(ended).toMatchObject({ state: 'done', succeeded: 3 });
    expect(ended.batches.map((batch) => batch.batch_id)).toEqual(batches.map((batch) => batch.batch_id));
    const rows = await collect(retrieveResults(job));
    expect(rows.map((row) => row.custom_id)).toEqual(['r0', 'r1', 'r2']);
    expect(rows[1]).toMatchObject({ stage: 'main', failure: null, attempt: 1, reused: false });
    expect(rows[1]?.text).toContain('book 1');
    expect(await verifyJob(job)).toMatchObject({ ok: true, succeeded: 3, problems: [] });
  });

  test('a wait that is over returns the job as it is, and the next one goes on', async () => {
    const job = await buildRequests(await openEmulated({ batchSeconds: 600 }), reviews(1));
    await submitJob(job);
    expect((await pollUntilEnded(job, { maxWaitMs: 0 })).state).toBe('in_progress');
  });

  test('in real time the answers are there when submitting returns, and there is no batch', async () => {
    const job = await buildRequests(await openEmulated(), reviews(3));
    const ended = await submitJob(job, { mode: 'real_time', concurrency: 2 });
    expect(ended).toMatchObject({ state: 'done', succeeded: 3, batches: [] });
  });

  test('stages are made from records that only the building program had', async () => {
    const first = await openEmulated();
    const { jobId } = await buildRequests(first, {
      name: 'two',
      model: MODEL,
      max_tokens: 400,
      stages: [
        { name: 'notes', prompt: 'Notes on {{ title }}.' },
        { name: 'report', needs: 'notes', prompt: 'Report on {{ title }} from: {{ notes.text }}' },
      ],
      records: [{ id: 'a', title: 'stone' }],
    });
    await submitJob({ workspace: first, jobId });
    await first.close();
    const job = await findJob(await openEmulated({ dir: first.dir }), 'latest');
    expect(await pollUntilEnded(job, { intervalMs: 100 })).toMatchObject({ state: 'done', succeeded: 2 });
    expect((await collect(retrieveResults(job))).map((row) => row.stage)).toEqual(['notes', 'report']);
    expect((await collect(retrieveResults(job, { stage: 'report' }))).map((row) => row.stage)).toEqual([
      'report',
    ]);
  });
});

describe('results', () => {
  test('of a job that is not final are refused, or those that are known when asked for', async () => {
    const job = await buildRequests(await openEmulated({ batchSeconds: 600 }), reviews(2));
    await submitJob(job);
    const error = await rejection(collect(retrieveResults(job)));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: 'job_pending' });
    expect(await collect(retrieveResults(job, { partial: true }))).toEqual([]);
  });

  test('whose file is gone are made again from the raw ones', async () => {
    const job = await buildRequests(await openEmulated(), reviews(2));
    const { output_dir } = await submitJob(job, { until: 'ended', intervalMs: 100 });
    const path = join(job.workspace.dir, output_dir ?? '', 'results.jsonl');
    const before = readFileSync(path, 'utf8');
    rmSync(path);
    expect(await collect(retrieveResults(job))).toHaveLength(2);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test('whose file is damaged say so, and are made again once it is removed', async () => {
    const job = await buildRequests(await openEmulated(), reviews(2));
    const { output_dir } = await submitJob(job, { until: 'ended', intervalMs: 100 });
    const path = join(job.workspace.dir, output_dir ?? '', 'results.jsonl');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.slice(0, -20));
    const error = await rejection(collect(retrieveResults(job)));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      code: 'results_damaged',
      next: expect.stringContaining('remove the file'),
    });
    rmSync(path);
    expect(await collect(retrieveResults(job))).toHaveLength(2);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test('failures are rows and not errors, and a retry asks for them alone', async () => {
    const workspace = await openEmulated({ faults: 'rows-errored=1' });
    const job = await buildRequests(workspace, reviews(2));
    const ended = await submitJob(job, { until: 'ended', intervalMs: 100 });
    expect(ended).toMatchObject({ state: 'done', errored: 2, failures: { api_error: 2 } });
    expect((await collect(retrieveResults(job))).map((row) => row.failure)).toEqual([
      'api_error',
      'api_error',
    ]);
    await workspace.close();

    const again = await findJob(await openEmulated({ dir: workspace.dir }), job.jobId);
    expect(await retryJob(again, { on: ['api_error'], until: 'ended', intervalMs: 100 })).toMatchObject({
      state: 'done',
      succeeded: 2,
    });
    expect((await collect(retrieveResults(again))).map((row) => row.attempt)).toEqual([2, 2]);
  });
});

describe('canceling', () => {
  test('a job that was never sent ends it, without a key', async () => {
    const workspace = await openEmulated({ emulator: false });
    const job = await buildRequests(workspace, reviews(2));
    expect(await cancelJob(job)).toMatchObject({ state: 'canceled', canceled: 2 });
  });

  test('a job that was sent ends its batches, and what they did not do is canceled', async () => {
    const job = await buildRequests(await openEmulated({ batchSeconds: 600 }), reviews(2));
    await submitJob(job);
    await cancelJob(job);
    expect((await pollUntilEnded(job, { intervalMs: 100 })).state).toBe('canceled');
  });
});

describe('an abort', () => {
  test('ends a wait with an InterruptedError that has its reason, and the job goes on', async () => {
    const controller = new AbortController();
    const reason = new Error('the user left');
    const workspace = await openEmulated({
      batchSeconds: 1,
      onProgress: ({ kind }) => kind === 'polled' && controller.abort(reason),
    });
    const job = await buildRequests(workspace, reviews(2));
    const { batches } = await submitJob(job);
    const error = await rejection(pollUntilEnded(job, { signal: controller.signal, intervalMs: 600_000 }));
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error).toMatchObject({ code: 'interrupted', signal: null, cause: reason });
    const ended = await pollUntilEnded(job, { intervalMs: 100 });
    expect(ended.batches.map((batch) => batch.batch_id)).toEqual(batches.map((batch) => batch.batch_id));
  });

  test('of a real-time job drops what is under way, which the next call asks again', async () => {
    const controller = new AbortController();
    const workspace = await openEmulated({
      faults: 'message-slow=30',
      onProgress: (progress) => progress.kind === 'answering' && progress.underWay > 0 && controller.abort(),
    });
    const job = await buildRequests(workspace, reviews(2));
    const { signal } = controller;
    expect(await rejection(submitJob(job, { mode: 'real_time', signal }))).toMatchObject({
      code: 'interrupted',
    });
    await workspace.close();
    const again = await findJob(await openEmulated({ dir: workspace.dir }), job.jobId);
    expect(await pollUntilEnded(again)).toMatchObject({ state: 'done', succeeded: 2 });
  });

  test('ends a call that waits for an API that does not answer; nothing was sent then', async () => {
    const controller = new AbortController();
    const keys: unknown[] = [];
    const server = createServer((request) => {
      keys.push(request.headers.authorization);
      controller.abort();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close().closeAllConnections());
    const { port } = server.address() as AddressInfo; // it listens on a port
    const workspace = await openEmulated({
      emulator: false,
      apiKey: 'sk-mine',
      baseUrl: `http://127.0.0.1:${port}`,
    });
    const job = await buildRequests(workspace, reviews(1));
    const { signal } = controller;
    expect(await rejection(submitJob(job, { signal }))).toMatchObject({ code: 'interrupted', signal: null });
    expect(keys).toEqual(['Bearer sk-mine']);
    expect(await cancelJob(job)).toMatchObject({ state: 'canceled', batches: [] });
  });

  test('before a call keeps it from doing anything', async () => {
    const workspace = await openEmulated();
    const signal = AbortSignal.abort();
    expect(await rejection(buildRequests(workspace, reviews(1), { signal }))).toBeInstanceOf(
      InterruptedError,
    );
    expect(await listJobs(workspace)).toEqual([]);
  });
});

describe('several at once', () => {
  test('jobs of one workspace are carried on together', async () => {
    const workspace = await openEmulated({ batchSeconds: 0.5 });
    const jobs = await Promise.all(
      ['one', 'two', 'three'].map((name) => buildRequests(workspace, { ...reviews(2), name })),
    );
    await Promise.all(jobs.map((job) => submitJob(job)));
    const ended = await Promise.all(jobs.map((job) => pollUntilEnded(job, { intervalMs: 100 })));
    expect(ended.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'one done',
      'two done',
      'three done',
    ]);
    expect((await listJobs(workspace, { limit: 2 })).map(({ name }) => name)).toHaveLength(2);
    expect(await listJobs(workspace, { pendingOnly: true })).toEqual([]);
  });

  test('calls of one workspace share what they open, and closing it lets go of all of it', async () => {
    const workspace = await openEmulated();
    const jobs = await Promise.all(
      ['one', 'two'].map((name) => buildRequests(workspace, { ...reviews(1), name })),
    );
    await Promise.all(jobs.map((job) => submitJob(job)));
    await workspace.close();
    // SQLite removes it when the last connection is closed.
    const state = readdirSync(join(workspace.dir, '.batchctl'));
    expect(state.filter((name) => name.endsWith('-wal'))).toEqual([]);
    expect(state).toEqual(expect.arrayContaining(['state.db', 'emulator.db']));
  });

  test('workspaces of one process know nothing of each other', async () => {
    const [one, two] = [await openEmulated(), await openEmulated()];
    const job = await buildRequests(one, reviews(1));
    expect(await rejection(findJob(two, job.jobId))).toMatchObject({ code: 'job_not_found' });
    expect(await listJobs(two)).toEqual([]);
  });

  test('two waits for one job: the second one is refused while the first goes on', async () => {
    const { promise: atWork, resolve } = Promise.withResolvers<void>();
    const onProgress = ({ kind }: Progress) => kind === 'polled' && resolve();
    const job = await buildRequests(await openEmulated({ batchSeconds: 1, onProgress }), reviews(1));
    await submitJob(job);
    const first = pollUntilEnded(job, { intervalMs: 100 });
    await atWork;
    const other = await findJob(await openEmulated({ dir: job.workspace.dir }), job.jobId);
    const error = await rejection(pollUntilEnded(other));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'job_locked' });
    expect((await first).state).toBe('done');
  });
});

describe('a workspace', () => {
  test('without a key builds and refuses to submit', async () => {
    const job = await buildRequests(await openEmulated({ emulator: false, apiKey: '' }), reviews(1));
    const error = await rejection(submitJob(job));
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ code: 'key_missing' });
  });

  test('that is closed, or is no folder, says so', async () => {
    const workspace = await openEmulated();
    await workspace.close();
    await workspace.close();
    expect(await rejection(listJobs(workspace))).toMatchObject({ code: 'workspace_closed' });
    expect(await rejection(openWorkspace({ dir: join(makeTempDir(), 'nowhere') }))).toMatchObject({
      code: 'workspace_not_found',
    });
  });

  test('tells what goes on with the id of the job, and a listener that throws stops nothing', async () => {
    const told: string[] = [];
    const workspace = await openEmulated({
      onProgress: (progress, jobId) => {
        told.push(`${progress.kind} ${jobId}`);
        throw new Error('not our business');
      },
    });
    const job = await buildRequests(workspace, reviews(1));
    expect((await submitJob(job, { until: 'ended', intervalMs: 100 })).state).toBe('done');
    expect(told).toEqual(expect.arrayContaining(['built null', `created ${job.jobId}`]));
  });

  test('keeps a key that was handed over from the programs of a job', async () => {
    const key = 'sk-emu-secret';
    const workspace = await openEmulated({ apiKey: key });
    const script = `require('node:fs').writeFileSync('seen', process.env.ANTHROPIC_API_KEY ?? '')`;
    const job = await buildRequests(workspace, { ...reviews(1), on_end: [process.execPath, '-e', script] });
    await submitJob(job, { until: 'ended', intervalMs: 100 });
    expect(readFileSync(join(workspace.dir, 'seen'), 'utf8')).toBe('');
  });
});

test.each([
  { intervalMs: 5 },
  { intervalMs: Number.NaN },
  { maxWaitMs: -1 },
  { concurrency: 65 },
  { requestsPerMinute: 0.5 },
])('%j is refused before anything is sent', async (options) => {
  const job = await buildRequests(await openEmulated(), reviews(1));
  expect(await rejection(submitJob(job, options))).toMatchObject({ code: 'wrong_option' });
  expect((await checkStatus(job)).state).toBe('built');
});
