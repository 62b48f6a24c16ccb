import { describe, expect, test } from 'vitest';
import { EMPTY_TALLY } from '../../../src/core/result.ts';
import {
  ACCOUNT,
  AT,
  AT_MS,
  batchOf,
  buildJob,
  created,
  kindsOf,
  type Open,
  settle,
  sha,
  startedShard,
  stateOf,
  tallyOf,
  viewOf,
} from './fixture.ts';

export function describeRetrieving(name: string, open: Open): void {
  describe(`${name}: polling and retrieving`, () => {
    test('an end that was seen is not taken back by an older answer', async () => {
      const { store, job, shardId } = await startedShard(open);
      await created(store, shardId, batchOf('msgbatch_1', 3));
      await store.recordSeen(batchOf('msgbatch_1', 3, 'ended'));
      expect(await stateOf(store, job.id)).toBe('ended');
      await store.recordSeen(batchOf('msgbatch_1', 3));
      expect(await stateOf(store, job.id)).toBe('ended');
      expect((await viewOf(store, job.id, shardId))?.batch?.counts.succeeded).toBe(3);
    });

    test('a listing is taken in for every job that has a batch on it, and for no other batch', async () => {
      const { store, job, shardId } = await startedShard(open, [3, 2]);
      await created(store, shardId, batchOf('msgbatch_1', 3));
      const { job: other, shardIds } = await buildJob(store, [2], { name: 'other' });
      await store.requestSubmission(other.id, ACCOUNT, 'batch', AT);
      await created(store, shardIds[0] ?? 0, batchOf('msgbatch_2', 2));
      await store.recordNotFound('msgbatch_1', AT_MS);
      const theirs = batchOf('msgbatch_theirs', 2, 'ended');
      await store.recordAllSeen([batchOf('msgbatch_1', 3), theirs, batchOf('msgbatch_2', 2, 'ended')]);
      expect(await stateOf(store, other.id)).toBe('ended');
      expect((await viewOf(store, job.id, shardId))?.batch).toMatchObject({ notFound: null });
      expect(await stateOf(store, job.id)).toBe('submitting');
      expect(await store.knownBatchIds(['msgbatch_theirs'])).toEqual(new Set());
      // An older answer than the one that told its end.
      await store.recordAllSeen([batchOf('msgbatch_2', 2)]);
      expect(await stateOf(store, other.id)).toBe('ended');
      expect((await kindsOf(store, other.id)).filter((kind) => kind === 'batch_changed')).toHaveLength(1);
    });

    test('«not found» answers add up from the first on until the batch answers again', async () => {
      const { store, job, shardId } = await startedShard(open);
      await created(store, shardId, batchOf('msgbatch_1', 3));
      expect(await store.recordNotFound('msgbatch_1', AT_MS)).toEqual({ sinceMs: AT_MS, answers: 1 });
      const evidence = { sinceMs: AT_MS, answers: 2 };
      expect(await store.recordNotFound('msgbatch_1', AT_MS + 9_000)).toEqual(evidence);
      expect((await viewOf(store, job.id, shardId))?.batch?.notFound).toEqual(evidence);
      await store.recordSeen(batchOf('msgbatch_1', 3));
      expect((await viewOf(store, job.id, shardId))?.batch?.notFound).toBeNull();
    });

    test('outcomes can be applied again without changing anything', async () => {
      const { store, job, shardId } = await startedShard(open, [2]);
      await created(store, shardId, batchOf('msgbatch_1', 2, 'ended'));
      await settle(store, shardId, 1, 2);
      const before = await store.rows(job.id, 'main', 0, 10);
      await store.setShardState(shardId, 'downloaded');
      await settle(store, shardId, 1, 2);
      expect(await store.rows(job.id, 'main', 0, 10)).toEqual(before);
    });

    test('an outcome for a request of another shard is refused with its whole chunk', async () => {
      const { store, job, shardId } = await startedShard(open, [1, 1]);
      await created(store, shardId, batchOf('msgbatch_1', 1, 'ended'));
      await store.recordDownload(shardId, { bytes: 1, sha256: sha('d') });
      const outcome = { status: 'succeeded', failure: null, rawOffset: 0, rawLength: 1 } as const;
      const both = [
        { seq: 1, ...outcome },
        { seq: 2, ...outcome },
      ];
      await expect(store.applyOutcomes(shardId, both)).rejects.toThrow();
      expect((await store.rows(job.id, 'main', 0, 10)).map((row) => row.status)).toEqual([null, null]);
    });

    test('requests without a line are settled, and counted again after a crash', async () => {
      const { store, job, shardId } = await startedShard(open, [3]);
      await created(store, shardId, batchOf('msgbatch_1', 3, 'ended'));
      await store.recordDownload(shardId, { bytes: 1, sha256: sha('d') });
      const line = { seq: 2, status: 'errored', failure: 'api_error', rawOffset: 0, rawLength: 1 } as const;
      await store.applyOutcomes(shardId, [line]);
      expect(await store.settleRest(shardId, 'missing', 'missing')).toBe(2);
      expect(await store.settleRest(shardId, 'missing', 'missing')).toBe(2);
      expect((await store.rows(job.id, 'main', 0, 10)).map((row) => row.failure)).toEqual([
        'missing',
        'api_error',
        'missing',
      ]);
    });

    test('a shard is not finished while a request of it has no verdict', async () => {
      const { store, shardId } = await startedShard(open, [2]);
      await created(store, shardId, batchOf('msgbatch_1', 2, 'ended'));
      await store.recordDownload(shardId, { bytes: 1, sha256: sha('d') });
      const finished = store.finishShard(shardId, 'applied', tallyOf(2));
      await expect(finished).rejects.toMatchObject({ code: 'rows_unsettled' });
    });

    test('a shard is not finished with a tally of another size', async () => {
      const { store, shardId } = await startedShard(open, [2]);
      await created(store, shardId, batchOf('msgbatch_1', 2, 'ended'));
      await store.recordDownload(shardId, { bytes: 1, sha256: sha('d') });
      await store.settleRest(shardId, 'missing', 'missing');
      const finished = store.finishShard(shardId, 'applied', tallyOf(1));
      await expect(finished).rejects.toMatchObject({ code: 'rows_unsettled' });
    });

    test('a job is not final before every shard is settled, and then stays as it is', async () => {
      const { store, job, shardIds } = await startedShard(open, [1, 1]);
      const [one = 0, two = 0] = shardIds;
      await created(store, one, batchOf('msgbatch_1', 1, 'ended'));
      await settle(store, one, 1, 1);
      await expect(store.finishJob(job.id, 'done', AT)).rejects.toMatchObject({ code: 'job_unsettled' });
      await created(store, two, batchOf('msgbatch_2', 1, 'ended'));
      await settle(store, two, 2, 1);
      await store.finishJob(job.id, 'done', AT);
      await store.finishJob(job.id, 'done', AT);
      await expect(store.finishJob(job.id, 'failed', AT)).rejects.toMatchObject({ code: 'job_unsettled' });
      expect(await store.jobById(job.id)).toMatchObject({ state: 'done', finalAt: AT.toISOString() });
      expect(await store.requestCancel(job.id, AT)).toBe(0);
    });

    test('only a download, a seal or a tally makes a shard what they stand for', async () => {
      const { store, shardId } = await startedShard(open);
      for (const state of ['live', 'downloaded', 'applied', 'lost', 'canceled', 'building'] as const) {
        await expect(store.setShardState(shardId, state)).rejects.toMatchObject({ code: 'shard_moved_on' });
      }
      await created(store, shardId, batchOf('msgbatch_1', 3));
      await expect(store.setShardState(shardId, 'built')).rejects.toMatchObject({ code: 'shard_moved_on' });
    });

    test('a download takes the place of an earlier one with all its outcomes, in a final job too', async () => {
      const { store, job, shardId } = await startedShard(open, [2]);
      await created(store, shardId, batchOf('msgbatch_1', 2, 'ended'));
      await settle(store, shardId, 1, 2);
      await store.finishJob(job.id, 'done', AT);
      await store.recordDownload(shardId, { bytes: 20, sha256: sha('e') });
      expect((await store.rows(job.id, 'main', 0, 9)).map((row) => row.rawOffset)).toEqual([null, null]);
      expect((await viewOf(store, job.id, shardId))?.shard.state).toBe('downloaded');
      expect(await stateOf(store, job.id)).toBe('done');
    });

    test('what was downloaded is forgotten with its outcomes, but never in a final job', async () => {
      const { store, job, shardId } = await startedShard(open, [2]);
      await created(store, shardId, batchOf('msgbatch_1', 2, 'ended'));
      await settle(store, shardId, 1, 2);
      await store.setShardState(shardId, 'live');
      expect(await store.rawFacts(shardId)).toBeNull();
      expect((await store.rows(job.id, 'main', 0, 9)).map((row) => row.status)).toEqual([null, null]);
      await settle(store, shardId, 1, 2);
      await store.finishJob(job.id, 'done', AT);
      await expect(store.setShardState(shardId, 'live')).rejects.toMatchObject({ code: 'shard_moved_on' });
    });

    test('a failed job becomes done only once nothing of it is lost', async () => {
      const { store, job, shardId } = await startedShard(open, [2]);
      await created(store, shardId, batchOf('msgbatch_1', 2, 'ended'));
      await store.settleRest(shardId, 'missing', 'missing');
      await store.finishShard(shardId, 'lost', { ...EMPTY_TALLY, requests: 2, missing: 2 });
      await store.finishJob(job.id, 'failed', AT);
      await expect(store.finishJob(job.id, 'done', AT)).rejects.toMatchObject({ code: 'job_unsettled' });
      await store.recordDownload(shardId, { bytes: 10, sha256: sha('d') });
      await expect(store.finishJob(job.id, 'done', AT)).rejects.toMatchObject({ code: 'job_unsettled' });
      await settle(store, shardId, 1, 2);
      await store.finishJob(job.id, 'done', AT);
      expect(await stateOf(store, job.id)).toBe('done');
    });

    test('a cancel settles every row that was not sent, once', async () => {
      const { store, job, shardIds } = await startedShard(open, [2, 3]);
      const [one = 0, two = 0] = shardIds;
      await created(store, one, batchOf('msgbatch_1', 2));
      expect(await store.requestCancel(job.id, AT)).toBe(1);
      expect(await store.requestCancel(job.id, new Date(AT_MS + 1_000))).toBe(0);
      expect((await store.jobById(job.id)).cancelRequestedAt).toBe(AT.toISOString());
      expect((await viewOf(store, job.id, two))?.tally).toEqual({
        ...EMPTY_TALLY,
        requests: 3,
        canceled: 3,
        failures: { canceled: 3 },
      });
      expect((await store.rows(job.id, 'main', 0, 9)).map((row) => row.status)).toEqual([
        null,
        null,
        'canceled',
        'canceled',
        'canceled',
      ]);
    });

    describe('a shard whose requests are asked one by one', () => {
      async function asked(sizes: readonly number[]) {
        const store = await open();
        const { job, shardIds } = await buildJob(store, sizes);
        await store.requestSubmission(job.id, ACCOUNT, 'real_time', AT);
        const [shardId = 0] = shardIds;
        return { store, job, shardId };
      }

      test('stays built until its answers are recorded', async () => {
        const { store, job, shardId } = await asked([2]);
        expect(await viewOf(store, job.id, shardId)).toMatchObject({
          shard: { state: 'built', route: 'real_time' },
        });
        expect(await stateOf(store, job.id)).toBe('submitting');
        await store.recordDownload(shardId, { bytes: 10, sha256: sha('d') });
        expect(await stateOf(store, job.id)).toBe('ended');
        await settle(store, shardId, 1, 2);
        await store.finishJob(job.id, 'done', AT);
        expect(await stateOf(store, job.id)).toBe('done');
      });

      test('is not canceled with what was paid: whoever asks it settles it', async () => {
        const { store, job, shardId } = await asked([2]);
        expect(await store.requestCancel(job.id, AT)).toBe(0);
        expect((await viewOf(store, job.id, shardId))?.shard.state).toBe('built');
        await store.recordDownload(shardId, { bytes: 10, sha256: sha('d') });
      });

      test('is unlike one of a batch, which is never recorded before it was sent', async () => {
        const store = await open();
        const { job, shardIds } = await buildJob(store, [2]);
        await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
        const download = store.recordDownload(shardIds[0] ?? 0, { bytes: 10, sha256: sha('d') });
        await expect(download).rejects.toMatchObject({ code: 'shard_moved_on' });
      });

      test('goes as a batch after all when its submission was withdrawn', async () => {
        const { store, job, shardId } = await asked([2]);
        await store.withdrawSubmission(job.id);
        await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
        expect((await viewOf(store, job.id, shardId))?.shard.route).toBe('batch');
      });
    });
  });
}
