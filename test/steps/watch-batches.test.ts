import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { type PickWatched, type WatchLook, watchBatches } from '../../src/steps/watch-batches.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const never = new AbortController().signal;
const LONG = 600;

const submitted = async (bench: Workbench, records: number, name: string): Promise<Job> => {
  const { job } = await bench.run(await bench.build(records, {}, { name }), { until: 'submitted' });
  return job;
};

const picking =
  (bench: Workbench, ...jobs: readonly Job[]): PickWatched =>
  () =>
    Promise.all(jobs.map(async ({ id }) => ({ job: await bench.deps.store.jobById(id), batchId: null })));

interface Watching {
  readonly looks: readonly WatchLook[];
  readonly end: Promise<WatchLook>;
}

/** Watches; `onLook` may change the world, and stops the watching by returning false. */
function watch(
  bench: Workbench,
  pick: PickWatched,
  onLook: (look: WatchLook, count: number) => Promise<boolean> | boolean = () => true,
  more: { readonly deps?: Deps; readonly signal?: AbortSignal } = {},
): Watching {
  const looks: WatchLook[] = [];
  const deps = more.deps ?? bench.deps;
  const show = async (look: WatchLook): Promise<boolean> => {
    looks.push(look);
    return onLook(look, looks.length);
  };
  const connect = async (): Promise<Deps> => deps;
  return { looks, end: watchBatches(pick, 50, { ...deps, connect }, show, more.signal ?? never) };
}

const statuses = (look: WatchLook): (string | undefined)[] =>
  look.shards.map(({ view }) => view.batch?.processingStatus);

describe('watching', () => {
  test('goes on until no batch is pending, and its last look shows that', async () => {
    const bench = await makeWorkbench({ batchSeconds: 2 });
    const job = await submitted(bench, 3, 'a');
    const { looks, end } = watch(bench, picking(bench, job));
    expect(statuses(await end)).toEqual(['ended']);
    expect(looks.map((look) => look.nextLookMs === null)).toEqual([...looks.slice(1).map(() => false), true]);
    expect(statuses(looks[0] as WatchLook)).toEqual(['in_progress']); // there is a first one
  });

  test('asks once for the batches of many jobs', async () => {
    const bench = await makeWorkbench({ batchSeconds: LONG });
    const jobs = [
      await submitted(bench, 2, 'a'),
      await submitted(bench, 3, 'b'),
      await submitted(bench, 4, 'c'),
    ];
    const before = (await bench.truth()).calls;
    await watch(bench, picking(bench, ...jobs), (_look, count) => count < 2).end;
    const after = (await bench.truth()).calls;
    const made = Object.keys(after).map((call) => [call, (after[call] ?? 0) - (before[call] ?? 0)]);
    expect(made.filter(([, count]) => count !== 0)).toEqual([['GET /v1/messages/batches', 2]]);
  });

  test('takes nothing in but how the batches stand: no download, no lock', async () => {
    const bench = await makeWorkbench({ batchSeconds: 0.2 });
    const job = await submitted(bench, 3, 'a');
    const lock = bench.deps.locks.lockJob(job.jobId);
    await watch(bench, picking(bench, job), (look) => !statuses(look).includes('ended')).end;
    lock.release();
    expect(await bench.deps.store.jobById(job.id)).toMatchObject({ state: 'ended', finalAt: null });
    expect(bench.deps.files.exists(bench.deps.files.resultsDir(job.jobId))).toBe(false);
  });

  test('goes on while another run is at work on a job that has no batch yet', async () => {
    const bench = await makeWorkbench({ batchSeconds: LONG });
    const job = await bench.build(3);
    const lock = bench.deps.locks.lockJob(job.jobId);
    const { looks, end } = watch(bench, picking(bench, job), (_look, count) => {
      if (count === 3) lock.release();
      return true;
    });
    await end;
    expect(looks).toHaveLength(4);
    expect(looks[0]?.shards[0]?.holder).toContain('process');
  });

  test('shows a job that joins in, and keeps what was retrieved meanwhile', async () => {
    const bench = await makeWorkbench({ batchSeconds: 2 });
    const first = await submitted(bench, 2, 'a');
    const jobs = [first];
    const { end } = watch(
      bench,
      () => picking(bench, ...jobs)(),
      async (_look, count) => {
        if (count === 1) jobs.push(await submitted(bench, 3, 'b'));
        if (count === 2) await bench.run(first);
        return true;
      },
    );
    const last = await end;
    expect(last.shards.map(({ job, view }) => [job.name, view.shard.state])).toEqual([
      ['a', 'applied'],
      ['b', 'live'],
    ]);
  });

  test('of one batch leaves the others of its job out', async () => {
    const bench = await makeWorkbench({ batchSeconds: LONG });
    const built = await bench.build(4, { maxRequests: 2 });
    const { job } = await bench.run(built, { until: 'submitted' });
    const views = await bench.deps.store.shards(job.id);
    expect(views.length).toBeGreaterThan(1);
    const batchId = views[1]?.batch?.id ?? '';
    const pick: PickWatched = async () => [{ job: await bench.deps.store.jobById(job.id), batchId }];
    const last = await watch(bench, pick, () => false).end;
    expect(last.shards.map(({ view }) => view.batch?.id)).toEqual([batchId]);
  });

  test('tells how long batches of similar size took here', async () => {
    const bench = await makeWorkbench({ batchSeconds: 1.5 });
    await bench.run(await bench.build(3, {}, { name: 'a' }));
    await bench.run(await bench.build(50, {}, { name: 'big' }));
    const job = await submitted(bench, 4, 'b');
    const { looks, end } = watch(bench, picking(bench, job));
    await end;
    expect(looks[0]?.shards[0]?.earlier).toMatchObject({ batches: 1 });
  });

  test('shows what keeps it from looking, and looks again', async () => {
    const bench = await makeWorkbench({ batchSeconds: LONG });
    const job = await submitted(bench, 3, 'a');
    await bench.setFaults('list-500@4');
    // Waits take no time.
    const deps = { ...bench.deps, clock: makeManualClock({ autoAdvance: true }) };
    const { looks, end } = watch(bench, picking(bench, job), (look) => look.troubles.length > 0, { deps });
    await end;
    expect(looks.map((look) => look.troubles.length)).toEqual([1, 0]);
    expect(looks[0]).toMatchObject({ troubles: [{ status: 500 }], nextLookMs: expect.any(Number) });
    expect(looks[0]?.nextLookMs).toBeGreaterThan(3_000);
  });

  test('ends when the key is refused', async () => {
    const bench = await makeWorkbench({ batchSeconds: LONG });
    const job = await submitted(bench, 3, 'a');
    const { end } = watch(bench, picking(bench, job), () => true, { deps: bench.withKey('bad-key') });
    await expect(end).rejects.toMatchObject({ name: 'AuthError' });
  });

  test('ends with the reason of an interruption', async () => {
    const bench = await makeWorkbench({ batchSeconds: LONG });
    const job = await submitted(bench, 3, 'a');
    const controller = new AbortController();
    const { end } = watch(
      bench,
      picking(bench, job),
      () => {
        controller.abort(new Error('stopped'));
        return true;
      },
      { signal: controller.signal },
    );
    await expect(end).rejects.toThrow('stopped');
  });
});
