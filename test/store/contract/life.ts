import { describe, expect, test } from 'vitest';
import {
  ACCOUNT,
  AT,
  AT_MS,
  batchOf,
  buildJob,
  FENCE,
  inDoubt,
  kindsOf,
  type Open,
  STAMP,
  settle,
  start,
  stateOf,
} from './fixture.ts';

export function describeLife(name: string, open: Open): void {
  describe(`${name}: a whole life`, () => {
    test('the state of a job follows its shards, and every change has its event', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [3, 2]);
      const [one = 0, two = 0] = shardIds;
      const state = () => stateOf(store, job.id);
      expect(await state()).toBe('built');
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      expect(await state()).toBe('submitting');
      const first = await start(store, one);
      expect(await state()).toBe('submitting');
      await store.seal(first.id, { sealedMs: AT_MS, fence: FENCE });
      expect(await state()).toBe('in_doubt');
      await store.recordBatch(first.id, batchOf('msgbatch_1', 3), STAMP);
      expect(await state()).toBe('submitting');
      const second = await inDoubt(store, two);
      expect(await state()).toBe('in_doubt');
      await store.addCandidate(second.id, batchOf('msgbatch_2', 2));
      await store.adopt(second.id, 'msgbatch_2', 'nonce');
      expect(await state()).toBe('in_progress');
      await store.recordSeen(batchOf('msgbatch_1', 3, 'ended'));
      expect(await state()).toBe('in_progress');
      await store.recordSeen(batchOf('msgbatch_2', 2, 'ended'));
      expect(await state()).toBe('ended');
      await settle(store, one, 1, 3);
      await settle(store, two, 4, 2);
      expect(await state()).toBe('ended');
      await store.finishJob(job.id, 'done', AT);
      expect(await state()).toBe('done');
      expect(await kindsOf(store, job.id)).toEqual([
        'job_created',
        'shard_closed',
        'shard_closed',
        'job_built',
        'submission_requested',
        'submission_started',
        'sealed',
        'batch_recorded',
        'submission_started',
        'sealed',
        'submission_doubted',
        'candidate_added',
        'adopted',
        'batch_changed',
        'batch_changed',
        'downloaded',
        'shard_finished',
        'downloaded',
        'shard_finished',
        'job_finished',
      ]);
    });
  });
}
