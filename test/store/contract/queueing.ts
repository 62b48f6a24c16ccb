import { describe, expect, test } from 'vitest';
import type { JobStore } from '../../../src/core/ports/store.ts';
import {
  ACCOUNT,
  AT,
  AT_MS,
  batchOf,
  buildJob,
  created,
  EMULATOR,
  FENCE,
  inDoubt,
  type Open,
  OTHER,
  STAMP,
  sealed,
  start,
} from './fixture.ts';

const DAY = 24 * 60 * 60_000;
const REFUSED = { status: 429, requestId: 'req_1', reason: 'too many', watchUntilMs: AT_MS + 3_600_000 };

/** A job with a batch of so many requests, known by this id. */
async function sent(store: JobStore, name: string, requests: number, account = ACCOUNT) {
  const { job, shardIds } = await buildJob(store, [requests], { name });
  await store.requestSubmission(job.id, account, 'batch', AT);
  const submission = await store.startSubmission(shardIds[0] ?? 0, account, AT_MS);
  await store.seal(submission.id, { sealedMs: AT_MS, fence: FENCE });
  await store.recordBatch(submission.id, batchOf(`msgbatch_${name}`, requests), STAMP);
  return job;
}

export function describeQueueing(name: string, open: Open): void {
  describe(`${name}: the account’s queue`, () => {
    test('holds what may be in batches that have not ended, of each job and each state', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [3, 5, 7, 11, 13]);
      const [one = 0, two = 0, three = 0, four = 0] = shardIds;
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      await created(store, one, batchOf('msgbatch_1', 3));
      await inDoubt(store, two);
      await sealed(store, three);
      // Only uploading, and not begun.
      await start(store, four);
      const mate = await sent(store, 'mate', 17);
      await sent(store, 'over', 19);
      await store.recordSeen(batchOf('msgbatch_over', 19, 'ended'));
      const { inFlight } = await store.queueOf(ACCOUNT, job.id, AT_MS);
      expect(inFlight.own).toBe(3 + 5 + 7);
      expect(inFlight.others).toEqual([
        {
          id: 'msgbatch_mate',
          jobId: mate.jobId,
          createdAt: batchOf('x', 1).createdAt,
          requests: 17,
          workspace: 'same',
        },
      ]);
      expect(inFlight.doubts).toEqual([]);
      // Of the mate all of it is somebody else's, what is only in doubt by itself.
      const { inFlight: ofMate } = await store.queueOf(ACCOUNT, mate.id, AT_MS);
      expect(ofMate).toMatchObject({ own: 17, others: [{ id: 'msgbatch_1', jobId: job.jobId }] });
      expect(ofMate.doubts).toEqual([{ jobId: job.jobId, requests: 5 + 7 }]);
    });

    test('holds no doubt of which every candidate has ended, though nobody has said yet whose it is', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [5]);
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      const { id } = await inDoubt(store, shardIds[0] ?? 0);
      const own = async () => (await store.queueOf(ACCOUNT, job.id, AT_MS)).inFlight.own;
      await store.addCandidate(id, batchOf('msgbatch_1', 5));
      await store.addCandidate(id, batchOf('msgbatch_2', 5));
      await store.recordSeen(batchOf('msgbatch_1', 5, 'ended'));
      expect(await own()).toBe(5);
      await store.recordSeen(batchOf('msgbatch_2', 5, 'ended'));
      expect(await own()).toBe(0);
      // Neither was it: it may be one that no listing has shown yet.
      await store.rejectCandidate(id, 'msgbatch_1');
      await store.rejectCandidate(id, 'msgbatch_2');
      expect(await own()).toBe(5);
    });

    test('holds nothing a day after it was sent, whatever was seen of it', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [3]);
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      await inDoubt(store, shardIds[0] ?? 0);
      await sent(store, 'mate', 17);
      const late = await store.queueOf(ACCOUNT, job.id, AT_MS + DAY + 16 * 60_000);
      expect(late.inFlight).toEqual({ own: 0, others: [], doubts: [] });
    });

    test('is that of one address and one organization', async () => {
      const store = await open();
      const { job } = await buildJob(store, [3]);
      const colleague = { ...ACCOUNT, keyFingerprint: 'a'.repeat(16) };
      const stranger = { ...ACCOUNT, keyFingerprint: 'b'.repeat(16) };
      await sent(store, 'mine', 2);
      await sent(store, 'colleague', 17, colleague);
      await sent(store, 'elsewhere', 19, OTHER);
      await sent(store, 'emulated', 23, EMULATOR);
      const { shardIds, job: theirs } = await buildJob(store, [29], { name: 'theirs' });
      await store.requestSubmission(theirs.id, stranger, 'batch', AT);
      const { id } = await store.startSubmission(shardIds[0] ?? 0, stranger, AT_MS);
      await store.seal(id, { sealedMs: AT_MS, fence: { ...FENCE, organizationId: 'org_2' } });
      await store.recordBatch(id, batchOf('msgbatch_theirs', 29), { ...STAMP, organizationId: 'org_2' });
      const { inFlight } = await store.queueOf(ACCOUNT, job.id, AT_MS);
      expect(inFlight.others.map(({ requests }) => requests).sort((a, b) => a - b)).toEqual([2, 17]);
    });

    test('keeps the last create that found no room', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [3]);
      const [one = 0] = shardIds;
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      const refuse = async (queue?: Parameters<JobStore['rejectSubmission']>[1]['queue']) => {
        const { id } = await sealed(store, one);
        await store.rejectSubmission(id, { ...REFUSED, ...(queue === undefined ? {} : { queue }) });
      };
      const refusal = async () => (await store.queueOf(ACCOUNT, job.id, AT_MS)).refusal;
      expect(await refusal()).toBeNull();
      const first = { inFlight: 8, pauseMs: 80_000, times: 1, about: 'calls' } as const;
      await refuse(first);
      const { atMs, ...kept } = (await refusal()) ?? { atMs: 0 };
      expect(kept).toEqual(first);
      expect(Math.abs(atMs - AT_MS)).toBeLessThan(60_000);
      await refuse({ ...first, times: 2, about: 'queue' });
      expect(await refusal()).toMatchObject({ times: 2, about: 'queue' });
      expect((await store.queueOf(OTHER, job.id, AT_MS)).refusal).toBeNull();
      // One that came while nothing was in flight tells of no queue of ours.
      await refuse(null);
      expect(await refusal()).toBeNull();
    });

    test('keeps once which shard of a job found no room, until a shard of that job is sealed', async () => {
      const store = await open();
      const { job, shardIds } = await buildJob(store, [3, 5]);
      const [one = 0, two = 0] = shardIds;
      const mate = await sent(store, 'mate', 17);
      await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
      expect(await store.roomWait(job.id)).toBeNull();
      await store.noteRoomWait(job.id, { shardId: one, limit: null });
      await store.noteRoomWait(job.id, { shardId: one, limit: null });
      expect(await store.roomWait(job.id)).toEqual({ shardId: one, limit: null });
      const kinds = (await store.events(job.id)).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'room_awaited')).toHaveLength(1);
      await store.noteRoomWait(job.id, { shardId: one, limit: 9 });
      expect(await store.roomWait(job.id)).toEqual({ shardId: one, limit: 9 });
      expect(await store.roomWait(mate.id)).toBeNull();
      await sealed(store, one);
      expect(await store.roomWait(job.id)).toBeNull();
      await store.noteRoomWait(job.id, { shardId: two, limit: 9 });
      expect(await store.roomWait(job.id)).toEqual({ shardId: two, limit: 9 });
    });
  });
}
