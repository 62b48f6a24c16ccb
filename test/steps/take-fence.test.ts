import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import type { Submission } from '../../src/core/submission.ts';
import { checkBeforeFirst } from '../../src/steps/check-before-first.ts';
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

describe('checking before the first upload', () => {
  it('refuses a key of another workspace than the one the job was sent in', async () => {
    const bench = await makeWorkbench();
    const { store, run, one } = await listing(bench, [], 'wrkspc_2');
    await inDoubt(bench, one);
    const checked = checkBeforeFirst(run, await store.shards(run.job.id), signal);
    await expect(checked).rejects.toMatchObject({ name: 'AuthError', code: 'other_workspace' });
  });
});
