import { describe, expect, test } from 'vitest';
import {
  AT,
  batchOf,
  buildJob,
  created,
  FENCE,
  inDoubt,
  type Open,
  SPEC,
  sha,
  startedShard,
} from './fixture.ts';

export function describeReading(name: string, open: Open): void {
  describe(`${name}: finding and reading`, () => {
    test('a job is found by id, batch id, latest, name and a unique beginning of an id', async () => {
      const { store, job, shardId } = await startedShard(open);
      await created(store, shardId, batchOf('msgbatch_abc', 3));
      for (const text of [job.jobId, 'msgbatch_abc', 'latest', 'reviews', 'reviews-2026', 'msgbatch_a']) {
        expect((await store.findJob(text)).id, text).toBe(job.id);
      }
    });

    test('a name means its newest job, a beginning of an id must mean one', async () => {
      const store = await open();
      await buildJob(store, [1]);
      const newer = await buildJob(store, [1]);
      expect((await store.findJob('reviews')).id).toBe(newer.job.id);
      await expect(store.findJob('reviews-2026')).rejects.toMatchObject({ code: 'job_ambiguous' });
      expect((await store.findJob('reviews-20260301-201530')).id).not.toBe(newer.job.id);
    });

    test('of many jobs that may be meant five are named', async () => {
      const store = await open();
      for (let n = 1; n <= 7; n += 1)
        await store.finishBuild((await store.createJob({ name: `a${n}`, spec: SPEC, at: AT })).id, {
          records: 0,
          contentSha256: sha('e'),
          reuse: false,
        });
      const error: unknown = await store.findJob('a').catch((thrown: unknown) => thrown);
      const expected = ['a7', 'a6', 'a5', 'a4', 'a3'].map((text) => `${text}-20260301-201530`);
      expect(error).toMatchObject({ code: 'job_ambiguous', why: `${expected.join(', ')}, …` });
    });

    test('what is no job is not found, and patterns are only text', async () => {
      const store = await open();
      await buildJob(store, [1]);
      for (const text of ['nothing', '', '%', 'review_', "'; DROP TABLE jobs; --"]) {
        await expect(store.findJob(text)).rejects.toMatchObject({
          name: 'UsageError',
          code: 'job_not_found',
        });
      }
    });

    test('a batch that may be a job’s own finds the job, a rejected one does not', async () => {
      const { store, job, shardId } = await startedShard(open);
      const submission = await inDoubt(store, shardId);
      await store.addCandidate(submission.id, batchOf('msgbatch_maybe', 3));
      expect((await store.findJob('msgbatch_maybe')).id).toBe(job.id);
      await store.rejectCandidate(submission.id, 'msgbatch_maybe');
      await expect(store.findJob('msgbatch_maybe')).rejects.toMatchObject({ code: 'job_not_found' });
    });

    test('the fences of a job’s submissions stay in the store until a doubt asks for them', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 2]);
      const [one = 0, two = 0] = shardIds;
      await created(store, one, batchOf('msgbatch_1', 3));
      await inDoubt(store, two);
      for (const view of await store.shards(job.id)) expect(view.submission).not.toHaveProperty('fence');
      expect(await store.doubts(job.id)).toMatchObject([{ shardId: two, fence: FENCE }]);
    });

    test('jobs are listed newest first, and pending ones alone when asked', async () => {
      const store = await open();
      const first = await buildJob(store, [1]);
      const second = await buildJob(store, [1]);
      const ids = async (pendingOnly: boolean, limit: number | null) =>
        (await store.listJobs({ pendingOnly, limit })).map((job) => job.id);
      expect(await ids(false, null)).toEqual([second.job.id, first.job.id]);
      expect(await ids(false, 1)).toEqual([second.job.id]);
      await store.requestCancel(second.job.id, AT);
      await store.finishJob(second.job.id, 'canceled', AT);
      expect(await ids(true, null)).toEqual([first.job.id]);
    });

    test('rows come in input order and in chunks', async () => {
      const store = await open();
      const { job, stageId } = await buildJob(store, [3, 2]);
      const seqs = async (after: number) =>
        (await store.rows(job.id, 'main', after, 2)).map((row) => [row.seq, row.shardNumber]);
      expect(await seqs(0)).toEqual([
        [1, 1],
        [2, 1],
      ]);
      expect(await seqs(2)).toEqual([
        [3, 1],
        [4, 2],
      ]);
      expect(await seqs(5)).toEqual([]);
      expect(await store.rows(job.id, 'other', 0, 2)).toEqual([]);
      expect((await store.rowsOf(stageId, [5, 1, 99])).map((row) => row.seq)).toEqual([5, 1]);
    });
  });
}
