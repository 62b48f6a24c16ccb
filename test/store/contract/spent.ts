import { describe, expect, test } from 'vitest';
import type { JobStore } from '../../../src/core/ports/store.ts';
import type { SpentLine } from '../../../src/core/spent-line.ts';
import {
  ACCOUNT,
  AT,
  AT_MS,
  batchOf,
  buildJob,
  created,
  EMULATOR,
  FENCE,
  newShard,
  type Open,
  rowOf,
  SPEC,
  STAMP,
  settle,
  sha,
  sizesOf,
  tallyOf,
  viewOf,
} from './fixture.ts';

const LINE: SpentLine = {
  model: 'claude-haiku-5-5',
  band: 0,
  serviceTier: 'batch',
  isUs: false,
  failure: null,
  answers: 2,
  input: 100,
  output: 50,
  outputSquares: 1_250,
  cacheWrite5m: 1,
  cacheWrite1h: 2,
  cacheRead: 3,
  webSearches: 4,
  cost: 175,
  realTime: 350,
  uncached: 180,
};
const TRUNCATED: SpentLine = { ...LINE, failure: 'truncated', serviceTier: null, cost: 9_007_199 };
const UNPRICED: SpentLine = { ...LINE, model: null, cost: null, realTime: null, uncached: null };

/** A job of one applied shard of two requests. */
async function spend(
  store: JobStore,
  facts: { readonly name?: string; readonly account?: typeof ACCOUNT; readonly lines?: readonly SpentLine[] },
) {
  const { name = 'reviews', account = ACCOUNT } = facts;
  const { job, shardIds } = await buildJob(store, [2], { name });
  const [shardId = 0] = shardIds;
  await store.requestSubmission(job.id, account, 'batch', AT);
  const { id } = await store.startSubmission(shardId, account, AT_MS);
  await store.seal(id, { sealedMs: AT_MS, fence: FENCE });
  await store.recordBatch(id, batchOf(`msgbatch_${job.id}`, 2, 'ended'), STAMP);
  await settle(store, shardId, 1, 2, facts.lines);
  return { job, shardId };
}

