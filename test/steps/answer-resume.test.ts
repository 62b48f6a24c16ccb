import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { cancelJob, cancelUnsent } from '../../src/steps/cancel-job.ts';
import { describeJob } from '../../src/steps/describe-job.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';
import { expectVerified, paid, partPath, realTime, rowsOf, signal } from './real-time-fixture.ts';

describe('a run that was cut off', () => {
  /** A job of which some requests are answered. */
  async function interrupted(bench: Workbench, records: number, more: { maxRequests?: number } = {}) {
    const job = await bench.build(records, more);
    const stop = new AbortController();
    await bench.setFaults('message-slow=0.05@1000');
    const run = runJob(job, { ...FAST, ...realTime({ concurrency: 2 }) }, bench.deps, stop.signal);
    const failed = expect(run).rejects.toThrow('stop');
    await vi.waitUntil(() => existsSync(partPath(bench, job)) && answeredIn(bench, job).length >= 5, {
      timeout: 20_000,
    });
    stop.abort(new Error('stop'));
    await failed;
    await bench.setFaults();
    return job;
  }

  function answeredIn(bench: Workbench, job: Job): string[] {
    const lines = readFileSync(partPath(bench, job), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line).custom_id.split('--')[0]);
  }

  test('is carried on without asking anything twice that has its line', async () => {
    const bench = await makeWorkbench();
    const job = await interrupted(bench, 20);
    const answered = answeredIn(bench, job);
    const before = await paid(bench);
    await bench.run(job, realTime());
    const after = await paid(bench);
    for (const id of answered)
      expect(after.get(`marker-${id}-end: say it`), id).toBe(before.get(`marker-${id}-end: say it`));
    expect([...after.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(22);
    // A sample proves nothing more once some are answered.
    expect((await bench.truth()).calls['POST /v1/messages/count_tokens']).toBe(1);
    await expectVerified(bench, job, { requests: 20, succeeded: 20 });
  });

  test('loses half a line and nothing else', async () => {
    const bench = await makeWorkbench();
    const job = await interrupted(bench, 12);
    const whole = readFileSync(partPath(bench, job), 'utf8');
    const lines = whole.trimEnd().split('\n');
    const torn = lines.at(-1) ?? '';
    writeFileSync(partPath(bench, job), whole.slice(0, -Math.ceil(torn.length / 2)));
    const before = await paid(bench);
    await bench.run(job, realTime());
    const after = await paid(bench);
    const again = [...after].filter(
      ([prompt, count]) => count > (before.get(prompt) ?? 0) && before.has(prompt),
    );
    const tornId = torn.split('--')[0]?.split('"').at(-1);
    expect(again.map(([prompt]) => prompt)).toContain(`marker-${tornId}-end: say it`);
    expect(again.length).toBeLessThanOrEqual(1 + 2);
    await expectVerified(bench, job, { succeeded: 12 });
  });

  test('asks again for a line that a power cut has filled with zeros, and all is well then', async () => {
    const bench = await makeWorkbench();
    const job = await interrupted(bench, 12);
    const lines = readFileSync(partPath(bench, job), 'utf8').split('\n');
    lines[1] = '\0'.repeat(lines[1]?.length ?? 0);
    writeFileSync(partPath(bench, job), lines.join('\n'));
    const { job: done } = await bench.run(job, realTime());
    expect(await describeJob(done, bench.deps)).toMatchObject({
      state: 'done',
      succeeded: 12,
      strange_lines: 0,
    });
  });

  test('between the last answer and its record asks nothing', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(6);
    const { store } = bench.deps;
    const recordDownload: typeof store.recordDownload = () => Promise.reject(new Error('killed'));
    const deps = { ...bench.deps, store: { ...store, recordDownload } };
    await expect(runJob(job, { ...FAST, ...realTime() }, deps, signal)).rejects.toThrow('killed');
    await bench.run(job, realTime());
    expect((await bench.truth()).messages).toHaveLength(6);
    await expectVerified(bench, job, { succeeded: 6 });
  });

  test('keeps its way, whatever the next one is told', async () => {
    const bench = await makeWorkbench();
    const job = await interrupted(bench, 12);
    expect((await bench.run(job, { mode: 'batch' })).job.mode).toBe('real_time');
    expect((await bench.truth()).posts).toEqual([]);
  });

  test('is not carried on by a run that only retrieves, which does not wait for ever either', async () => {
    const bench = await makeWorkbench();
    const job = await interrupted(bench, 12);
    const { messages } = await bench.truth();
    const retrieve = { submit: false, until: 'final', maxWaitMs: null } as const;
    expect(await bench.run(job, retrieve)).toMatchObject({ pending: true });
    expect((await bench.truth()).messages).toHaveLength(messages.length);
  });

  test('stops with an error where recorded answers are gone: asking again would be paid again', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(4, { maxRequests: 2 });
    const { store } = bench.deps;
    const finishJob: typeof store.finishJob = () => Promise.reject(new Error('killed'));
    const deps = { ...bench.deps, store: { ...store, finishJob } };
    await expect(runJob(job, { ...FAST, ...realTime() }, deps, signal)).rejects.toThrow('killed');
    rmSync(partPath(bench, job).replace('.part', ''));
    await expect(bench.run(job, realTime())).rejects.toMatchObject({
      name: 'StoreError',
      code: 'answers_gone',
    });
    expect((await bench.truth()).messages).toHaveLength(4);
  });

  describe('and is canceled', () => {
    test('keeps the answers that were paid; the rest is canceled, without the API', async () => {
      const bench = await makeWorkbench();
      const job = await interrupted(bench, 20, { maxRequests: 12 });
      const answered = answeredIn(bench, job);
      const { messages } = await bench.truth();
      await bench.emulator.close();
      await cancelUnsent(job, bench.deps, signal);
      expect((await bench.deps.store.jobById(job.id)).state).toBe('canceled');
      const rows = rowsOf(bench, job);
      expect(
        rows
          .filter((row) => row.status === 'succeeded')
          .map((row) => row.custom_id)
          .sort(),
      ).toEqual(answered.sort());
      expect(rows.filter((row) => row.status === 'canceled')).toHaveLength(20 - answered.length);
      expect(messages.length).toBeLessThan(20);
      await expectVerified(bench, job, { succeeded: answered.length, canceled: 20 - answered.length });
    });

    test('by a process that was killed there, ends with the next one', async () => {
      const bench = await makeWorkbench();
      const job = await interrupted(bench, 12);
      const answered = answeredIn(bench, job).length;
      await bench.deps.store.requestCancel(job.id, new Date());
      expect((await bench.run(job, { submit: false })).job.state).toBe('canceled');
      await expectVerified(bench, job, { succeeded: answered, canceled: 12 - answered });
    });
  });
});

