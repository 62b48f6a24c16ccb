import { describe, expect, test } from 'vitest';
import { NO_SIZES } from '../../../src/core/request-sizes.ts';
import {
  ACCOUNT,
  AT,
  AT_MS,
  batchOf,
  buildJob,
  created,
  FENCE,
  inDoubt,
  NOBODY,
  newShard,
  type Open,
  OTHER,
  STAMP,
  sealed,
  sha,
  start,
  startedShard,
  stateOf,
  viewOf,
} from './fixture.ts';

export function describeSubmitting(name: string, open: Open): void {
  describe(`${name}: submitting`, () => {
    test('a job keeps the account it was first submitted to', async () => {
      const { store, job } = await startedShard(open);
      const later = new Date(AT_MS + 60_000);
      await store.requestSubmission(
        job.id,
        { ...ACCOUNT, keyFingerprint: 'another_key_fing' },
        'batch',
        later,
      );
      expect(await store.jobById(job.id)).toMatchObject({
        account: ACCOUNT,
        submitRequestedAt: AT.toISOString(),
        state: 'submitting',
      });
    });

    test('a job is never submitted to another address, and keys are not named in full', async () => {
      const { store, job, shardId } = await startedShard(open);
      const error: unknown = await store
        .requestSubmission(job.id, OTHER, 'batch', AT)
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'AuthError', code: 'other_account' });
      expect(JSON.stringify(error)).not.toContain(OTHER.keyFingerprint);
      await expect(store.startSubmission(shardId, OTHER, AT_MS)).rejects.toMatchObject({
        code: 'other_account',
      });
    });

    test('a job whose submission nobody asked for is not submitted', async () => {
      const store = await open();
      const { shardIds } = await buildJob(store, [1]);
      await expect(start(store, shardIds[0] ?? 0)).rejects.toMatchObject({ code: 'not_ready' });
    });

    test('of a job that another run has dropped nothing is submitted or sealed', async () => {
      const { store, job, shardId } = await startedShard(open);
      const submission = await start(store, shardId);
      await store.abortSubmission(submission.id, NOBODY.reason);
      await store.dropJob(job.id);
      const next = 'batchctl list --all';
      await expect(start(store, shardId)).rejects.toMatchObject({ code: 'shard_gone', next });
      await expect(store.seal(submission.id, { sealedMs: AT_MS, fence: FENCE })).rejects.toMatchObject({
        code: 'submission_gone',
        next,
      });
    });

    test('submissions of a shard are numbered from 1', async () => {
      const { store, shardId } = await startedShard(open);
      const first = await start(store, shardId);
      await store.abortSubmission(first.id, 'cut');
      expect([first.number, (await start(store, shardId)).number]).toEqual([1, 2]);
    });

    test.each(['uploading', 'sealed', 'created', 'in_doubt', 'stuck'])(
      'a shard with a submission that is %s is not submitted again',
      async (state) => {
        const { store, shardId } = await startedShard(open);
        if (state === 'uploading') await start(store, shardId);
        if (state === 'sealed') await sealed(store, shardId);
        if (state === 'created') await created(store, shardId, batchOf('msgbatch_1', 3));
        if (state === 'in_doubt') await inDoubt(store, shardId);
        if (state === 'stuck') await store.judgeStuck((await inDoubt(store, shardId)).id, 'archived');
        await expect(start(store, shardId)).rejects.toMatchObject({ code: 'not_ready' });
      },
    );

    test('a seal keeps the fence and the time, and makes the shard live', async () => {
      const { store, job, shardId } = await startedShard(open);
      await sealed(store, shardId);
      expect(await viewOf(store, job.id, shardId)).toMatchObject({
        shard: { state: 'live' },
        submission: { state: 'sealed', sealedMs: AT_MS + 1_000, uploadStartedMs: AT_MS },
      });
      await store.settleAfterCrash(job.id);
      expect(await store.doubts(job.id)).toMatchObject([{ shardId, sealedMs: AT_MS + 1_000, fence: FENCE }]);
    });

    test('a submission is sealed once', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await sealed(store, shardId);
      const again = store.seal(id, { sealedMs: AT_MS, fence: FENCE });
      await expect(again).rejects.toMatchObject({ name: 'StoreError', code: 'seal_lost' });
    });

    test('a submission that was settled as abandoned cannot be sealed', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await start(store, shardId);
      expect(await store.settleAfterCrash(job.id)).toEqual({ aborted: 1, doubted: 0 });
      await expect(store.seal(id, { sealedMs: AT_MS, fence: FENCE })).rejects.toMatchObject({
        code: 'seal_lost',
      });
    });

    test('a shard that was canceled while it was uploaded cannot be sealed', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await start(store, shardId);
      expect(await store.requestCancel(job.id, AT)).toBe(1);
      await expect(store.seal(id, { sealedMs: AT_MS, fence: FENCE })).rejects.toMatchObject({
        code: 'seal_lost',
      });
      await store.abortSubmission(id, 'canceled');
      expect((await viewOf(store, job.id, shardId))?.shard.state).toBe('canceled');
    });

    test('what an earlier run sealed is in doubt, what it did not seal may go out again', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 2]);
      const [one = 0, two = 0] = shardIds;
      await sealed(store, one);
      await start(store, two);
      expect(await store.settleAfterCrash(job.id)).toEqual({ aborted: 1, doubted: 1 });
      expect(await store.settleAfterCrash(job.id)).toEqual({ aborted: 0, doubted: 0 });
      expect((await store.doubts(job.id)).map((one) => [one.shardId, one.state])).toEqual([
        [one, 'in_doubt'],
      ]);
      expect((await start(store, two)).number).toBe(2);
      expect(await stateOf(store, job.id)).toBe('in_doubt');
    });

    test('a sealed submission whose tail never left is aborted, and its shard goes out again', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await sealed(store, shardId);
      await store.abortSubmission(id, 'the socket broke before the tail');
      await store.abortSubmission(id, 'once more');
      expect((await start(store, shardId)).number).toBe(2);
    });

    test('what was put in doubt cannot be aborted or refused', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await expect(store.abortSubmission(id, 'no')).rejects.toMatchObject({ code: 'submission_moved_on' });
      const refusal = { status: 400, requestId: null, reason: 'no', watchUntilMs: AT_MS };
      await expect(store.rejectSubmission(id, refusal)).rejects.toMatchObject({
        code: 'submission_moved_on',
      });
    });

    test('a refused shard goes out again, and the refused submission is watched', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await sealed(store, shardId);
      const watchUntilMs = AT_MS + 3_600_000;
      await store.rejectSubmission(id, {
        status: 429,
        requestId: 'req_9',
        reason: 'rate limit',
        watchUntilMs,
      });
      expect((await viewOf(store, job.id, shardId))?.shard.state).toBe('built');
      expect(await store.watched(ACCOUNT, AT_MS)).toMatchObject([{ id, state: 'rejected', requests: 3 }]);
      expect(await store.watched(ACCOUNT, watchUntilMs)).toEqual([]);
      expect(await store.watched(OTHER, AT_MS)).toEqual([]);
    });

    test('the batch is kept as it was described', async () => {
      const { store, job, shardId } = await startedShard(open);
      const batch = batchOf('msgbatch_1', 3);
      const { id } = await created(store, shardId, batch);
      await store.recordBatch(id, batch, STAMP);
      const view = await viewOf(store, job.id, shardId);
      expect(view?.batch).toEqual({ ...batch, notFound: null });
      expect(view?.submission?.state).toBe('created');
      expect(await store.knownBatchIds(['msgbatch_1', 'msgbatch_2'])).toEqual(new Set(['msgbatch_1']));
    });

    test('a batch id that is another submission’s puts this one in doubt', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 2]);
      const [one = 0, two = 0] = shardIds;
      await created(store, one, batchOf('msgbatch_1', 3));
      const second = await sealed(store, two);
      const answer = store.recordBatch(second.id, batchOf('msgbatch_1', 3), STAMP);
      await expect(answer).rejects.toMatchObject({ code: 'batch_known' });
      expect((await viewOf(store, job.id, two))?.submission?.state).toBe('in_doubt');
      expect((await viewOf(store, job.id, one))?.batch?.id).toBe('msgbatch_1');
    });

    test('a split gives each row to one part, and the parts go out in its place', async () => {
      const { store, job, stageId, shardId } = await startedShard(open, [5]);
      const first = await store.openShard(stageId, newShard(2, 'part-a'));
      const second = await store.openShard(stageId, newShard(3, 'part-b'));
      const facts = { bodyBytes: 10, fileSha256: sha('9'), sizes: NO_SIZES };
      await store.splitShard(shardId, [
        { shardId: first, fromSeq: 1, toSeq: 2, requests: 2, ...facts },
        { shardId: second, fromSeq: 3, toSeq: 5, requests: 3, ...facts },
      ]);
      const views = await store.shards(job.id);
      expect(views.map(({ shard }) => [shard.number, shard.state, shard.requests])).toEqual([
        [2, 'built', 2],
        [3, 'built', 3],
      ]);
      expect(await store.shardSeqs(first)).toEqual([1, 2]);
      expect(await store.shardSeqs(second)).toEqual([3, 4, 5]);
      await expect(start(store, shardId)).rejects.toMatchObject({ code: 'not_ready' });
    });

    test('a split that would lose a row or move one twice is no split', async () => {
      const { store, job, stageId, shardId } = await startedShard(open, [3]);
      const part = await store.openShard(stageId, newShard(2, 'part-c'));
      const facts = { shardId: part, requests: 2, bodyBytes: 10, fileSha256: sha('9'), sizes: NO_SIZES };
      await expect(store.splitShard(shardId, [{ ...facts, fromSeq: 1, toSeq: 2 }])).rejects.toThrow();
      await expect(store.splitShard(shardId, [{ ...facts, fromSeq: 1, toSeq: 3 }])).rejects.toThrow();
      expect((await viewOf(store, job.id, shardId))?.shard.state).toBe('built');
      expect(await store.shardSeqs(shardId)).toEqual([1, 2, 3]);
    });

    test('the parts of a split that was cut off are dropped by the next run', async () => {
      const { store, job, stageId, shardId } = await startedShard(open, [3]);
      await store.openShard(stageId, newShard(2, 'part-d'));
      await store.settleAfterCrash(job.id);
      expect((await store.shards(job.id)).map(({ shard }) => shard.id)).toEqual([shardId]);
    });

    test('a shard that may exist is not split', async () => {
      const { store, shardId } = await startedShard(open, [2]);
      await inDoubt(store, shardId);
      await expect(store.splitShard(shardId, [])).rejects.toMatchObject({ code: 'not_ready' });
    });
  });
}
