import { describe, expect, test } from 'vitest';
import type { JobStore } from '../../../src/core/ports/store.ts';
import type { CarvedShard, NewShard } from '../../../src/core/ports/store-views.ts';
import {
  ACCOUNT,
  AT,
  buildJob,
  inDoubt,
  kindsOf,
  newShard,
  type Open,
  rowOf,
  SPEC,
  sealed,
  sha,
  sizesOf,
  start,
  stateOf,
  viewOf,
} from './fixture.ts';

const facts = (id: number, requests: number) => ({
  id,
  requests,
  bodyBytes: requests * 50,
  fileSha256: sha('9'),
  sizes: sizesOf(requests),
});

/** Opens two shards of the numbers that follow, as the step does before it writes their files. */
async function openParts(
  store: JobStore,
  stageId: number,
  fromShardId: number,
  more: Partial<NewShard> = {},
): Promise<{ readonly fromShardId: number; readonly firstId: number; readonly restId: number }> {
  const number = await store.lastShardNumber(stageId);
  const parts = { ...newShard(number + 1, `first${fromShardId}`), ...more };
  const firstId = await store.openShard(stageId, { ...parts, first: 'pilot' });
  const nonce = `rest${fromShardId}`;
  const restId = await store.openShard(stageId, { ...parts, number: number + 2, nonce });
  return { fromShardId, firstId, restId };
}

function carvedOf(
  { fromShardId, firstId, restId }: Awaited<ReturnType<typeof openParts>>,
  seqs: readonly number[],
  restRequests: number,
): CarvedShard {
  return {
    fromShardId,
    first: { ...facts(firstId, seqs.length), seqs },
    rest: facts(restId, restRequests),
  };
}

/** A built job of one shard of five, and the two shards that are to take its rows. */
async function cutOpen(open: Open) {
  const store = await open();
  const { job, stageId, shardIds } = await buildJob(store, [5]);
  const [shardId = 0] = shardIds;
  return { store, job, stageId, shardId, parts: await openParts(store, stageId, shardId) };
}

/** A built job of two shards of two, of which each is to give a row to the same one. */
async function sharedFirst(open: Open) {
  const store = await open();
  const { job, stageId, shardIds } = await buildJob(store, [2, 2]);
  const [one = 0, two = 0] = shardIds;
  const parts = await openParts(store, stageId, one);
  const restId = await store.openShard(stageId, newShard(5, `rest${two}`));
  return {
    store,
    job,
    shardIds,
    carved: (requests: number): readonly CarvedShard[] => {
      const first = facts(parts.firstId, requests);
      return [
        { fromShardId: one, first: { ...first, seqs: [1] }, rest: facts(parts.restId, 1) },
        { fromShardId: two, first: { ...first, seqs: [4] }, rest: facts(restId, 1) },
      ];
    },
  };
}

/** Each shard that was not split: its number, what it is, and its rows. */
async function rowsOfShards(store: JobStore, jobId: number) {
  const views = await store.shards(jobId);
  return Promise.all(
    views.map(async ({ shard }) => [
      shard.number,
      shard.first,
      shard.state,
      (await store.shardSeqs(shard.id)).join(' '),
    ]),
  );
}

