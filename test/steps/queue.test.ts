import { describe, expect, it, vi } from 'vitest';
import { DecisionError } from '../../src/core/errors.ts';
import type { Job } from '../../src/core/job.ts';
import type { Progress } from '../../src/core/ports/progress.ts';
import type { BatchProvider, ServerStamp } from '../../src/core/ports/provider.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { type ManualClock, makeManualClock } from '../support/manual-clock.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const MINUTE = 60_000;
const NEVER = 1_000_000;
const signal = new AbortController().signal;

type Told<Kind extends Progress['kind']> = Extract<Progress, { kind: Kind }>;

function told<Kind extends Progress['kind']>(bench: Workbench, kind: Kind): readonly Told<Kind>[] {
  return bench.told.filter((one): one is Told<Kind> => one.kind === kind);
}

async function refusedPosts(bench: Workbench): Promise<number> {
  return (await bench.truth()).posts.filter(({ status }) => status === 429).length;
}

/** The same workspace at an account of the API's, whose clock and ours is one that passes by itself; and its creates. */
function atApi({ deps, emulator, setFaults }: Workbench) {
  const manual = makeManualClock({ startAt: new Date().toISOString(), autoAdvance: true });
  let isCreating = false;
  // What is to be said of an answer that does not come is not due while time stands still.
  const untilAborted = (ended: AbortSignal): Promise<void> =>
    new Promise((resolve) => ended.addEventListener('abort', () => resolve()));
  const clock: ManualClock = {
    ...manual,
    sleep: (ms, ended) => (isCreating ? untilAborted(ended) : manual.sleep(ms, ended)),
  };
  const creates: { atMs: number; isRefused: boolean }[] = [];
  const now = <T extends { readonly stamp: ServerStamp }>(answer: T): T => ({
    ...answer,
    stamp: { ...answer.stamp, serverMs: clock.now().getTime() },
  });
  const { createBatch, listBatches, retrieveBatch } = deps.provider;
  const provider: BatchProvider = {
    ...deps.provider,
    account: { baseUrl: emulator.url, keyFingerprint: 'canary' },
    listBatches: async (...args) => now(await listBatches(...args)),
    retrieveBatch: async (...args) => now(await retrieveBatch(...args)),
    createBatch: async (...args) => {
      const atMs = clock.monotonicMs();
      isCreating = true;
      const outcome = await createBatch(...args).finally(() => {
        isCreating = false;
      });
      creates.push({ atMs, isRefused: outcome.kind === 'not_created' });
      return outcome.kind === 'created' ? now(outcome) : outcome;
    },
  };
  const run = (job: Job, options = {}) =>
    runJob(job, { ...FAST, intervalMs: null, ...options }, apiDeps, signal);
  const apiDeps: Deps = { ...deps, clock, provider, polls: new Map() };
  /** What goes wrong once the first create is over. */
  const failAfterFirst = (fault: string): void => {
    const before = provider.createBatch;
    provider.createBatch = async (...args) => {
      if (creates.length === 1) await setFaults(fault);
      return before(...args);
    };
  };
  return { deps: apiDeps, clock, creates, run, failAfterFirst };
}

describe('a job larger than the account’s queue', () => {
  it('of twelve shards runs to its end by itself where five find room at once', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1 });
    await bench.setFaults('queue=50');
    const job = await bench.build(114, { maxRequests: 10 });
    const outcome = await bench.run(job, { maxWaitMs: null });
    expect(outcome).toMatchObject({ pending: false, job: { state: 'done' } });
    const own = await bench.ownBatches();
    expect(own.length).toBeGreaterThanOrEqual(12);
    expect(own.reduce((sum, { requests }) => sum + requests, 0)).toBe(114);
    expect(await refusedPosts(bench)).toBeLessThanOrEqual(told(bench, 'queue_full').length);
  }, 60_000);

  it('has no create refused that --max-in-flight keeps back, and sends its shards in order', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.5 });
    await bench.setFaults('queue=20');
    const job = await bench.build(57, { maxRequests: 10 });
    await bench.run(job, { maxInFlight: 20 });
    expect(await refusedPosts(bench)).toBe(0);
    const shards = told(bench, 'created').map(({ shard }) => shard);
    expect(shards).toEqual(shards.map((_, index) => index + 1));
    expect(told(bench, 'queue_full')[0]).toMatchObject({
      inFlight: 19,
      limit: 20,
      nextTryMs: null,
      shard: 3,
    });
  }, 60_000);
});

