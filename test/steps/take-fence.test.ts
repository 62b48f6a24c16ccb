import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import type { Submission } from '../../src/core/submission.ts';
import { checkBeforeFirst } from '../../src/steps/check-before-first.ts';
import { startFences } from '../../src/steps/fence-memory.ts';
import type { Run } from '../../src/steps/run.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { LateBatchFound, takeFence } from '../../src/steps/take-fence.ts';
import { batchOf } from '../store/contract/fixture.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;
const NOW_MS = Date.parse('2026-03-01T20:15:00Z');
const STAMP = { serverMs: NOW_MS, workspaceId: 'wrkspc_1', organizationId: 'org_1', requestId: 'req_1' };
const BEFORE = { batchIds: [], serverMs: NOW_MS, workspaceId: 'wrkspc_1', organizationId: 'org_1' };

/** A job of two shards of twelve requests, on an account that lists these batches. */
async function listing(bench: Workbench, listed: readonly Batch[], workspaceId = 'wrkspc_1') {
  const { store, provider, clock } = bench.deps;
  const job = await bench.build(24, { maxRequests: 12 });
  await store.requestSubmission(job.id, provider.account, 'batch', new Date(NOW_MS));
  const page = { batches: listed, hasMore: false, unreadable: 0, lastId: listed.at(-1)?.id ?? null };
  const run: Run = {
    job,
    deps: {
      ...bench.deps,
      clock: { ...clock, now: () => new Date(NOW_MS) },
      provider: {
        ...provider,
        listBatches: () => Promise.resolve({ ...page, stamp: { ...STAMP, workspaceId } }),
      },
    },
    heads: new Map(),
    time: createServerTime(clock),
    settleMs: 1_000,
  };
  const [one = 0, two = 0] = (await store.shards(job.id)).map((view) => view.shard.id);
  return { store, run, one, two };
}

async function inDoubt({ deps }: Workbench, shardId: number): Promise<Submission> {
  const submission = await deps.store.startSubmission(shardId, deps.provider.account, NOW_MS);
  await deps.store.seal(submission.id, { sealedMs: NOW_MS + 1_000, fence: BEFORE });
  await deps.store.doubtSubmission(submission.id, { reason: 'no answer', status: null, requestId: null });
  return submission;
}

const dated = (id: string, minutesBefore: number): Batch => ({
  ...batchOf(id, 12),
  createdAt: new Date(NOW_MS - minutesBefore * 60_000).toISOString(),
});

describe('taking a fence', () => {
  it('keeps of a long listing what may be taken for the new batch, and ten older ones', async () => {
    const bench = await makeWorkbench();
    const listed = Array.from({ length: 1_000 }, (_, index) => dated(`b${index}`, index));
    const { run } = await listing(bench, listed);
    const fence = await takeFence(run, NOW_MS, [], signal);
    expect(fence).toEqual({ ...BEFORE, batchIds: listed.slice(0, 21).map((batch) => batch.id) });
  });

  it('finds a late batch that was rejected only because another submission took it by mistake', async () => {
    const bench = await makeWorkbench();
    const mine = batchOf('msgbatch_mine', 12);
    const { store, run, one, two } = await listing(bench, [mine]);
    const first = await inDoubt(bench, one);
    const second = await inDoubt(bench, two);
    for (const { id } of [first, second]) await store.addCandidate(id, mine);
    await store.adopt(second.id, mine.id, 'user');
    await store.judgeAbsent(first.id, { watchUntilMs: NOW_MS + 3_600_000, by: 'evidence' });
    const earlier = await store.watched(bench.deps.provider.account, NOW_MS);
    // As long as it is the other's, it is nobody's late batch.
    await expect(takeFence(run, NOW_MS, earlier, signal)).resolves.toMatchObject({ batchIds: [mine.id] });
    await store.disown(second.id, mine.id);
    await expect(takeFence(run, NOW_MS, earlier, signal)).rejects.toBeInstanceOf(LateBatchFound);
  });

  it.each(['results', 'user'] as const)('lets a batch pass that the %s rejected', async (by) => {
    const bench = await makeWorkbench();
    const theirs = batchOf('msgbatch_theirs', 12);
    const { store, run, one } = await listing(bench, [theirs]);
    const first = await inDoubt(bench, one);
    await store.addCandidate(first.id, theirs);
    if (by === 'results') await store.rejectCandidate(first.id, theirs.id);
    await store.judgeAbsent(first.id, { watchUntilMs: NOW_MS + 3_600_000, by: 'user' });
    expect(await store.candidates(first.id)).toMatchObject([{ rejectedBy: by }]);
    const earlier = await store.watched(bench.deps.provider.account, NOW_MS);
    await expect(takeFence(run, NOW_MS, earlier, signal)).resolves.toMatchObject({ batchIds: [theirs.id] });
  });
});

