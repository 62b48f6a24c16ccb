import { describe, expect, test } from 'vitest';
import { NO_SIZES } from '../../../src/core/request-sizes.ts';
import {
  ACCOUNT,
  AT,
  buildJob,
  EMULATOR,
  newShard,
  type Open,
  rowOf,
  SPEC,
  sha,
  stageIdOf,
  start,
  startedShard,
  stateOf,
  twinOf,
} from './fixture.ts';

export function describeBuilding(name: string, open: Open): void {
  describe(`${name}: building`, () => {
    test('a job id is the name and the time of the build, and counts on where it is taken', async () => {
      const store = await open();
      const make = () => store.createJob({ name: 'reviews', spec: SPEC, at: AT });
      expect((await make()).jobId).toBe('reviews-20260301-201530');
      expect((await make()).jobId).toBe('reviews-20260301-201530-2');
      expect((await make()).jobId).toBe('reviews-20260301-201530-3');
    });

    test('what a job was built with comes back as it went in', async () => {
      const store = await open();
      const { job } = await buildJob(store, [3]);
      expect(job).toMatchObject({ name: 'reviews', spec: SPEC, records: 3, state: 'built', account: null });
      expect(job.createdAt).toBe(AT.toISOString());
    });

    test('a row comes back with its record, its shard and no verdict', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [2]);
      expect(await store.rowByCustomId(job.id, 'row-2', null)).toEqual({
        seq: 2,
        customId: 'row-2',
        stage: 'main',
        attempt: 1,
        status: null,
        failure: null,
        outputPath: null,
        shardId: shardIds[0],
        shardNumber: 1,
        recordOffset: 200,
        recordLength: 99,
        rawOffset: null,
        rawLength: null,
      });
      expect(await store.rowByCustomId(job.id, 'row-9', null)).toBeNull();
    });

    test('a custom_id that is taken is named with the earlier row, within a chunk and across chunks', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'a', spec: SPEC, at: AT });
      const shardId = await store.openShard(stageIdOf(job), newShard(1, 'clash1'));
      const twice = [rowOf(1, shardId), rowOf(2, shardId, { customId: 'row-1' })];
      expect(await store.addRows(stageIdOf(job), twice)).toEqual([
        { seq: 2, on: 'custom_id', earlierSeq: 1 },
      ]);
      expect(await store.addRows(stageIdOf(job), [rowOf(3, shardId, { customId: 'row-1' })])).toEqual([
        { seq: 3, on: 'custom_id', earlierSeq: 1 },
      ]);
      expect(await store.shardSeqs(shardId)).toEqual([1]);
    });

    test('an output that is taken is named with the earlier row, and the row can come back with another', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'a', spec: SPEC, at: AT });
      const shardId = await store.openShard(stageIdOf(job), newShard(1, 'clash2'));
      await store.addRows(stageIdOf(job), [rowOf(1, shardId)]);
      const clashing = rowOf(2, shardId, { outputFold: 'out/row-1.md' });
      expect(await store.addRows(stageIdOf(job), [clashing])).toEqual([
        { seq: 2, on: 'output', earlierSeq: 1 },
      ]);
      expect(await store.rowByCustomId(job.id, 'row-2', null)).toBeNull();
      const moved = { ...clashing, outputPath: 'out/row-1-2.md', outputFold: 'out/row-1-2.md' };
      expect(await store.addRows(stageIdOf(job), [moved])).toEqual([]);
      expect((await store.rowByCustomId(job.id, 'row-2', null))?.outputPath).toBe('out/row-1-2.md');
    });

    test('ids and outputs of one job are no concern of another', async () => {
      const store = await open();
      await buildJob(store, [3]);
      await buildJob(store, [3]);
      expect(await store.listJobs({ pendingOnly: false, limit: null })).toHaveLength(2);
    });

    test('a row whose output clashed holds no custom_id', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'a', spec: SPEC, at: AT });
      const shardId = await store.openShard(stageIdOf(job), newShard(1, 'clash3'));
      await store.addRows(stageIdOf(job), [rowOf(1, shardId)]);
      await store.addRows(stageIdOf(job), [rowOf(2, shardId, { outputFold: 'out/row-1.md' })]);
      expect(await store.addRows(stageIdOf(job), [rowOf(3, shardId, { customId: 'row-2' })])).toEqual([]);
    });

    test('a chunk goes in as a whole or not at all', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'a', spec: SPEC, at: AT });
      const shardId = await store.openShard(stageIdOf(job), newShard(1, 'whole'));
      const broken = [rowOf(1, shardId), rowOf(2, 4711)];
      await expect(store.addRows(stageIdOf(job), broken)).rejects.toThrow();
      expect(await store.shardSeqs(shardId)).toEqual([]);
    });

    test('a build that lost a row does not count', async () => {
      const store = await open();
      const job = await store.createJob({ name: 'a', spec: SPEC, at: AT });
      const shardId = await store.openShard(stageIdOf(job), newShard(1, 'lost1'));
      await store.addRows(stageIdOf(job), [rowOf(1, shardId)]);
      await store.closeShard(shardId, { requests: 2, bodyBytes: 9, fileSha256: sha('a'), sizes: NO_SIZES });
      const facts = { records: 2, contentSha256: sha('a'), reuse: false };
      await expect(store.finishBuild(job.id, facts)).rejects.toMatchObject({ code: 'build_incomplete' });
      expect(await stateOf(store, job.id)).toBe('building');
    });

    test('a row cannot be added to a shard that is built', async () => {
      const store = await open();
      const { stageId, shardIds } = await buildJob(store, [1]);
      const more = [rowOf(2, shardIds[0] ?? 0)];
      await expect(store.addRows(stageId, more)).rejects.toMatchObject({ code: 'not_building' });
    });

    test('a job in building is told by buildingJobs alone', async () => {
      const store = await open();
      const { jobId, id } = await store.createJob({ name: 'half', spec: SPEC, at: AT });
      for (const text of [jobId, 'half', 'latest', 'hal']) {
        await expect(store.findJob(text)).rejects.toMatchObject({ code: 'job_not_found' });
      }
      expect(await store.listJobs({ pendingOnly: false, limit: null })).toEqual([]);
      expect((await store.buildingJobs()).map((job) => job.id)).toEqual([id]);
    });

    test('a dropped job leaves nothing, and its neighbours stay', async () => {
      const store = await open();
      const gone = await buildJob(store, [3, 2]);
      const kept = await buildJob(store, [3]);
      await store.dropJob(gone.job.id);
      await expect(store.jobById(gone.job.id)).rejects.toMatchObject({ code: 'job_gone' });
      expect(await store.events(gone.job.id)).toEqual([]);
      expect(await store.shards(gone.job.id)).toEqual([]);
      expect(await store.rows(kept.job.id, 'main', 0, 10)).toHaveLength(3);
    });

    test('the ids of a dropped job never come back', async () => {
      const store = await open();
      const gone = await buildJob(store, [1]);
      await store.dropJob(gone.job.id);
      const next = await buildJob(store, [1]);
      expect(next.job.id).toBeGreaterThan(gone.job.id);
      expect(next.shardIds[0]).toBeGreaterThan(gone.shardIds[0] ?? 0);
    });

    test('a job is dropped only as long as nothing of it may have left', async () => {
      const { store, job, shardId } = await startedShard(open);
      const submission = await start(store, shardId);
      await expect(store.dropJob(job.id)).rejects.toMatchObject({ code: 'job_submitted' });
      await store.abortSubmission(submission.id, 'cut');
      await store.dropJob(job.id);
      await expect(store.jobById(job.id)).rejects.toMatchObject({ code: 'job_gone' });
    });

    test('an unfinished job of the same content is found on its own side only', async () => {
      const store = await open();
      const real = await buildJob(store, [1], { content: 'a' });
      const rehearsed = await buildJob(store, [1], { content: 'a', on: 'emulator' });
      expect((await twinOf(store, 'a', 'api'))?.id).toBe(real.job.id);
      expect((await twinOf(store, 'a', 'emulator'))?.id).toBe(rehearsed.job.id);
      await store.requestSubmission(real.job.id, ACCOUNT, 'batch', AT);
      await store.requestSubmission(rehearsed.job.id, EMULATOR, 'batch', AT);
      expect((await twinOf(store, 'a', 'api'))?.id).toBe(real.job.id);
      expect((await twinOf(store, 'a', 'emulator'))?.id).toBe(rehearsed.job.id);
      expect(await twinOf(store, 'b', 'api')).toBeNull();
    });

    test('a job that is canceled, final or half built is not carried on', async () => {
      const store = await open();
      const { job } = await buildJob(store, [1], { content: 'a' });
      expect((await twinOf(store, 'a', 'api'))?.id).toBe(job.id);
      await store.requestCancel(job.id, AT);
      expect(await twinOf(store, 'a', 'api')).toBeNull();
    });
  });
}