describe('a queue that stays full', () => {
  it('is met by no two creates within a minute, and by ever fewer', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    const job = await bench.build(19, { maxRequests: 10 });
    const { run, creates, failAfterFirst } = atApi(bench);
    // How long to wait it does not say.
    failAfterFirst('create-429-bare@99');
    const outcome = await run(job, { maxWaitMs: 120 * MINUTE });
    expect(outcome).toMatchObject({ pending: true, job: { state: 'submitting' } });
    const refused = creates.filter(({ isRefused }) => isRefused).map(({ atMs }) => atMs);
    const apart = refused.slice(1).map((atMs, index) => atMs - (refused[index] ?? 0));
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(MINUTE);
    expect(refused.length).toBeGreaterThan(4);
    expect(refused.length).toBeLessThan(10);
    expect(apart.at(-1)).toBeGreaterThan(10 * MINUTE);
    // A try that was refused does not make the wait a new one.
    const room = told(bench, 'polled').at(-1)?.room;
    expect(room?.waitedMs).toBeGreaterThan(90 * MINUTE);
    expect(room?.nextTryMs).toBeLessThan(61 * MINUTE);
    // Nothing between us and the API has repeated one.
    expect((await bench.truth()).posts).toHaveLength(creates.length);
  }, 30_000);

  it('is known to the next process, which uploads nothing to learn it again', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    await bench.setFaults('queue=20');
    const job = await bench.build(27, { maxRequests: 10 });
    const first = atApi(bench);
    await first.run(job, { until: 'once' });
    expect(first.creates.map(({ isRefused }) => isRefused)).toEqual([false, false, true]);
    const second = atApi(bench);
    for (let runs = 0; runs < 3; runs += 1) await second.run(job, { until: 'once' });
    expect(second.creates).toEqual([]);
    expect(told(bench, 'queue_full').at(-1)).toMatchObject({ shard: 3, inFlight: 19, limit: null });
    // As long as the API asks for, and never longer than an hour.
    second.clock.advance(61 * MINUTE);
    await second.run(job, { until: 'once' });
    expect(second.creates).toHaveLength(1);
  }, 30_000);

  it('lets a shard go a minute after its refusal, once a batch has ended', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    await bench.setFaults('queue=20');
    const job = await bench.build(27, { maxRequests: 10 });
    const { run, creates, deps } = atApi(bench);
    await run(job, { until: 'once' });
    const [batch] = await bench.ownBatches();
    await deps.provider.cancelBatch(batch?.id ?? '', signal);
    const hasEnded = async () =>
      (await deps.provider.retrieveBatch(batch?.id ?? '', signal)).batch.processingStatus === 'ended';
    await vi.waitUntil(hasEnded, { timeout: 20_000, interval: 100 });
    const outcome = await run(job, { maxWaitMs: 10 * MINUTE });
    expect(outcome.job.state).toBe('in_progress');
    expect(creates.map(({ isRefused }) => isRefused)).toEqual([false, false, true, false]);
    expect((creates[3]?.atMs ?? 0) - (creates[2]?.atMs ?? 0)).toBeLessThan(2 * MINUTE);
  }, 30_000);

  it('is left by a run that only submits, which says what was not sent', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    await bench.setFaults('queue=20');
    const job = await bench.build(34, { maxRequests: 10 });
    const { run, clock } = atApi(bench);
    const outcome = await run(job, { until: 'submitted' });
    expect(outcome).toMatchObject({ pending: true, job: { state: 'submitting' } });
    expect(clock.monotonicMs()).toBe(0);
    expect(told(bench, 'notice').at(-1)?.text).toContain(
      `2 shards of job ${job.jobId} (15 requests) wait for queue room`,
    );
  });
});

describe('a 429 that names no queue and asks for a short wait', () => {
  it('is waited out for a minute, also by a run that only submits', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    const job = await bench.build(19, { maxRequests: 10 });
    const { run, creates, failAfterFirst } = atApi(bench);
    failAfterFirst('create-429=5');
    const outcome = await run(job, { until: 'submitted', maxWaitMs: null });
    expect(outcome.job.state).toBe('in_progress');
    expect(creates.map(({ isRefused }) => isRefused)).toEqual([false, true, false]);
    expect((creates[2]?.atMs ?? 0) - (creates[1]?.atMs ?? 0)).toBeGreaterThanOrEqual(MINUTE);
    expect(told(bench, 'waiting').at(-1)?.why).toContain('takes no more batches for now');
  });
});

