import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeWorkbench } from '../support/workbench.ts';
import { expectVerified, mostAtOnce, paid, realTime, rowsOf } from './real-time-fixture.ts';

describe('a job in real time', () => {
  test('asks each request once and no batch, and ends with a good row each', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(30);
    expect((await bench.run(job, realTime())).job).toMatchObject({ state: 'done', mode: 'real_time' });
    const counts = await paid(bench);
    expect([counts.size, Math.max(...counts.values())]).toEqual([30, 1]);
    expect((await bench.truth()).posts).toEqual([]);
    const rows = rowsOf(bench, job);
    expect(rows.map((row) => row.custom_id)).toEqual(
      Array.from({ length: 30 }, (_, index) => `r${index + 1}`),
    );
    for (const row of rows) {
      expect(row).toMatchObject({ status: 'succeeded', failure: null, batch_id: null });
      expect(row.text).toContain(`marker-${row.custom_id}-end`);
    }
    await expectVerified(bench, job, { requests: 30, succeeded: 30 });
  });

  test('of many small shards is asked over all of them at once', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('message-slow=0.3@40');
    const job = await bench.build(40, { maxRequests: 2 });
    await bench.run(job, realTime({ concurrency: 20 }));
    // Shard by shard two would be the most.
    expect(await mostAtOnce(bench, 295)).toBeGreaterThan(4);
    await expectVerified(bench, job, { requests: 40, succeeded: 40 });
  });

  test('has no more requests under way than it may', async () => {
    const bench = await makeWorkbench();
    await bench.setFaults('message-slow=0.2@30');
    const job = await bench.build(30);
    await bench.run(job, realTime({ concurrency: 3 }));
    expect(await mostAtOnce(bench, 195)).toBe(3);
    const underWay = bench.told.flatMap((one) => (one.kind === 'answering' ? [one.underWay] : []));
    expect(Math.max(...underWay)).toBe(3);
  });

  test('refuses a wrong model before anything is asked, and may then go as a batch', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(5, {}, { model: 'claude-hiaku-5-5' });
    await expect(bench.run(job, realTime())).rejects.toMatchObject({ code: 'sample_refused' });
    expect((await bench.truth()).messages).toEqual([]);
    await bench.deps.store.requestSubmission(job.id, bench.deps.provider.account, 'batch', new Date());
    const [view] = await bench.deps.store.shards(job.id);
    expect(view?.shard).toMatchObject({ state: 'built', route: 'batch' });
  });

  test('refuses a shard file that is not the one that was built', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(5);
    appendFileSync(join(bench.dir, 'batch_requests', job.jobId, 'main-0001.jsonl'), ' ');
    await expect(bench.run(job, realTime())).rejects.toMatchObject({ code: 'shard_changed' });
    expect((await bench.truth()).messages).toEqual([]);
  });
});

describe('the pace', () => {
  test('--rpm is kept, by the times at the server', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    await bench.run(job, realTime({ concurrency: 8, requestsPerMinute: 240 }));
    const starts = (await bench.truth()).messages.map((message) => Date.parse(message.at));
    expect(starts).toHaveLength(12);
    // Four a second: four at once, and then one each 250 ms.
    const span = Math.max(...starts) - Math.min(...starts);
    expect(span).toBeGreaterThanOrEqual(8 * 250 - 50);
  });

  test('--tpm is kept, and what is reserved for a call that is refused is given back', async () => {
    const bench = await makeWorkbench();
    // 1,000 tokens are saved up at the start, and each call reserves some 430.
    const answering = { concurrency: 2, tokensPerMinute: 6_000 };
    await bench.setFaults('message-html-413@6');
    const refused = await bench.build(6);
    const startedMs = performance.now();
    await bench.run(refused, realTime(answering));
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    const answered = await bench.build(6, {}, { name: 'answered' });
    await bench.run(answered, realTime(answering));
    const { usage } = (await bench.deps.store.shards(answered.id))[0]?.tally ?? { usage: null };
    const spentMs = (((usage?.input ?? 0) + (usage?.output ?? 0) - 1_000 - 430) * 60_000) / 6_000;
    expect(spentMs).toBeGreaterThan(2_000);
    expect(performance.now() - startedMs).toBeGreaterThan(spentMs);
  }, 60_000);

  test('a pause that the API asks for holds back everybody', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(12);
    await bench.setFaults('message-429=2', 'message-slow=0.1@100');
    await bench.run(job, realTime({ concurrency: 2 }));
    const { messages } = await bench.truth();
    const refusedMs = Date.parse(messages.find((message) => message.status === 429)?.at ?? '');
    const within = messages.filter(
      ({ at }) => Date.parse(at) > refusedMs + 300 && Date.parse(at) < refusedMs + 1_900,
    );
    expect(within).toEqual([]);
    expect(bench.told).toContainEqual(expect.objectContaining({ kind: 'waiting', ms: 2_000 }));
    await expectVerified(bench, job, { succeeded: 12 });
  });
});

describe('what fails', () => {
  test.each([
    ['message-html-413', 'invalid_request'],
    ['message-529@5', 'overloaded'],
    ['message-500@5', 'api_error'],
    ['message-429-bare@5', 'rate_limited'],
  ])(
    '%s becomes a row of class %s, and the others go on',
    async (fault, failure) => {
      const bench = await makeWorkbench();
      await bench.setFaults(fault);
      const job = await bench.build(4);
      await bench.run(job, realTime({ concurrency: 1 }));
      expect(rowsOf(bench, job).map((row) => row.failure)).toEqual([failure, null, null, null]);
      await expectVerified(bench, job, { errored: 1, succeeded: 3 });
    },
    60_000,
  );

  test('twenty in a row stop the run; they and the rest are asked by the next one', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(60);
    await bench.setFaults('message-529@1000');
    await expect(bench.run(job, realTime({ concurrency: 30 }))).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'many_failures',
      status: 529,
      retryable: true,
    });
    const prompts = new Set((await bench.truth()).messages.map((message) => message.prompt));
    expect(prompts.size).toBeLessThanOrEqual(50);
    await bench.setFaults();
    await bench.run(job, realTime());
    await expectVerified(bench, job, { requests: 60, succeeded: 60 });
  }, 60_000);

  test.each([
    ['message-401', 'AuthError', 'key_refused'],
    ['message-403', 'AuthError', 'permission_error'],
    ['message-spend-cap', 'DecisionError', 'spend_limit'],
    ['message-redirect=http://127.0.0.1:1/', 'ProviderError', 'http_307'],
  ])('%s stops at once, and what was answered is kept', async (fault, name, code) => {
    const bench = await makeWorkbench();
    const job = await bench.build(20);
    await bench.setFaults('message-slow=0.01@6', `${fault}@1`);
    await expect(bench.run(job, realTime({ concurrency: 1 }))).rejects.toMatchObject({ name, code });
    const { messages } = await bench.truth();
    expect(messages.length).toBeLessThan(20);
    await bench.run(job, realTime());
    const counts = await paid(bench);
    expect([counts.size, Math.max(...counts.values())]).toEqual([20, 1]);
    await expectVerified(bench, job, { succeeded: 20 });
  });

  test('a connection that fails for long is no row: the run stops and the next one asks', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(3);
    await bench.setFaults('message-drop@15');
    await expect(bench.run(job, realTime({ concurrency: 3 }))).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'unreachable',
      retryable: true,
    });
    await bench.setFaults();
    await bench.run(job, realTime());
    await expectVerified(bench, job, { succeeded: 3 });
  }, 60_000);
});
