import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatJob } from '../../src/cli/print-job.ts';
import type { Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/ports/store.ts';
import { findCostOfJob } from '../../src/steps/cost-of-job.ts';
import { resubmitByUser } from '../../src/steps/decide-doubt.ts';
import { describeJob } from '../../src/steps/describe-job.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { watchJob } from '../../src/steps/watch-job.ts';
import { readRows } from '../support/build-job.ts';
import { marker } from '../support/sample-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;
const ROWS = 12;
/** So many that half of them are never all and never none. */
const MANY = 40;

/** A job whose shard was sent a second time by the user's word, although its first batch was there. */
async function paidTwice(bench: Workbench): Promise<Job> {
  await bench.setFaults('lost-reply');
  const job = await bench.build(ROWS);
  await bench.run(job, { until: 'submitted' });
  expect(await resubmitByUser(job, bench.deps)).toBe(1);
  return job;
}

const summaryOf = (bench: Workbench, job: Job) =>
  JSON.parse(readFileSync(`${bench.dir}/batch_results/${job.jobId}/summary.json`, 'utf8'));

async function batchesOf(bench: Workbench, job: Job): Promise<{ counted: string; late: string }> {
  const [view] = await bench.deps.store.shards(job.id);
  const counted = view?.batch?.id ?? '';
  const late = (await bench.ownBatches()).map(({ id }) => id).find((id) => id !== counted) ?? '';
  return { counted, late };
}

describe('a second batch of a shard that turns up late', () => {
  test('is kept beside the answers that count, and its cost is part of the job’s', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3 });
    const job = await paidTwice(bench);
    await bench.run(job);
    const { late, counted } = await batchesOf(bench, job);
    const [found] = await bench.deps.store.lateDuplicates(job.id);
    expect(found).toMatchObject({ batchId: late, kept: { answers: ROWS } });

    // Each row has the answer of the batch that counts; the other one's are in a file of their own.
    const rows = readRows(readFileSync(`${bench.dir}/batch_results/${job.jobId}/results.jsonl`, 'utf8'));
    expect(rows.map((row) => row['batch_id'])).toEqual(Array(ROWS).fill(counted));
    const kept = readRows(readFileSync(`${bench.dir}/${found?.kept?.path}`, 'utf8'));
    expect(kept).toHaveLength(ROWS);
    expect(JSON.stringify(kept)).toContain(marker('r7'));

    const cost = found?.kept?.cost ?? 0;
    expect(cost).toBeGreaterThan(0);
    const document = await describeJob(await bench.deps.store.jobById(job.id), bench.deps);
    // The emulator answers the same to the same request.
    expect(document.cost_microusd).toBe(2 * cost);
    const told = { batch_id: late, answers: ROWS, cost_microusd: cost, file: found?.kept?.path };
    expect(document.late_duplicates).toMatchObject([told]);
    expect(await formatJob(document, bench.deps)).toMatch(
      new RegExp(`^twice +${late}, a second batch of shard 1, was paid too: 12 answers, `, 'm'),
    );
    expect(summaryOf(bench, job).late_duplicates).toMatchObject([told]);
    expect(summaryOf(bench, job).cost_microusd).toBe(2 * cost);
    const report = await findCostOfJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
    expect(report.total).toMatchObject({ answers: 2 * ROWS, cost: 2 * cost });
    expect(report.duplicates).toMatchObject([{ batchId: late }]);
    // Nothing is left to fear beyond what is known.
    expect(await bench.deps.store.unseenPayments(job.id)).toMatchObject([{ most: 0 }]);
  });

  test('is proven by verify to be as it was kept', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3 });
    const job = await paidTwice(bench);
    const { job: done } = await bench.run(job);
    expect(await verifyJob(done, bench.deps, signal)).toMatchObject({ ok: true, late_duplicates: 1 });
    const [found] = await bench.deps.store.lateDuplicates(job.id);
    writeFileSync(`${bench.dir}/${found?.kept?.path}`, 'gone\n');
    const after = await verifyJob(done, bench.deps, signal);
    expect(after.ok).toBe(false);
    expect(after.problems.join('\n')).toContain(`.late-${found?.batchId}.raw.jsonl`);
  });

  test('whose results cannot be had at first is kept at the next look, also of a job that is done', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('list-lag=6', 'lost-reply');
    const job = await bench.build(ROWS);
    await bench.run(job, { settleMs: 300 });
    const before = summaryOf(bench, job).cost_microusd;
    await bench.setFaults('archive-after=0');
    // Listed, and its nonce cannot be read: nothing is concluded.
    await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
    expect(await bench.deps.store.lateDuplicates(job.id)).toEqual([]);
    await bench.setFaults();
    await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
    expect(await bench.deps.store.lateDuplicates(job.id)).toMatchObject([{ kept: { answers: ROWS } }]);
    expect(summaryOf(bench, job)).toMatchObject({
      cost_microusd: 2 * before,
      late_duplicates: [{ answers: ROWS, cost_microusd: before }],
    });
  });

  test('answers for the rows that have no success, and for no other', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('list-lag=6', 'lost-reply', 'rows-errored=0.5');
    const job = await bench.build(MANY);
    const { job: first } = await bench.run(job, { settleMs: 300 });
    const results = `${bench.dir}/batch_results/${job.jobId}/results.jsonl`;
    const before = readRows(readFileSync(results, 'utf8'));
    const failed = before.filter((row) => row['status'] !== 'succeeded').map((row) => row['custom_id']);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(MANY);
    expect(first.state).toBe('done');
    const spent = summaryOf(bench, job).cost_microusd;

    await bench.setFaults();
    let commits = 0;
    const store: JobStore = {
      ...bench.deps.store,
      async moveRows(shardId, seqs) {
        commits += 1;
        await bench.deps.store.moveRows(shardId, seqs);
      },
    };
    await watchJob(await store.jobById(job.id), { ...bench.deps, store }, signal);
    // Each waits for the disk: one for many rows, not one for each.
    expect(commits).toBe(1);
    const after = await bench.deps.store.jobById(job.id);
    expect(after.state).toBe('done');
    const rows = readRows(readFileSync(results, 'utf8'));
    expect(rows.map((row) => [row['custom_id'], row['status']])).toEqual(
      before.map((row) => [row['custom_id'], 'succeeded']),
    );
    for (const [index, row] of rows.entries()) {
      expect(row['text']).toContain(marker(String(row['custom_id'])));
      const isTaken = failed.includes(row['custom_id']);
      expect([row['custom_id'], row['reused'], row['attempt']]).toEqual([
        row['custom_id'],
        isTaken,
        isTaken ? 2 : 1,
      ]);
      // What succeeded at first is the same row, byte for byte.
      if (!isTaken) expect(row).toEqual(before[index]);
    }
    expect(await verifyJob(after, bench.deps, signal)).toMatchObject({ ok: true, succeeded: MANY });
    // Paid once more, as the batch was; the rows that took their answers from it are not counted a second time.
    const [kept] = await bench.deps.store.lateDuplicates(job.id);
    expect(summaryOf(bench, job).cost_microusd).toBe(spent + (kept?.kept?.cost ?? 0));
    expect(kept?.kept?.answers).toBe(MANY);
    // A retry finds nothing to send.
    await bench.retry(after);
    expect((await bench.truth()).posts).toHaveLength(2);
  });

  test('answers for the rows of a canceled job once they are to be sent again after all', async () => {
    const bench = await makeWorkbench({ batchSeconds: 2 });
    await bench.setFaults('list-lag=6', 'lost-reply');
    const job = await bench.build(ROWS);
    await bench.run(job, { settleMs: 300, until: 'submitted' });
    // Reaches the second batch alone: the first one goes on unseen.
    await bench.cancel(await bench.deps.store.jobById(job.id));
    await bench.setFaults();
    const { job: canceled } = await bench.run(job, { submit: false });
    expect(canceled.state).toBe('canceled');
    const statuses = () =>
      readRows(readFileSync(`${bench.dir}/batch_results/${job.jobId}/results.jsonl`, 'utf8')).map(
        (row) => row['status'],
      );
    const before = statuses();
    expect(before).toContain('canceled');
    await expect
      .poll(
        async () => {
          await watchJob(await bench.deps.store.jobById(job.id), bench.deps, signal);
          return bench.deps.store.lateDuplicates(job.id);
        },
        { timeout: 15_000, interval: 300 },
      )
      .toMatchObject([{ kept: { answers: ROWS } }]);
    // Left as the user wanted it.
    expect(statuses()).toEqual(before);

    const { job: after } = await bench.retry(canceled);
    expect(after.state).toBe('done');
    expect(statuses()).toEqual(Array(ROWS).fill('succeeded'));
    expect(await verifyJob(after, bench.deps, signal)).toMatchObject({ ok: true, succeeded: ROWS });
    expect((await bench.truth()).posts).toHaveLength(2);
  });

  test('is looked for before anything of the job is sent again', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.2 });
    await bench.setFaults('list-lag=6', 'lost-reply', 'rows-errored=1');
    const job = await bench.build(ROWS);
    const { job: failed } = await bench.run(job, { settleMs: 300 });
    expect(failed.state).toBe('done');
    await bench.setFaults();
    const { job: after } = await bench.retry(failed);
    expect(await verifyJob(after, bench.deps, signal)).toMatchObject({ ok: true, succeeded: ROWS });
    expect((await bench.truth()).posts).toHaveLength(2);
  });

  test('stays counted when the raw results that count are applied once more', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3 });
    const job = await paidTwice(bench);
    await bench.run(job);
    const [before] = await bench.deps.store.shards(job.id);
    const { store } = bench.deps;
    const shard = before?.shard;
    if (shard === undefined || before?.tally == null) throw new Error('no shard');
    await store.finishShard(
      shard.id,
      'applied',
      before.tally,
      (await store.spentOf(job.id))[0]?.lines?.slice(0, 1),
    );
    expect((await store.shards(job.id))[0]?.cost).toBe(before.cost);
  });
});
