import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { cancelJob } from '../../src/steps/cancel-job.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { CANARY_KEY } from '../support/canary.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

async function rowsOf(
  bench: Workbench,
  jobId: string,
): Promise<{ custom_id: string; status: string; failure: string | null }[]> {
  return readFileSync(`${bench.dir}/batch_results/${jobId}/results.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('submitting', () => {
  it('sends several shards one after another, each once, with different counts', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(57, { maxRequests: 20 });
    await bench.run(job);
    expect((await bench.ownBatches()).map((batch) => batch.requests).sort((a, b) => b - a)).toEqual([
      20, 19, 18,
    ]);
    expect((await bench.truth()).posts).toHaveLength(3);
    expect(await rowsOf(bench, job.jobId)).toHaveLength(57);
  });

  it('refuses a wrong model before anything is uploaded', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12, {}, { model: 'claude-hiaku-5-5' });
    await expect(bench.run(job)).rejects.toMatchObject({ name: 'UsageError', code: 'sample_refused' });
    expect((await bench.truth()).posts).toHaveLength(0);
  });

  it('refuses a wrong key before anything is uploaded', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    await expect(runJob(job, FAST, bench.withKey('bad-key'), signal)).rejects.toMatchObject({
      name: 'AuthError',
    });
    expect((await bench.truth()).posts).toHaveLength(0);
  });

  it.each(['cut-upload=0.5@2', 'early-answer=529@2'])(
    '%s: an upload that broke before its seal is repeated at once',
    async (fault) => {
      const bench = await makeWorkbench();
      await bench.setFaults(fault);
      const job = await bench.build(200);
      await bench.run(job);
      const { posts, batches } = await bench.truth();
      expect(posts).toHaveLength(3);
      expect(batches).toHaveLength(1);
      expect(bench.told.map((one) => one.kind)).not.toContain('in_doubt');
    },
  );

  it('tries again when the fence cannot be taken for a while', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    const { store } = bench.deps;
    let started = 0;
    const startSubmission: typeof store.startSubmission = async (...args) => {
      started += 1;
      if (started === 1) await bench.setFaults('list-500@4');
      return store.startSubmission(...args);
    };
    await runJob(job, FAST, { ...bench.deps, store: { ...store, startSubmission } }, signal);
    expect(started).toBe(2);
    expect(await bench.ownBatches()).toHaveLength(1);
    expect(bench.told.map((one) => one.kind)).not.toContain('in_doubt');
  }, 60_000);

  it('gives up after four broken uploads and names the byte reached', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('cut-upload=0.5@9');
    const job = await bench.build(12);
    await expect(bench.run(job)).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'upload_failed',
      why: expect.stringContaining('byte'),
    });
    await bench.setFaults();
    await bench.run(job);
    expect(await bench.ownBatches()).toHaveLength(1);
  }, 60_000);

  it('waits out a full queue and goes on', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-429=1@2');
    const job = await bench.build(12);
    await bench.run(job);
    expect(await bench.ownBatches()).toHaveLength(1);
    expect(
      bench.told.some((one) => one.kind === 'waiting' && one.why.includes('takes no more batches')),
    ).toBe(true);
  });

  it('does not ask before the wait is over that the API asked for', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-429=3');
    const job = await bench.build(12);
    const startedMs = Date.now();
    await bench.run(job);
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(3_000);
    expect((await bench.truth()).posts).toHaveLength(2);
  });

  it.each(['create-spend-cap', 'create-400-limit'])(
    '%s stops with a decision, and a later run carries on',
    async (fault) => {
      const bench = await makeWorkbench();
      await bench.setFaults(fault);
      const job = await bench.build(12);
      await expect(bench.run(job)).rejects.toMatchObject({ name: 'DecisionError', code: 'spend_limit' });
      await bench.run(job);
      expect(await bench.ownBatches()).toHaveLength(1);
    },
  );

  it('halves a shard that the API finds too large, until it fits', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('limit-requests=12');
    const job = await bench.build(40);
    await bench.run(job);
    const rows = await rowsOf(bench, job.jobId);
    expect(rows.map((row) => row.custom_id)).toEqual(
      Array.from({ length: 40 }, (_, index) => `r${index + 1}`),
    );
    const own = await bench.ownBatches();
    expect(own.reduce((sum, batch) => sum + batch.requests, 0)).toBe(40);
    expect(Math.max(...own.map((batch) => batch.requests))).toBeLessThanOrEqual(12);
    expect(new Set(own.map((batch) => batch.first_custom_id.split('--')[1]?.slice(0, 8))).size).toBe(
      own.length,
    );
  });

  it('does not send a shard whose file has changed since it was built', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    const { appendFileSync } = await import('node:fs');
    appendFileSync(`${bench.dir}/batch_requests/${job.jobId}/main-0001.jsonl`, ' ');
    await expect(bench.run(job)).rejects.toMatchObject({ name: 'StoreError', code: 'shard_changed' });
    expect(await bench.ownBatches()).toHaveLength(0);
  });

  it('carries a job of the same content on instead of making another', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    await bench.run(job, { until: 'submitted' });
    const again = await bench.build(12);
    expect(again.jobId).toBe(job.jobId);
    await bench.run(job);
    expect((await bench.build(12)).jobId).not.toBe(job.jobId);
    const warning = bench.told.find((one) => one.kind === 'problem');
    expect(warning?.kind === 'problem' ? warning.text : '').toContain(
      `job ${job.jobId} of the same content is done`,
    );
  });
});

describe('canceling beside a run', () => {
  it('stops what is not sent, and the run takes in what ends', async () => {
    const bench = await makeWorkbench({ batchSeconds: 30 });
    const job = await bench.build(30, { maxRequests: 12 });
    await bench.setFaults('create-429=2@1');
    const running = bench.run(job);
    await vi.waitUntil(() => bench.told.some((one) => one.kind === 'waiting'), { timeout: 10_000 });
    await cancelJob(job, bench.deps, signal);
    await expect(running).resolves.toMatchObject({ job: { state: 'canceled' } });
    expect((await rowsOf(bench, job.jobId)).map((row) => row.status)).toEqual(
      Array.from({ length: 30 }, () => 'canceled'),
    );
    expect(await bench.ownBatches()).toHaveLength(0);
  });

  it('ends batches that are under way, and their rows are named', async () => {
    const bench = await makeWorkbench({ batchSeconds: 30 });
    const job = await bench.build(12);
    const running = bench.run(job);
    await vi.waitUntil(() => bench.told.some((one) => one.kind === 'created'), { timeout: 10_000 });
    await cancelJob(job, bench.deps, signal);
    await expect(running).resolves.toMatchObject({ job: { state: 'canceled' } });
    expect(await rowsOf(bench, job.jobId)).toHaveLength(12);
  });
});

describe('polling', () => {
  it('takes a batch that is not found for a while as one that is well', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('not-found=2', 'list-lag=2');
    const job = await bench.build(12);
    await bench.run(job, { settleMs: 60_000 });
    expect((await rowsOf(bench, job.jobId)).every((row) => row.status === 'succeeded')).toBe(true);
    expect(bench.told.map((one) => one.kind)).toContain('not_found');
  });

  it('gives up no batch that the list still shows, however long it is not found by its id', async () => {
    const bench = await makeWorkbench();
    // Behind a colleague's on a page of its own, so that each look asks for it by its id.
    await bench.setFaults('not-found=5', 'list-page=1', 'colleague=1');
    const job = await bench.build(12);
    const { job: ended } = await bench.run(job, { settleMs: 1_000 });
    expect(ended.state).toBe('done');
    expect((await rowsOf(bench, job.jobId)).every((row) => row.status === 'succeeded')).toBe(true);
    const answers = bench.told.filter((one) => one.kind === 'not_found').length;
    expect(answers).toBeGreaterThanOrEqual(5);
  });

  it('names the rows of a batch that is gone for good as missing, and sends nothing again', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    await bench.run(job, { until: 'submitted' });
    await bench.setFaults('not-found=9999', 'list-lag=9999');
    const { job: ended } = await bench.run(job, { settleMs: 1_000 });
    expect(ended.state).toBe('failed');
    expect((await rowsOf(bench, job.jobId)).map((row) => row.failure)).toEqual(
      Array.from({ length: 12 }, () => 'missing'),
    );
    expect((await bench.truth()).posts).toHaveLength(1);
  });

  it('does not take an unknown status for an end', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('odd-status', 'live-counts');
    const job = await bench.build(12);
    await bench.run(job);
    expect(await rowsOf(bench, job.jobId)).toHaveLength(12);
  });

  it('goes on with a rotated key of the same workspace, also where a batch is not found for a while', async () => {
    const bench = await makeWorkbench({ batchSeconds: 2 });
    const job = await bench.build(12);
    await bench.run(job, { until: 'submitted' });
    await bench.setFaults('not-found=2', 'list-lag=2');
    const fresh = await bench.deps.store.jobById(job.id);
    const rotated = bench.withKey(CANARY_KEY, 'rotated');
    const outcome = await runJob(fresh, { ...FAST, settleMs: 60_000 }, rotated, signal);
    expect(outcome.job.state).toBe('done');
  });

  it('asks with one list call for all open batches', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3 });
    const job = await bench.build(60, { maxRequests: 10 });
    await bench.run(job, { until: 'submitted' });
    const before = (await bench.truth()).calls;
    await bench.run(job, { until: 'once', submit: false });
    const after = (await bench.truth()).calls;
    const total = (calls: Readonly<Record<string, number>>): number =>
      Object.values(calls).reduce((sum, n) => sum + n, 0);
    expect(total(after) - total(before)).toBe(1);
  });
});
