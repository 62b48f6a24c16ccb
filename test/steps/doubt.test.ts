import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { adoptByUser, resubmitByUser } from '../../src/steps/decide-doubt.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { watchJob } from '../../src/steps/watch-job.ts';
import { CANARY_KEY } from '../support/canary.ts';
import { marker } from '../support/sample-job.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

/** Every record has exactly its own answer, and the account has exactly one batch of ours for each shard. */
async function expectExactlyOnce(bench: Workbench, job: Job, records: number): Promise<void> {
  const fresh = await bench.deps.store.jobById(job.id);
  expect(fresh.state).toBe('done');
  const rows = readFileSync(`${bench.dir}/batch_results/${job.jobId}/results.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { custom_id: string; text: string });
  expect(rows.map((row) => row.custom_id)).toEqual(
    Array.from({ length: records }, (_, index) => `r${index + 1}`),
  );
  for (const row of rows) expect(row.text).toContain(marker(row.custom_id));
  const shards = (await bench.deps.store.shards(job.id)).filter((view) => view.shard.state === 'applied');
  const own = await bench.ownBatches();
  expect(own.map((batch) => batch.id).sort()).toEqual(shards.map((view) => view.batch?.id).sort());
}

const FAST_SETTLE_MS = 500;

/** A batch of somebody else in the same account, over at once. */
async function createForeign(bench: Workbench, requests: number) {
  const url = `${bench.emulator.url}/v1/messages/batches`;
  const headers = { authorization: `Bearer ${CANARY_KEY}`, 'anthropic-version': '2026-10-21' };
  const params = { model: 'claude-haiku-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };
  const list = Array.from({ length: requests }, (_, index) => ({ custom_id: `other-${index}`, params }));
  const body = JSON.stringify({ requests: list });
  const { id } = (await (await fetch(url, { method: 'POST', headers, body })).json()) as { id: string }; // the emulator’s own form
  return { id, url, headers };
}

describe('a create whose answer was lost', () => {
  it.each([
    'lost-reply',
    'create-500-created',
    'create-html-502-created',
    'create-cut-answer',
    'create-wrong-count',
    'create-hang',
  ])('%s: the batch is found again and adopted, nothing is sent twice', async (fault) => {
    const bench = await makeWorkbench({ answerMs: 700 });
    await bench.setFaults(fault);
    const job = await bench.build(12);
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
    expect((await bench.truth()).posts).toHaveLength(1);
    expect(bench.told.map((one) => one.kind)).toEqual(
      expect.arrayContaining(['in_doubt', 'provisional', 'verified']),
    );
  });

  it.each(['create-500', 'create-529', 'create-409', 'create-html-502', 'create-hang-not-created'])(
    '%s: absence is proven over the settle time, then the shard goes out again',
    async (fault) => {
      const bench = await makeWorkbench({ answerMs: 700 });
      await bench.setFaults(fault);
      const job = await bench.build(12);
      const startedMs = Date.now();
      await bench.run(job);
      expect(Date.now() - startedMs).toBeGreaterThan(FAST.settleMs);
      await expectExactlyOnce(bench, job, 12);
      expect((await bench.truth()).posts).toHaveLength(2);
      expect(bench.told.map((one) => one.kind)).toContain('absent');
    },
  );

  it('goes out again as soon as absence is proven, however far the next look is', async () => {
    const bench = await makeWorkbench({ answerMs: 700 });
    await bench.setFaults('create-500');
    const job = await bench.build(12);
    // Ten minutes, of which this test has one; the looks that a doubt asks for do not wait for it.
    await bench.run(job, { intervalMs: 600_000, until: 'submitted' });
    const kinds = bench.told.map((one) => one.kind);
    expect(kinds.slice(kinds.indexOf('absent'))).toContain('created');
    expect((await bench.truth()).posts).toHaveLength(2);
  });

  it('whose answer names a batch with odd counts is adopted from that answer, though no listing could tell', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-wrong-count', 'list-lag=60');
    const job = await bench.build(12);
    const running = bench.run(job);
    await vi.waitUntil(() => bench.told.some((one) => one.kind === 'in_doubt'), { timeout: 10_000 });
    await bench.setFaults();
    await running;
    await expectExactlyOnce(bench, job, 12);
    expect((await bench.truth()).posts).toHaveLength(1);
  });

  it('stops with exit 7 when its only candidate can never be proven, and takes the word for it', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('lost-reply', 'results-missing=12');
    const job = await bench.build(12);
    await expect(bench.run(job)).rejects.toMatchObject({
      name: 'DecisionError',
      code: 'submission_in_doubt',
    });
    expect((await bench.truth()).posts).toHaveLength(1);
  });

  it('is the user’s to settle when all that had to be in a listing was deleted meanwhile', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.01 });
    const url = `${bench.emulator.url}/v1/messages/batches`;
    const headers = { authorization: `Bearer ${CANARY_KEY}`, 'anthropic-version': '2026-10-21' };
    const params = {
      model: 'claude-haiku-5-5',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'hello' }],
    };
    const body = JSON.stringify({ requests: [{ custom_id: 'other', params }] });
    const { id } = (await (await fetch(url, { method: 'POST', headers, body })).json()) as { id: string }; // API.md
    await bench.setFaults('create-500');
    const job = await bench.build(12);
    await bench.run(job, { until: 'once', settleMs: 60_000 });
    expect((await fetch(`${url}/${id}`, { method: 'DELETE', headers })).status).toBe(200);
    await expect(bench.run(job)).rejects.toMatchObject({
      code: 'submission_in_doubt',
      why: expect.stringMatching(/were all of them deleted/),
    });
    expect((await bench.truth()).posts).toHaveLength(2);
  });

  it('is no doubt for each of its refused attempts: a colleague’s batch is told from all of them at once', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.01 });
    const job = await bench.build(12);
    await bench.setFaults('create-429=0@3');
    for (let refused = 0; refused < 3; refused += 1) await bench.run(job, { until: 'once' });
    await createForeign(bench, 12);
    await bench.run(job);
    expect((await bench.deps.store.jobById(job.id)).state).toBe('done');
    expect(bench.told.filter((one) => one.kind === 'absent')).toHaveLength(1);
    // Three refused, the colleague's, one that stopped at its fence, and the one that counts.
    expect((await bench.truth()).posts).toHaveLength(6);
  });

  it('is found by its nonce when the answer named a batch that a colleague made meanwhile', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.01 });
    await bench.setFaults('colleague=1', 'create-repeat-id');
    const job = await bench.build(12);
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
    expect((await bench.truth()).posts).toHaveLength(1);
    expect(bench.told.find((one) => one.kind === 'problem')?.text).toMatch(/is ours, its results prove it/);
  });

  it('spares the user the decision when its results come after all', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('lost-reply', 'results-missing=12');
    const job = await bench.build(12);
    await expect(bench.run(job)).rejects.toMatchObject({ code: 'submission_in_doubt' });
    await bench.setFaults();
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
  });

  it.each(['results-not-found@1', 'results-short=0@1', 'results-cut=0@1'])(
    'whose batch ended long before anybody looked is no case for the user when its results fail once: %s',
    async (fault) => {
      const bench = await makeWorkbench({ batchSeconds: 1 });
      await bench.setFaults('lost-reply');
      const job = await bench.build(12);
      await bench.run(job, { until: 'once', settleMs: 20_000 });
      expect((await bench.deps.store.doubts(job.id)).map((one) => one.state)).toEqual(['in_doubt']);
      const lookedMs = Date.now();
      await expect
        .poll(() => Date.now() - lookedMs, { timeout: 9_000 })
        .toBeGreaterThan(1_000 + 2 * FAST_SETTLE_MS);
      await bench.setFaults(fault);
      await bench.run(job, { settleMs: FAST_SETTLE_MS });
      await expectExactlyOnce(bench, job, 12);
    },
  );

  it('is told from batches of the same size that a colleague made meanwhile', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('colleague=2', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
    const provisional = bench.told.find((one) => one.kind === 'provisional');
    expect(provisional?.kind === 'provisional' ? provisional.batchIds.length : 0).toBeGreaterThan(1);
  });

  it('is not taken for a colleague’s batch of the same size: its results reject it, and the shard goes out again', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('colleague=1', 'create-500');
    const job = await bench.build(12);
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
    expect(bench.told.map((one) => one.kind)).toEqual(expect.arrayContaining(['provisional', 'absent']));
  });

  it('is not sent again while the list lags, as long as the lag is shorter than the settle time', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('list-lag=1', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { settleMs: 3_000 });
    await expectExactlyOnce(bench, job, 12);
    expect((await bench.truth()).posts).toHaveLength(1);
  });

  it('that is found after it was judged absent is reported as a second copy', async () => {
    const bench = await makeWorkbench({ batchSeconds: 7 });
    await bench.setFaults('list-lag=4', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { settleMs: 300 });
    expect(await bench.ownBatches()).toHaveLength(2);
    const events = await bench.deps.store.events(job.id);
    expect(events.map((event) => event.kind)).toContain('late_duplicate');
    expect(bench.told.map((one) => one.kind)).toContain('late_duplicate');
  });

  it('holds back no job of another account', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-500');
    const first = await bench.build(12);
    await bench.run(first, { until: 'once' });
    const twin = await bench.build(12, {}, { name: 'twin' });
    const { account } = bench.deps.provider;
    const elsewhere = { ...account, baseUrl: 'emulator:another' };
    const outcome = await runJob(
      twin,
      FAST,
      { ...bench.deps, provider: { ...bench.deps.provider, account: elsewhere } },
      signal,
    );
    expect(outcome.job.state).toBe('done');
    expect(await bench.deps.store.doubts(first.id)).toHaveLength(1);
  });

  it('that turns up after the job is done is found by the watch, within a day', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('list-lag=8', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { settleMs: 300 });
    expect(bench.told.map((one) => one.kind)).not.toContain('late_duplicate');
    await bench.setFaults();
    const [watched] = await bench.deps.store.jobsUnderWatch(Date.now());
    expect(watched?.jobId).toBe(job.jobId);
    await watchJob(job, bench.deps, signal);
    expect(bench.told.map((one) => one.kind)).toContain('late_duplicate');
    const before = bench.told.length;
    await watchJob(job, bench.deps, signal);
    expect(bench.told.slice(before).map((one) => one.kind)).not.toContain('late_duplicate');
  });

  it('does not hold back shards of another count, and holds back one of the same', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-500');
    const first = await bench.build(12);
    await bench.run(first, { until: 'once' });
    const twin = await bench.build(12, {}, { name: 'twin' });
    await expect(bench.run(twin)).rejects.toMatchObject({
      name: 'DecisionError',
      code: 'same_count_in_doubt',
    });
    expect((await bench.truth()).posts).toHaveLength(1);
    const other = await bench.build(13, {}, { name: 'other' });
    await bench.run(other);
    await expect(bench.deps.store.jobById(other.id)).resolves.toMatchObject({ state: 'done' });
    await bench.run(first);
    await bench.run(twin);
    await expect(bench.deps.store.jobById(twin.id)).resolves.toMatchObject({ state: 'done' });
    expect((await bench.ownBatches()).map((batch) => batch.requests).sort()).toEqual([12, 12, 13]);
  });
});

describe('the key of another workspace', () => {
  it('concludes nothing about a doubt', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { until: 'once' });
    const stranger = runJob(job, FAST, bench.withKey('sk-emu-other'), signal);
    await expect(stranger).rejects.toMatchObject({ name: 'AuthError', code: 'other_workspace' });
    expect(await bench.deps.store.doubts(job.id)).toHaveLength(1);
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
  });

  it('is named when a batch is not found with it', async () => {
    const bench = await makeWorkbench({ batchSeconds: 5 });
    const job = await bench.build(12);
    await bench.run(job, { until: 'submitted' });
    const fresh = await bench.deps.store.jobById(job.id);
    const stranger = runJob(
      fresh,
      { ...FAST, submit: false, until: 'once' },
      bench.withKey('sk-emu-other'),
      signal,
    );
    await expect(stranger).rejects.toMatchObject({ name: 'AuthError', code: 'other_workspace' });
  });
});

describe('what only the user can decide', () => {
  it('takes the user’s word that a batch is ours, and still proves it by its results', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('list-lag=60', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { until: 'once' });
    const [lost] = await bench.ownBatches();
    await adoptByUser(job, lost?.id ?? '', bench.deps, signal);
    await bench.setFaults();
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
  });

  it('puts a wrongly named batch back into doubt instead of writing its rows', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('colleague=1', 'list-lag=60', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { until: 'once' });
    const foreign = (await bench.truth()).batches.find((batch) => batch.foreign);
    await adoptByUser(job, foreign?.id ?? '', bench.deps, signal);
    await bench.setFaults();
    await bench.run(job);
    await expectExactlyOnce(bench, job, 12);
  });

  it('goes back to the other candidates when the one that was named turns out foreign', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3 });
    await bench.setFaults('colleague=1', 'lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { until: 'once' });
    await bench.run(job, { until: 'once' });
    const { batches } = await bench.truth();
    const [view] = await bench.deps.store.shards(job.id);
    expect(view?.candidates.map((one) => [one.batchId, one.verdict]).sort()).toEqual(
      batches.map((batch) => [batch.id, 'provisional']).sort(),
    );
    await adoptByUser(job, batches.find((batch) => batch.foreign)?.id ?? '', bench.deps, signal);
    await bench.run(job);
    expect((await bench.deps.store.events(job.id)).map((event) => event.kind)).toContain('disowned');
    await expectExactlyOnce(bench, job, 12);
    expect((await bench.truth()).posts).toHaveLength(1);
  });

  it('refuses a batch of another size', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-500');
    const other = await bench.build(5, {}, { name: 'other' });
    const job = await bench.build(12);
    await bench.run(job, { until: 'once' });
    await bench.run(other);
    const [batch] = await bench.ownBatches();
    await expect(adoptByUser(job, batch?.id ?? '', bench.deps, signal)).rejects.toMatchObject({
      code: 'no_shard_fits',
    });
  });

  it('reports a second copy when the word that nothing was created was wrong', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3 });
    await bench.setFaults('lost-reply');
    const job = await bench.build(12);
    await bench.run(job, { until: 'submitted' });
    expect(await resubmitByUser(job, bench.deps)).toBe(1);
    await bench.run(job);
    expect(bench.told.map((one) => one.kind)).toContain('late_duplicate');
  });

  it('takes the user’s word that nothing was created', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('create-500');
    const job = await bench.build(12);
    await bench.run(job, { until: 'once' });
    expect(await resubmitByUser(job, bench.deps)).toBe(1);
    await bench.run(job, { settleMs: 3_600_000 });
    await expectExactlyOnce(bench, job, 12);
  });
});