export function describeCarving(name: string, open: Open): void {
  describe(`${name}: carving`, () => {
    test('the chosen rows go to the first shard, the others to the rest, and both are built', async () => {
      const { store, job, shardId, parts } = await cutOpen(open);
      await store.carveShards(job.id, [carvedOf(parts, [2, 5], 3)]);
      expect(await rowsOfShards(store, job.id)).toEqual([
        [2, 'pilot', 'built', '2 5'],
        [3, null, 'built', '1 3 4'],
      ]);
      expect((await viewOf(store, job.id, parts.restId))?.shard).toMatchObject({
        requests: 3,
        bodyBytes: 150,
        fileSha256: sha('9'),
      });
      expect(await store.shardSizes(job.id)).toEqual(
        new Map([
          [parts.firstId, sizesOf(2)],
          [parts.restId, sizesOf(3)],
        ]),
      );
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      await expect(start(store, shardId)).rejects.toMatchObject({ code: 'not_ready' });
      await sealed(store, parts.firstId);
    });

    test('the job stays built, and its events tell what was carved', async () => {
      const { store, job, parts } = await cutOpen(open);
      await store.carveShards(job.id, [carvedOf(parts, [1], 4)]);
      expect(await stateOf(store, job.id)).toBe('built');
      expect(await kindsOf(store, job.id)).toEqual([
        'job_created',
        'shard_closed',
        'job_built',
        'shard_carved',
      ]);
      const carved = (await store.events(job.id)).at(-1);
      expect(JSON.parse(carved?.detailJson ?? '')).toEqual({ shard: 1, first: 'pilot', parts: [2, 3] });
    });

    test('a shard of which nothing is left has one part', async () => {
      const { store, job, parts } = await cutOpen(open);
      const carved = carvedOf(parts, [1, 2, 3, 4, 5], 0);
      await store.carveShards(job.id, [{ ...carved, rest: null }]);
      await store.settleAfterCrash(job.id);
      expect(await rowsOfShards(store, job.id)).toEqual([[2, 'pilot', 'built', '1 2 3 4 5']]);
    });

    test('parts that were opened and never carved are dropped by the next run of a job that was never sent', async () => {
      const { store, job, shardId } = await cutOpen(open);
      await store.settleAfterCrash(job.id);
      expect(await rowsOfShards(store, job.id)).toEqual([[1, null, 'built', '1 2 3 4 5']]);
      expect((await viewOf(store, job.id, shardId))?.shard.requests).toBe(5);
      expect(await stateOf(store, job.id)).toBe('built');
    });

    test('parts are of the stage and group of what they are carved from', async () => {
      const { store, job, stageId, shardId, parts } = await cutOpen(open);
      const other = await openParts(store, stageId, 0, { group: 'north' });
      const wrong = carvedOf({ ...other, fromShardId: shardId }, [1], 4);
      await expect(store.carveShards(job.id, [wrong])).rejects.toThrow(/another stage or group/);
      await store.carveShards(job.id, [carvedOf(parts, [1], 4)]);
    });

    test('rows of a group stay in it', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'groups', spec: SPEC, at: AT });
      const [{ id: stageId } = { id: 0 }] = job.stages;
      const shardId = await store.openShard(stageId, { ...newShard(1, 'north'), group: 'north' });
      await store.addRows(stageId, [rowOf(1, shardId), rowOf(2, shardId)]);
      await store.closeShard(shardId, { ...facts(shardId, 2) });
      await store.finishBuild(job.id, { records: 2, contentSha256: sha('c'), reuse: false });
      const parts = await openParts(store, stageId, shardId, { group: 'north' });
      await store.carveShards(job.id, [carvedOf(parts, [2], 1)]);
      expect((await store.shards(job.id)).map(({ shard }) => shard)).toMatchObject([
        { group: 'north', stage: 'main', first: 'pilot' },
        { group: 'north', stage: 'main', first: null },
      ]);
    });

    test('several shards may give to one that goes first', async () => {
      const { store, job, shardIds, carved } = await sharedFirst(open);
      await store.carveShards(job.id, carved(2));
      expect(await rowsOfShards(store, job.id)).toEqual([
        [3, 'pilot', 'built', '1 4'],
        [4, null, 'built', '2'],
        [5, null, 'built', '3'],
      ]);
      for (const id of shardIds) expect(await viewOf(store, job.id, id)).toBeUndefined();
    });

    test('one that several give to has all the rows of its file, or nothing was carved', async () => {
      const { store, job, shardIds, carved } = await sharedFirst(open);
      await expect(store.carveShards(job.id, carved(3))).rejects.toThrow(/takes 2 rows of 3/);
      for (const id of shardIds) expect((await viewOf(store, job.id, id))?.shard.state).toBe('built');
    });

    test('one shard that may not be carved leaves all of them as they were', async () => {
      const store = await open();
      const { job, stageId, shardIds } = await buildJob(store, [2, 2]);
      const [one = 0, two = 0] = shardIds;
      const carved = [
        carvedOf(await openParts(store, stageId, one), [1], 1),
        carvedOf(await openParts(store, stageId, two), [3], 1),
      ];
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      await inDoubt(store, two);
      await expect(store.carveShards(job.id, carved)).rejects.toMatchObject({ code: 'shard_moved_on' });
      expect(await store.shardSeqs(one)).toEqual([1, 2]);
      expect((await viewOf(store, job.id, one))?.shard.state).toBe('built');
      expect((await viewOf(store, job.id, carved[0]?.first.id ?? 0))?.shard.state).toBe('building');
    });

    test('a shard that is being uploaded, or was canceled, is not carved', async () => {
      const { store, job, shardId, parts } = await cutOpen(open);
      const carved = [carvedOf(parts, [1], 4)];
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      const { id } = await start(store, shardId);
      await expect(store.carveShards(job.id, carved)).rejects.toMatchObject({ code: 'shard_moved_on' });
      await store.abortSubmission(id, 'test');
      await store.requestCancel(job.id, AT);
      await expect(store.carveShards(job.id, carved)).rejects.toMatchObject({ code: 'shard_moved_on' });
      expect(await store.shardSeqs(shardId)).toEqual([1, 2, 3, 4, 5]);
    });

    test.each([
      ['take a row that is not there', [1, 9], 4],
      ['count a row twice', [1, 1], 4],
      ['leave a row', [1], 3],
      ['make a row up', [1], 5],
    ])('a carving that would %s is none', async (_, seqs, restRequests) => {
      const { store, job, shardId, parts } = await cutOpen(open);
      const carved = carvedOf(parts, seqs, restRequests);
      await expect(store.carveShards(job.id, [carved])).rejects.toThrow(/takes \d rows of \d/);
      expect(await store.shardSeqs(shardId)).toEqual([1, 2, 3, 4, 5]);
      expect((await viewOf(store, job.id, shardId))?.shard.state).toBe('built');
    });

    test('a carving takes no row of another shard', async () => {
      const { store, job, shardIds, carved } = await sharedFirst(open);
      const wrong = carved(2).map((one) => ({ ...one, first: { ...one.first, seqs: [1] } }));
      await expect(store.carveShards(job.id, wrong)).rejects.toThrow(/takes 0 rows of 1/);
      expect(await Promise.all(shardIds.map((id) => store.shardSeqs(id)))).toEqual([
        [1, 2],
        [3, 4],
      ]);
    });

    test('a carving without a rest that would lose rows is none', async () => {
      const { store, job, shardId, parts } = await cutOpen(open);
      const carved = { ...carvedOf(parts, [1], 4), rest: null };
      await expect(store.carveShards(job.id, [carved])).rejects.toThrow(/would have no part/);
      expect(await store.shardSeqs(shardId)).toEqual([1, 2, 3, 4, 5]);
    });

    test('a job that was carved is forgotten like any other', async () => {
      const { store, job, parts } = await cutOpen(open);
      await store.carveShards(job.id, [carvedOf(parts, [1], 4)]);
      await store.setPilot(job.id, { requests: 1, minSuccess: 0.95, approvedAt: null });
      await store.dropJob(job.id);
      expect(await store.listJobs({ pendingOnly: false, limit: null })).toEqual([]);
    });
  });
}
