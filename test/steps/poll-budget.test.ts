import { describe, expect, it } from 'vitest';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { lookAtJob } from '../../src/steps/look-at-job.ts';
import { PollBudget } from '../../src/steps/poll-budget.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { watchBatches } from '../../src/steps/watch-batches.ts';
import { type ManualClock, makeManualClock } from '../support/manual-clock.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const MINUTE = 60_000;
const signal = new AbortController().signal;

interface Measured {
  readonly deps: Deps;
  readonly clock: ManualClock;
  /** When each call was made that could be part of a look, and what for: a page, or a batch by its id. */
  readonly calls: { readonly atMs: number; readonly id: string | null }[];
}

/** The same workspace at an account of the API's, in a time that passes by itself. */
function measured({ deps, emulator }: Workbench): Measured {
  const clock = makeManualClock({ startAt: new Date().toISOString(), autoAdvance: true });
  const calls: { atMs: number; id: string | null }[] = [];
  const { listBatches, retrieveBatch } = deps.provider;
  const provider: BatchProvider = {
    ...deps.provider,
    account: atApi(emulator.url),
    listBatches: (...args) => {
      calls.push({ atMs: clock.monotonicMs(), id: null });
      return listBatches(...args);
    },
    retrieveBatch: (id, ...rest) => {
      calls.push({ atMs: clock.monotonicMs(), id });
      return retrieveBatch(id, ...rest);
    },
  };
  return { deps: { ...deps, clock, provider, polls: new Map() }, clock, calls };
}

const atApi = (url: string) => ({ baseUrl: url, keyFingerprint: 'canary' });

/** The most calls in any minute. */
function mostInAMinute({ calls }: Measured): number {
  return Math.max(
    ...calls.map(({ atMs }) => calls.filter((one) => one.atMs >= atMs && one.atMs < atMs + MINUTE).length),
  );
}

/** A job of so many open batches, which do not end. */
async function openJob(bench: Workbench, batches: number, name = 'words') {
  const job = await bench.build(batches, { maxRequests: 1 }, { name });
  const provider = { ...bench.deps.provider, account: atApi(bench.emulator.url) };
  const { job: open } = await runJob(
    job,
    { ...FAST, until: 'submitted' },
    { ...bench.deps, provider },
    signal,
  );
  return open;
}

/** So many batches of somebody else, all newer than what is there. */
async function pushOff(bench: Workbench, batches: number): Promise<void> {
  await bench.setFaults(`colleague=${batches / 2}`);
  await openJob(bench, 1, 'last');
  await bench.setFaults();
}

describe('many open batches, looked at each second', () => {
  it('cost at most ten calls a minute where they are 100, and are all seen by each', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1_000_000 });
    const job = await openJob(bench, 100);
    const before = (await bench.truth()).calls;
    const run = measured(bench);
    await runJob(job, { ...FAST, submit: false, intervalMs: 1_000, maxWaitMs: 5 * MINUTE }, run.deps, signal);
    expect(mostInAMinute(run)).toBe(10);
    expect(run.calls.every(({ id }) => id === null)).toBe(true);
    const after = (await bench.truth()).calls;
    const route = 'GET /v1/messages/batches';
    expect((after[route] ?? 0) - (before[route] ?? 0)).toBe(run.calls.length);
    expect(run.calls.length).toBeGreaterThan(45);
  }, 60_000);

  it('do so too when 500 newer ones of a colleague push them off the first page', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1_000_000 });
    const job = await openJob(bench, 25);
    await pushOff(bench, 500);
    const options = { ...FAST, submit: false, intervalMs: 1_000 };
    // All of them are on the next page.
    await bench.setFaults('list-page=300');
    const near = measured(bench);
    await runJob(job, { ...options, maxWaitMs: 5 * MINUTE }, near.deps, signal);
    expect(mostInAMinute(near)).toBeLessThanOrEqual(10);
    expect(near.calls.every(({ id }) => id === null)).toBe(true);
    // Farther off than the pages that a look may ask for.
    await bench.setFaults('list-page=50');
    const far = measured(bench);
    await runJob(job, { ...options, maxWaitMs: 10 * MINUTE }, far.deps, signal);
    expect(mostInAMinute(far)).toBeLessThanOrEqual(10);
    // Each has its turn.
    expect(new Set(far.calls.flatMap(({ id }) => id ?? [])).size).toBe(25);
  }, 90_000);

  it('do so too under watch', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1_000_000 });
    const job = await openJob(bench, 12);
    const other = await openJob(bench, 8, 'others');
    await bench.setFaults('list-page=2');
    const run = measured(bench);
    const pick = async () => [job, other].map((one) => ({ job: one, batchId: null }));
    const show = async () => run.clock.monotonicMs() < 3 * MINUTE;
    const connect = async () => run.deps;
    await watchBatches(pick, 1_000, { ...run.deps, connect }, show, signal);
    expect(mostInAMinute(run)).toBeLessThanOrEqual(10);
    // A look has the calls of a minute to itself, and time stands still while it lasts.
    expect(new Set(run.calls.map(({ atMs }) => atMs)).size).toBeLessThan(6);
    // Five pages show the newest ten; the others are asked for one by one, each in its turn.
    expect(new Set(run.calls.flatMap(({ id }) => id ?? [])).size).toBe(10);
  }, 60_000);
});

