import { describe, expect, onTestFinished, test } from 'vitest';
import type { JobStore } from '../../src/core/ports/store.ts';
import { openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { ACCOUNT, AT, batchOf, buildJob, created, EMULATOR, settle, start } from './contract/fixture.ts';

async function open(): Promise<JobStore> {
  const store = await openStore(`${makeTempDir()}/state.db`, { programVersion: 'test', now: () => AT });
  onTestFinished(() => store.close());
  return store;
}

async function finalJob(store: JobStore, name: string) {
  const { job, shardIds } = await buildJob(store, [1], { name });
  await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
  await created(store, shardIds[0] ?? 0, batchOf(`msgbatch_${name}`, 1, 'ended'));
  await settle(store, shardIds[0] ?? 0, 1, 1);
  await store.finishJob(job.id, 'done', AT);
  return store.jobById(job.id);
}

describe('final jobs without an event of their end', () => {
  test('are those of which no event of the kind names their final_at, oldest first', async () => {
    const store = await open();
    const done = await finalJob(store, 'done');
    const other = await finalJob(store, 'other');
    const early = await finalJob(store, 'early');
    const none = await finalJob(store, 'none');
    await buildJob(store, [1], { name: 'pending' });
    await store.recordEvent({ jobId: done.id, kind: 'after_run', detail: { final_at: done.finalAt } });
    await store.recordEvent({ jobId: other.id, kind: 'else', detail: { final_at: other.finalAt } });
    await store.recordEvent({ jobId: early.id, kind: 'after_run', detail: { final_at: 'an earlier one' } });
    expect(await store.finalJobsWithout('after_run')).toEqual([other, early, none]);
  });
});

describe('ended batches', () => {
  test('are those of the base URL that ended by themselves, the newest first, as many as asked for', async () => {
    const store = await open();
    const { job, shardIds } = await buildJob(store, [5, 4, 3, 2], { name: 'a' });
    await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
    const [one = 0, two = 0, canceled = 0, open_ = 0] = shardIds;
    await created(store, one, batchOf('msgbatch_1', 5, 'ended'));
    await created(store, two, batchOf('msgbatch_2', 4, 'ended'));
    await created(store, canceled, {
      ...batchOf('msgbatch_3', 3, 'ended'),
      cancelInitiatedAt: '2026-03-01T20:20:00Z',
    });
    await created(store, open_, batchOf('msgbatch_4', 2));
    const times = { createdAt: '2026-03-01T20:15:31.000000Z', endedAt: '2026-03-01T21:00:00Z' };
    const four = { requests: 4, ...times };
    expect(await store.endedBatches(ACCOUNT.baseUrl, 10)).toEqual([four, { requests: 5, ...times }]);
    expect(await store.endedBatches(ACCOUNT.baseUrl, 1)).toEqual([four]);
    expect(await store.endedBatches(EMULATOR.baseUrl, 10)).toEqual([]);
  });

  test('are none where nothing has ended', async () => {
    const store = await open();
    const { job, shardIds } = await buildJob(store, [1]);
    await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
    await start(store, shardIds[0] ?? 0);
    expect(await store.endedBatches(ACCOUNT.baseUrl, 10)).toEqual([]);
  });
});