test('a cancel beside the run lets what is under way come in, and asks nothing more', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(40);
  await bench.setFaults('message-slow=0.3@1000');
  const run = bench.run(job, realTime({ concurrency: 2 }));
  await vi.waitUntil(async () => (await bench.truth()).messages.length >= 4);
  await cancelJob(job, bench.deps, signal);
  expect((await run).job.state).toBe('canceled');
  const asked = (await bench.truth()).messages.length;
  expect(asked).toBeLessThan(40);
  await expectVerified(bench, job, { succeeded: asked, canceled: 40 - asked });
});

test('a canceled job of which nothing was asked has no raw results', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(5);
  await bench.deps.store.requestSubmission(job.id, bench.deps.provider.account, 'real_time', new Date());
  await cancelUnsent(job, bench.deps, signal);
  expect(existsSync(partPath(bench, job)) || existsSync(partPath(bench, job).replace('.part', ''))).toBe(
    false,
  );
  await expectVerified(bench, job, { canceled: 5 });
});

test('after the longest wait the run leaves with what it has, and the next one goes on', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(30);
  await bench.setFaults('message-slow=0.3@1000');
  expect(await bench.run(job, { ...realTime({ concurrency: 1 }), maxWaitMs: 1_500 })).toMatchObject({
    pending: true,
  });
  const asked = (await bench.truth()).messages.length;
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThan(30);
  await bench.setFaults();
  await bench.run(job, realTime());
  const counts = await paid(bench);
  expect([counts.size, Math.max(...counts.values())]).toEqual([30, 1]);
  await expectVerified(bench, job, { succeeded: 30 });
});