describe('the fences of one run', () => {
  const MINUTE = 60_000;

  /** The walks of two fences, one minute apart: what the second lists, and which pages it asks for. */
  async function twoFences(
    bench: Workbench,
    listed: { readonly first: readonly Batch[]; readonly second: readonly Batch[] },
    earlier: readonly (Submission & { readonly requests: number })[] = [],
  ) {
    const { run } = await listing(bench, []);
    const asked: number[] = [];
    let list = listed.first;
    const page = (limit: number, afterId: string | null) => {
      asked.push(limit);
      const at = list.findIndex(({ id }) => id === afterId) + 1;
      // A page of two, whatever was asked for.
      const batches = list.slice(at, at + 2);
      return { batches, hasMore: at + 2 < list.length, unreadable: 0, lastId: batches.at(-1)?.id ?? null };
    };
    const listBatches: typeof run.deps.provider.listBatches = async ({ limit, afterId }) => ({
      ...page(limit, afterId),
      stamp: STAMP,
    });
    const counted: Run = { ...run, deps: { ...run.deps, provider: { ...run.deps.provider, listBatches } } };
    const memory = startFences();
    const first = await takeFence(counted, NOW_MS, [], signal, memory);
    asked.length = 0;
    list = listed.second;
    const second = await takeFence(counted, NOW_MS + MINUTE, earlier, signal, memory);
    return { first, second, asked, memory };
  }

  const old = [1, 2, 3, 4, 5].map((minutes) => dated(`b${minutes}`, minutes));

  it('list again only what is new, and keep what they had seen', async () => {
    const bench = await makeWorkbench();
    const { second, asked } = await twoFences(bench, { first: old, second: [dated('new', 0), ...old] });
    expect(second.batchIds).toEqual(['new', 'b1', 'b2', 'b3', 'b4', 'b5']);
    // In one small page, where the whole would be three.
    expect(asked).toEqual([100]);
  });

  it('forget what has grown too old to be taken for a new batch, save ten', async () => {
    const bench = await makeWorkbench();
    const first = Array.from({ length: 24 }, (_, index) => dated(`b${index}`, 9.5));
    const { second } = await twoFences(bench, { first, second: [dated('new', 0), ...first] });
    expect(second.batchIds).toEqual(['new', ...first.slice(0, 10).map(({ id }) => id)]);
  });

  it('list all of it once more where the newest do not come first', async () => {
    const bench = await makeWorkbench();
    const [one, two, ...others] = old;
    const mixed = [two, one, ...others, dated('hidden', 0)].filter((batch) => batch !== undefined);
    const { second } = await twoFences(bench, { first: old, second: mixed });
    expect(second.batchIds).toContain('hidden');
  });

  it('list all of it for a shard with an earlier attempt, whose late batch may be among them', async () => {
    const bench = await makeWorkbench();
    const { store, one } = await listing(bench, []);
    const attempt = await inDoubt(bench, one);
    await store.judgeAbsent(attempt.id, { watchUntilMs: NOW_MS + 3_600_000, by: 'user' });
    const earlier = await store.watched(bench.deps.provider.account, NOW_MS);
    const others = old.map((batch) => ({ ...batch, counts: { ...batch.counts, processing: 13 } }));
    // It was there with the fence of another shard already, below what is seen first.
    const listed = [...others, dated('late', 6)];
    const fences = twoFences(bench, { first: listed, second: listed }, earlier);
    await expect(fences).rejects.toBeInstanceOf(LateBatchFound);
  });

  it('leave out what is a submission’s of this store, save the ten newest', async () => {
    const bench = await makeWorkbench();
    const { store, run } = await listing(bench, []);
    const job = await bench.build(12, { maxRequests: 1 }, { name: 'other' });
    await store.requestSubmission(job.id, run.deps.provider.account, 'batch', new Date(NOW_MS));
    const own: Batch[] = [];
    for (const { shard } of await store.shards(job.id)) {
      const { id } = await store.startSubmission(shard.id, run.deps.provider.account, NOW_MS);
      await store.seal(id, { sealedMs: NOW_MS, fence: BEFORE });
      const batch = { ...dated(`own${shard.number}`, 0), counts: { ...batchOf('x', 1).counts } };
      await store.recordBatch(id, batch, STAMP);
      own.unshift(batch);
    }
    const listed = [...own, dated('theirs', 0.5)];
    const { second } = await twoFences(bench, { first: [dated('theirs', 0.5)], second: listed });
    expect(second.batchIds).toEqual([...own.slice(0, 10).map(({ id }) => id), 'theirs']);
  });
});

describe('checking before the first upload', () => {
  it('refuses a key of another workspace than the one the job was sent in', async () => {
    const bench = await makeWorkbench();
    const { store, run, one } = await listing(bench, [], 'wrkspc_2');
    await inDoubt(bench, one);
    const checked = checkBeforeFirst(run, await store.shards(run.job.id), signal);
    await expect(checked).rejects.toMatchObject({ name: 'AuthError', code: 'other_workspace' });
  });
});