describe('batches of other jobs', () => {
  it('count, and their end is seen although nobody else looks', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1 });
    const other = await bench.build(10, {}, { name: 'other' });
    await bench.run(other, { until: 'submitted' });
    const job = await bench.build(10, {}, { name: 'words' });
    const outcome = await bench.run(job, { maxInFlight: 15 });
    expect(outcome.job.state).toBe('done');
    expect(told(bench, 'queue_full')).toMatchObject([{ inFlight: 10, limit: 15 }]);
    expect((await bench.deps.store.jobById(other.id)).state).toBe('ended');
  });

  it('leave their room when they were deleted, which the API allows once they have ended', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0 });
    const api = atApi(bench);
    const other = await bench.build(10, {}, { name: 'other' });
    await api.run(other, { until: 'submitted' });
    const [batch] = await bench.ownBatches();
    const headers = { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2023-06-01' };
    const url = `${bench.emulator.url}/v1/messages/batches/${batch?.id}`;
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(200);
    const job = await bench.build(10, {}, { name: 'words' });
    const outcome = await api.run(job, { maxInFlight: 15, maxWaitMs: 60 * MINUTE });
    expect(outcome.job.state).toBe('done');
  });

  it('are asked for as often as they would be, and no more, where only a doubt of another job takes the room', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    await bench.setFaults('lost-reply');
    const { run, clock } = atApi(bench);
    const other = await bench.build(10, {}, { name: 'other' });
    await run(other, { until: 'once' });
    const job = await bench.build(9, {}, { name: 'words' });
    const { sleep } = clock;
    let sleeps = 0;
    clock.sleep = (...args) => {
      sleeps += 1;
      // One that never ends would not let the time limit of this test come.
      if (sleeps > 100) throw new Error('it looks without a pause');
      return sleep(...args);
    };
    const outcome = await run(job, { maxInFlight: 15, maxWaitMs: 60 * MINUTE });
    expect(outcome).toMatchObject({ pending: true, job: { state: 'submitting' } });
    // And it is said whose it is.
    const takers = [{ jobId: other.jobId, requests: 10, inDoubt: 10, holder: null }];
    expect(told(bench, 'queue_full')).toMatchObject([{ inFlight: 10, limit: 15, takers }]);
    // Meanwhile it is said for how long by now, although no batch of its own is in progress.
    const waits = told(bench, 'polled').flatMap(({ pending, room }) => (pending === 0 && room ? [room] : []));
    expect(waits[0]).toMatchObject({ requests: 9, inFlight: 10, nextTryMs: null });
    expect(waits.at(-1)?.waitedMs).toBeGreaterThan(waits[0]?.waitedMs ?? 0);
  }, 20_000);

  it('are counted once more where another run has just sent one: two runs do not share one room', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.4 });
    await bench.setFaults('queue=10');
    const jobs = [
      await bench.build(28, { maxRequests: 10 }, { name: 'one' }),
      await bench.build(28, { maxRequests: 10 }, { name: 'two' }),
    ];
    const outcomes = await Promise.all(jobs.map((job) => bench.run(job, { maxInFlight: 10 })));
    expect(outcomes.map(({ job }) => job.state)).toEqual(['done', 'done']);
    expect(await refusedPosts(bench)).toBe(0);
  }, 60_000);
});

describe('--max-in-flight', () => {
  it('refuses a shard that is larger, before anything is sent or asked for', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(25, { maxRequests: 12 });
    await expect(bench.run(job, { maxInFlight: 10 })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'max_in_flight_too_small',
      next: expect.stringContaining('--max-in-flight 12'),
    });
    expect((await bench.truth()).posts).toHaveLength(0);
    expect((await bench.deps.store.jobById(job.id)).state).toBe('built');
  });

  it('is too small for a job of which something was sent: it goes on, and is not to be built and paid for anew', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    const job = await bench.build(19, { maxRequests: 10 });
    await bench.run(job, { until: 'submitted', maxInFlight: 12 });
    const again = bench.run(await bench.deps.store.jobById(job.id), { maxInFlight: 3 });
    await expect(again).rejects.toMatchObject({
      code: 'max_in_flight_too_small',
      next: `batchctl resume ${job.jobId} --max-in-flight 9`,
    });
  });

  it('counts a shard in doubt, and leaves the decision to the user when nothing else can make room', async () => {
    const bench = await makeWorkbench({ batchSeconds: NEVER });
    await bench.setFaults('lost-reply');
    const job = await bench.build(19, { maxRequests: 10 });
    await bench.run(job, { until: 'once', maxInFlight: 15 });
    const [doubt] = await bench.deps.store.doubts(job.id);
    await bench.deps.store.judgeStuck(doubt?.id ?? 0, 'nothing tells');
    await bench.setFaults('list-lag=99999');
    await expect(bench.run(job, { maxInFlight: 15 })).rejects.toThrow(DecisionError);
    expect((await bench.truth()).posts).toHaveLength(1);
  });
});
