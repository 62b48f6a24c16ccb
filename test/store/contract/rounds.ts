import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { JobStore } from '../../../src/core/ports/store.ts';
import { NO_SIZES } from '../../../src/core/request-sizes.ts';
import { EMPTY_TALLY } from '../../../src/core/result.ts';
import { ACCOUNT, AT, newShard, type Open, rowOf, SPEC, sha } from './fixture.ts';

/** A job of two stages, three records each: the first stage applied with one good row, one expired and one refused. */
async function makeTwoStages(store: JobStore) {
  const spec = { ...SPEC, stages: ['notes', 'report'], needs: { report: ['notes'] } };
  const job = await store.createJob({ name: 'two', spec, at: AT });
  const [notes, report] = job.stages;
  if (notes === undefined || report === undefined) throw new Error('the job has two stages');
  const shardId = await store.openShard(notes.id, newShard(1, `n${job.id}`));
  const rows = [1, 2, 3].map((seq) => rowOf(seq, shardId));
  await store.addRows(notes.id, rows);
  await store.addRows(
    report.id,
    rows.map((row) => ({ ...row, shardId: null })),
  );
  await store.closeShard(shardId, { requests: 3, bodyBytes: 150, fileSha256: sha('f'), sizes: NO_SIZES });
  await store.finishBuild(job.id, { records: 3, contentSha256: sha('2'), reuse: false });
  await store.requestSubmission(job.id, ACCOUNT, 'real_time', AT);
  await store.recordDownload(shardId, { bytes: 30, sha256: sha('r') });
  await store.applyOutcomes(shardId, [
    { seq: 1, status: 'succeeded', failure: null, rawOffset: 0, rawLength: 9 },
    { seq: 2, status: 'expired', failure: 'expired', rawOffset: 10, rawLength: 9 },
    { seq: 3, status: 'succeeded', failure: 'refused', rawOffset: 20, rawLength: 9 },
  ]);
  const tally = {
    ...EMPTY_TALLY,
    requests: 3,
    succeeded: 2,
    expired: 1,
    failures: { expired: 1, refused: 1 },
    usage: { input: 7, output: 8, cacheCreation: 0, cacheRead: 0 },
  };
  await store.finishShard(shardId, 'applied', tally);
  return { job: await store.jobById(job.id), notes, report, shardId, tally };
}

const facts = (id: number, requests: number) => ({
  id,
  requests,
  bodyBytes: requests * 50,
  fileSha256: sha('e'),
  sizes: NO_SIZES,
});

const tallyOf = async (store: JobStore, job: Job, shardId: number) =>
  (await store.shards(job.id)).find(({ shard }) => shard.id === shardId)?.tally;