describe('several jobs of one account', () => {
  it('are served by one listing, when one after the other is carried on', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1_000_000 });
    const jobs = [
      await openJob(bench, 3, 'one'),
      await openJob(bench, 3, 'two'),
      await openJob(bench, 3, 'three'),
    ];
    const run = measured(bench);
    for (const job of jobs) await runJob(job, { ...FAST, until: 'once' }, run.deps, signal);
    expect(run.calls).toHaveLength(1);
  });

  it('hear of what has ended from the look of another one', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0 });
    const [one, two] = [await openJob(bench, 2, 'one'), await openJob(bench, 2, 'two')];
    const run = measured(bench);
    await lookAtJob(one, run.deps, signal);
    expect((await run.deps.store.jobById(two.id)).state).toBe('ended');
  });
});

describe('the budget of calls', () => {
  const account = { baseUrl: 'https://api.anthropic.com', keyFingerprint: '0' };
  // It forwards what it counts, and nothing else is called here.
  const provider = {
    listBatches: async () => ({}),
    retrieveBatch: async () => ({}),
  } as unknown as BatchProvider;

  function budgetWith() {
    const clock = makeManualClock();
    const budget = new PollBudget(account, clock);
    const counted = budget.counted(provider);
    return { clock, budget, list: () => counted.listBatches({ limit: 1, afterId: null }, signal) };
  }

  it('leaves a look of one call six seconds, and one of five half a minute', async () => {
    const { budget, list } = budgetWith();
    budget.beginLook();
    await list();
    expect(budget.nextLookMs()).toBe(6_000);
    for (let calls = 1; calls < 5; calls += 1) await list();
    expect(budget.nextLookMs()).toBe(30_000);
  });

  it('lets a look that fell short have the calls of a whole minute next', async () => {
    const { clock, budget, list } = budgetWith();
    budget.beginLook();
    await list();
    clock.advance(500);
    await list();
    expect(budget.nextLookMs()).toBe(12_000);
    budget.fallShort();
    expect(budget.nextLookMs()).toBe(60_500);
  });

  it('has room again as the calls of a minute grow old', async () => {
    const { clock, budget, list } = budgetWith();
    for (let calls = 0; calls < 10; calls += 1) {
      await list();
      clock.advance(1_000);
    }
    expect(budget.left()).toBe(0);
    expect(budget.firstLookMs(['b'])).toBe(60_000);
    clock.advance(50_000);
    expect(budget.left()).toBe(1);
    expect(budget.firstLookMs(['b'])).toBe(60_000);
  });

  it('lets a look wait that would show what another one has just shown, and no other', async () => {
    const { clock, budget, list } = budgetWith();
    budget.beginLook();
    await list();
    budget.seen(new Set(['one', 'two']));
    clock.advance(1_000);
    expect(budget.firstLookMs(['one', 'two'])).toBe(6_000);
    expect(budget.firstLookMs(['one', 'three'])).toBe(1_000);
    clock.advance(5_000);
    expect(budget.firstLookMs(['one'])).toBe(6_000);
  });

  it('has no end at an emulator', async () => {
    const budget = new PollBudget({ baseUrl: 'emulator:0f8f' }, makeManualClock());
    const counted = budget.counted(provider);
    for (let calls = 0; calls < 100; calls += 1) await counted.retrieveBatch('b', signal);
    expect(budget.left()).toBe(Number.POSITIVE_INFINITY);
    expect(budget.nextLookMs()).toBe(0);
  });
});