export function describeSpent(name: string, open: Open): void {
  describe(`${name}: what was spent`, () => {
    test('a shard costs the sum of its lines, and nobody knows what once one has no price', async () => {
      const store = await open();
      const known = await spend(store, { lines: [LINE, TRUNCATED] });
      const unknown = await spend(store, { lines: [LINE, UNPRICED] });
      const free = await spend(store, { lines: [] });
      const old = await spend(store, {});
      const costOf = async ({ job, shardId }: typeof known) => (await viewOf(store, job.id, shardId))?.cost;
      // 175 + 9,007,199
      expect(await costOf(known)).toBe(9_007_374);
      expect(await costOf(unknown)).toBeNull();
      expect(await costOf(free)).toBe(0);
      expect(await costOf(old)).toBeNull();
      const linesOf = async ({ job }: typeof known) =>
        (await store.spentOf(job.id)).map(({ lines }) => lines);
      expect(await linesOf(known)).toEqual([[LINE, TRUNCATED]]);
      expect(await linesOf(unknown)).toEqual([[LINE, UNPRICED]]);
      expect(await linesOf(free)).toEqual([[]]);
      expect(await linesOf(old)).toEqual([null]);
    });

    test.each([
      [
        'downloaded again',
        (store: JobStore, id: number) => store.recordDownload(id, { bytes: 9, sha256: sha('b') }),
      ],
      ['taken for downloaded', (store: JobStore, id: number) => store.setShardState(id, 'downloaded')],
      ['gone', (store: JobStore, id: number) => store.setShardState(id, 'live')],
    ])('what a shard cost is forgotten with its answers when they are %s', async (_, forget) => {
      const store = await open();
      const { job, shardId } = await spend(store, { lines: [LINE] });
      await forget(store, shardId);
      expect(await viewOf(store, job.id, shardId)).toMatchObject({ tally: null, cost: null });
      expect(await store.spentOf(job.id)).toEqual([]);
    });

    test('an answer that was paid stays paid when its row goes out again', async () => {
      const store = await open();
      const { job, shardId } = await spend(store, { lines: [LINE, TRUNCATED] });
      const [{ id: stageId } = { id: 0 }] = job.stages;
      const retryId = await store.openShard(stageId, { ...newShard(2, `again${job.id}`), origin: 'retry' });
      await store.moveRows(retryId, [2]);
      const facts = { requests: 1, bodyBytes: 50, fileSha256: sha('e'), sizes: sizesOf(1) };
      await store.commitRound(job.id, { stageIds: [], shards: [{ id: retryId, ...facts }] });
      expect(await viewOf(store, job.id, shardId)).toMatchObject({ tally: { requests: 1 }, cost: 9_007_374 });
      expect(await store.spentOf(job.id)).toMatchObject([{ shardId, lines: [LINE, TRUNCATED] }]);
      expect((await store.shardSizes(job.id)).get(retryId)).toEqual(sizesOf(1));
    });

    test('what was spent is told with its place and time, in order of shards, and only of applied ones', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [2, 1, 1]);
      const [one = 0, two = 0] = shardIds;
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      await created(store, two, { ...batchOf('msgbatch_b', 1, 'ended'), createdAt: '2026-03-01T23:00:00Z' });
      await created(store, one, { ...batchOf('msgbatch_a', 2, 'ended'), createdAt: '2026-03-02T01:00:00Z' });
      await settle(store, two, 3, 1, [LINE]);
      await settle(store, one, 1, 2, [TRUNCATED]);
      const facts = { jobId: job.jobId, name: 'reviews', stage: 'main', group: null, first: null };
      expect(await store.spentOf(job.id)).toEqual([
        {
          ...facts,
          shardId: one,
          at: '2026-03-02T01:00:00Z',
          origin: 'build',
          route: 'batch',
          lines: [TRUNCATED],
        },
        {
          ...facts,
          shardId: two,
          at: '2026-03-01T23:00:00Z',
          origin: 'build',
          route: 'batch',
          lines: [LINE],
        },
      ]);
    });

    test('answers of real time are dated by the submission of their job', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [1]);
      await store.requestSubmission(job.id, ACCOUNT, 'real_time', AT);
      await settle(store, shardIds[0] ?? 0, 1, 1, [LINE]);
      expect(await store.spentOf(job.id)).toMatchObject([{ at: AT.toISOString(), route: 'real_time' }]);
    });

    test('answers that were reused cost nothing, here or in any sum', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'reused', spec: SPEC, at: AT });
      const [{ id: stageId } = { id: 0 }] = job.stages;
      const reused = { ...newShard(1, 'reused'), origin: 'reused', route: 'none' } as const;
      const shardId = await store.openShard(stageId, reused);
      await store.addRows(stageId, [rowOf(1, shardId)]);
      const facts = { requests: 1, bodyBytes: 50, fileSha256: sha('e'), sizes: sizesOf(1) };
      await store.closeShard(shardId, facts);
      await store.finishBuild(job.id, { records: 1, contentSha256: sha('e'), reuse: false });
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      await settle(store, shardId, 1, 1, [LINE]);
      expect(await store.spentOf(job.id)).toEqual([]);
      expect(await store.spentOn('api')).toEqual([]);
      expect(await store.spentBefore({ name: 'reused', stage: 'main', on: 'api' }, 9)).toEqual([]);
    });

    test('a shard that was applied without prices is given them once', async () => {
      const store = await open();
      const { job, shardId } = await spend(store, {});
      await store.keepSpent(shardId, [LINE]);
      await store.keepSpent(shardId, [TRUNCATED]);
      expect(await viewOf(store, job.id, shardId)).toMatchObject({ cost: 175, tally: tallyOf(2) });
      expect(await store.spentOf(job.id)).toMatchObject([{ lines: [LINE] }]);
      await store.setShardState(shardId, 'downloaded');
      const late = store.keepSpent(shardId, [LINE]);
      await expect(late).rejects.toMatchObject({ code: 'shard_moved_on' });
    });

    test('what was spent on one side is told newest first, and a rehearsal is no bill', async () => {
      const store = await open();
      const first = await spend(store, { name: 'first', lines: [LINE] });
      await spend(store, { name: 'rehearsal', account: EMULATOR, lines: [LINE] });
      const last = await spend(store, { name: 'last' });
      await buildJob(store, [1], { name: 'unsent' });
      expect((await store.spentOn('api')).map(({ jobId }) => jobId)).toEqual([
        last.job.jobId,
        first.job.jobId,
      ]);
      expect(await store.spentOn('emulator')).toMatchObject([{ name: 'rehearsal', lines: [LINE] }]);
    });

    test('the history of a stage is that of its name in jobs of one name and side, newest first', async () => {
      const store = await open();
      const history = [
        await spend(store, { name: 'daily', lines: [LINE] }),
        await spend(store, { name: 'daily', lines: [UNPRICED] }),
        await spend(store, { name: 'daily', lines: [TRUNCATED] }),
      ];
      await spend(store, { name: 'weekly', lines: [LINE] });
      await spend(store, { name: 'daily', account: EMULATOR, lines: [LINE] });
      await spend(store, { name: 'daily' });
      const [, second, third] = history.map(({ shardId }) => shardId);
      const what = { name: 'daily', stage: 'main', on: 'api' } as const;
      const found = await store.spentBefore(what, 2);
      expect(found.map(({ shardId }) => shardId)).toEqual([third, second]);
      expect(await store.spentBefore(what, 9)).toHaveLength(3);
      expect(await store.spentBefore({ ...what, stage: 'report' }, 9)).toEqual([]);
    });
  });
}