export function describeRounds(name: string, open: Open): void {
  describe(`${name}: rounds`, () => {
    it('rows of a stage that waits have no outcome, and only those whose needs succeeded may go on', async () => {
      const store = await open();
      const { job, notes, report } = await makeTwoStages(store);
      const rows = await store.rows(job.id, 'report', 0, 10);
      expect(rows.map(({ status, shardId }) => [status, shardId])).toEqual(Array(3).fill([null, null]));
      const free = await store.releasableRows(report.id, [notes.id], 0, 10);
      expect(free.map(({ seq }) => seq)).toEqual([1]);
      await expect(store.finishJob(job.id, 'done', AT)).rejects.toMatchObject({ code: 'job_unsettled' });
    });

    it('a round counts by its last commit: until then a crash puts every row back', async () => {
      const store = await open();
      const { job, notes, report, shardId, tally } = await makeTwoStages(store);
      const retryId = await store.openShard(notes.id, { ...newShard(2, 'again'), origin: 'retry' });
      await store.moveRows(retryId, [2]);
      const childId = await store.openShard(report.id, newShard(1, 'child'));
      await store.moveRows(childId, [1]);
      expect(await tallyOf(store, job, shardId)).toEqual({
        ...tally,
        requests: 2,
        expired: 0,
        failures: { refused: 1 },
      });
      await store.settleAfterCrash(job.id);
      expect((await store.shards(job.id)).map(({ shard }) => shard.id)).toEqual([shardId]);
      expect(await store.rowsOf(notes.id, [2])).toMatchObject([
        { shardId, attempt: 1, status: 'expired', failure: 'expired', rawOffset: 10 },
      ]);
      expect(await store.rowsOf(report.id, [1])).toMatchObject([{ shardId: null, status: null }]);
      expect(await tallyOf(store, job, shardId)).toEqual(tally);
      expect(await store.pastAttempts(notes.id, 2)).toEqual([]);
    });

    it('what a row was before it went out again is kept, in order', async () => {
      const store = await open();
      const { job, notes, shardId } = await makeTwoStages(store);
      const retryId = await store.openShard(notes.id, { ...newShard(2, 'again'), origin: 'retry' });
      await store.moveRows(retryId, [2, 3]);
      expect(await store.commitRound(job.id, { stageIds: [], shards: [facts(retryId, 2)] })).toBe(true);
      expect(await store.rowsOf(notes.id, [2, 3])).toMatchObject([
        { shardId: retryId, attempt: 2, status: null, failure: null, rawOffset: null },
        { shardId: retryId, attempt: 2, status: null },
      ]);
      expect(await store.pastAttempts(notes.id, 3)).toMatchObject([
        { attempt: 1, shardId, status: 'succeeded', failure: 'refused', rawOffset: 20, rawLength: 9 },
      ]);
      expect(await store.pastSeqs(shardId)).toEqual([2, 3]);
      // The file of a shard holds what it once carried.
      expect(await store.shardSeqs(shardId)).toEqual([1, 2, 3]);
      expect(await tallyOf(store, job, shardId)).toMatchObject({
        requests: 1,
        failures: {},
        usage: { input: 7 },
      });
      await expect(store.moveRows(retryId, [1])).rejects.toThrow();
    });

    it('rows that were to go out again are what they were before, and the rest of their shard has another', async () => {
      const store = await open();
      const { job, notes, shardId, tally } = await makeTwoStages(store);
      const retryId = await store.openShard(notes.id, { ...newShard(2, 'again'), origin: 'retry' });
      await store.moveRows(retryId, [2, 3]);
      await store.commitRound(job.id, { stageIds: [], shards: [facts(retryId, 2)] });
      const restId = await store.openShard(notes.id, { ...newShard(3, 'rest'), origin: 'retry' });
      const taking = { shardId: retryId, seqs: [3], rest: facts(restId, 1) };
      await expect(
        store.takeBackRows(job.id, { ...taking, rest: facts(restId, 2) }),
        'the rest has one row',
      ).rejects.toThrow();
      await expect(store.takeBackRows(job.id, { ...taking, rest: null })).rejects.toThrow();
      await store.takeBackRows(job.id, taking);
      expect((await store.shards(job.id)).map(({ shard }) => [shard.id, shard.state])).toEqual([
        [shardId, 'applied'],
        [restId, 'built'],
      ]);
      expect(await store.rowsOf(notes.id, [2, 3])).toMatchObject([
        { shardId: restId, attempt: 2, status: null },
        { shardId, attempt: 1, status: 'succeeded', failure: 'refused', rawOffset: 20, rawLength: 9 },
      ]);
      expect(await store.pastAttempts(notes.id, 3)).toEqual([]);
      expect(await tallyOf(store, job, shardId)).toMatchObject({ requests: 2, failures: { refused: 1 } });
      expect(await store.answeredSeqs(restId)).toEqual([]);
      // It was the first attempt of row 2, and its answer comes after all.
      await store.setShardState(shardId, 'downloaded');
      await store.applyOutcomes(shardId, [
        { seq: 2, status: 'succeeded', failure: null, rawOffset: 30, rawLength: 9 },
      ]);
      await store.finishShard(shardId, 'applied', { ...tally, requests: 2 });
      expect(await store.answeredSeqs(restId)).toEqual([2]);
      await store.takeBackRows(job.id, { shardId: restId, seqs: [2], rest: null });
      expect(await store.rowsOf(notes.id, [2])).toMatchObject([{ shardId, attempt: 1, status: 'succeeded' }]);
      // To be applied once more: the row's output was not written.
      expect((await store.shards(job.id)).map(({ shard }) => [shard.id, shard.state])).toEqual([
        [shardId, 'downloaded'],
      ]);
    });

    it('rows that may still be under way do not go out again', async () => {
      const store = await open();
      const { job, notes } = await makeTwoStages(store);
      const again = { classes: ['expired', 'refused'] as const, maxAttempt: 9 };
      expect((await store.failedRows(notes.id, again, 0, 10)).map(({ seq }) => seq)).toEqual([2, 3]);
      const retryId = await store.openShard(notes.id, { ...newShard(2, 'again'), origin: 'retry' });
      await store.moveRows(retryId, [2, 3]);
      await store.commitRound(job.id, { stageIds: [], shards: [facts(retryId, 2)] });
      expect(await store.failedRows(notes.id, again, 0, 10)).toEqual([]);
      const another = await store.openShard(notes.id, { ...newShard(3, 'third'), origin: 'retry' });
      await expect(store.moveRows(another, [2])).rejects.toThrow();
    });

    it('a round of a job that was canceled meanwhile does not count', async () => {
      const store = await open();
      const { job, report } = await makeTwoStages(store);
      const childId = await store.openShard(report.id, newShard(1, 'child'));
      await store.moveRows(childId, [1]);
      await store.requestCancel(job.id, AT);
      expect(await store.commitRound(job.id, { stageIds: [report.id], shards: [facts(childId, 1)] })).toBe(
        false,
      );
      await store.dropRound(job.id);
      expect(await store.commitRound(job.id, { stageIds: [report.id], shards: [] })).toBe(true);
      const { stages } = await store.jobById(job.id);
      expect(stages[1]).toMatchObject({ state: 'open', held: 3 });
    });

    it('a shard with other rows than its file has is refused', async () => {
      const store = await open();
      const { job, report } = await makeTwoStages(store);
      const childId = await store.openShard(report.id, newShard(1, 'child'));
      await store.moveRows(childId, [1]);
      await expect(
        store.commitRound(job.id, { stageIds: [report.id], shards: [facts(childId, 2)] }),
      ).rejects.toMatchObject({ code: 'round_incomplete' });
      expect((await store.jobById(job.id)).stages[1]).toMatchObject({ state: 'waiting' });
    });

    it('a row that is held for a reason stays so until it is tried again', async () => {
      const store = await open();
      const { notes, report } = await makeTwoStages(store);
      await store.holdRows(report.id, [{ seq: 1, why: 'no file' }]);
      expect(await store.releasableRows(report.id, [notes.id], 0, 10)).toEqual([]);
      expect(await store.holdOf(report.id, 1)).toBe('no file');
      await store.unholdRows(report.id);
      expect(await store.releasableRows(report.id, [notes.id], 0, 10)).toHaveLength(1);
    });

    it('a final job has work again once a round brings some', async () => {
      const store = await open();
      const { job, notes, report } = await makeTwoStages(store);
      await store.commitRound(job.id, { stageIds: [report.id], shards: [] });
      await store.finishJob(job.id, 'done', AT);
      const retryId = await store.openShard(notes.id, { ...newShard(2, 'again'), origin: 'retry' });
      await store.moveRows(retryId, [2]);
      // From its first shard on, so that whoever comes after a crash sees an unfinished job and puts it right.
      expect(await store.jobById(job.id)).toMatchObject({ state: 'ended', finalAt: null });
      expect(await store.commitRound(job.id, { stageIds: [], shards: [facts(retryId, 1)] })).toBe(true);
      expect(await store.jobById(job.id)).toMatchObject({ state: 'submitting', finalAt: null });
    });

    it('a retry of a canceled job goes on, unless it is canceled once more while it is built', async () => {
      const store = await open();
      const { job, notes, report } = await makeTwoStages(store);
      await store.commitRound(job.id, { stageIds: [report.id], shards: [] });
      await store.requestCancel(job.id, AT);
      await store.finishJob(job.id, 'canceled', AT);
      const { cancelRequestedAt: canceledAt } = await store.jobById(job.id);
      const retryId = await store.openShard(notes.id, { ...newShard(2, 'again'), origin: 'retry' });
      await store.moveRows(retryId, [2]);
      await store.requestCancel(job.id, new Date(AT.getTime() + 5_000));
      const round = { stageIds: [], shards: [facts(retryId, 1)], canceledAt };
      expect(await store.commitRound(job.id, round)).toBe(false);
      await store.dropRound(job.id);
      const again = await store.openShard(notes.id, { ...newShard(2, 'more'), origin: 'retry' });
      await store.moveRows(again, [2]);
      const fresh = (await store.jobById(job.id)).cancelRequestedAt;
      const second = { stageIds: [], shards: [facts(again, 1)], canceledAt: fresh };
      expect(await store.commitRound(job.id, second)).toBe(true);
      expect(await store.jobById(job.id)).toMatchObject({ state: 'submitting', cancelRequestedAt: null });
    });
  });
}
