import { describe, expect, test } from 'vitest';
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
  kindsOf,
  NOBODY,
  type Open,
  OTHER,
  sealed,
  sha,
  start,
  startedShard,
  stateOf,
  viewOf,
} from './fixture.ts';

export function describeReconciling(name: string, open: Open): void {
  describe(`${name}: reconciling`, () => {
    test('the evidence of absence is kept in order', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      const looks = [
        { serverMs: AT_MS + 5_000, clean: true, knownSeen: false },
        { serverMs: AT_MS + 15_000, clean: false, knownSeen: true },
      ];
      for (const look of looks) await store.recordLook(id, look);
      expect(await store.looks(id)).toEqual(looks);
    });

    test('an absent submission is watched, and its shard goes out again', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.judgeAbsent(id, { watchUntilMs: AT_MS + 10, by: 'evidence' });
      expect(await stateOf(store, job.id)).toBe('submitting');
      expect(await store.watched(ACCOUNT, AT_MS)).toMatchObject([{ id, state: 'absent' }]);
      expect((await start(store, shardId)).number).toBe(2);
    });

    test('evidence never judges a submission absent that has a candidate; the user may', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.addCandidate(id, batchOf('msgbatch_x', 3));
      const judged = store.judgeAbsent(id, { watchUntilMs: AT_MS, by: 'evidence' });
      await expect(judged).rejects.toMatchObject({ code: 'candidates_open' });
      await store.judgeAbsent(id, { watchUntilMs: AT_MS, by: 'user' });
      expect(await store.candidates(id)).toEqual([
        { batchId: 'msgbatch_x', verdict: 'rejected', rejectedBy: 'user' },
      ]);
    });

    test('a candidate that was rejected stays rejected when it is seen again', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.addCandidate(id, batchOf('msgbatch_x', 3));
      await store.rejectCandidate(id, 'msgbatch_x');
      await store.addCandidate(id, batchOf('msgbatch_x', 3));
      expect(await store.candidates(id)).toEqual([
        { batchId: 'msgbatch_x', verdict: 'rejected', rejectedBy: 'results' },
      ]);
    });

    test('an adopted batch is the submission’s own, and every rival is rejected', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 3]);
      const [one = 0, two = 0] = shardIds;
      const first = await inDoubt(store, one);
      const second = await inDoubt(store, two);
      await store.addCandidate(first.id, batchOf('msgbatch_x', 3));
      await store.addCandidate(first.id, batchOf('msgbatch_y', 3));
      await store.addCandidate(second.id, batchOf('msgbatch_x', 3));
      await store.addCandidate(second.id, batchOf('msgbatch_y', 3));
      await store.adopt(first.id, 'msgbatch_x', 'nonce');
      expect(await store.candidates(first.id)).toEqual([
        { batchId: 'msgbatch_x', verdict: 'verified', rejectedBy: null },
        { batchId: 'msgbatch_y', verdict: 'rejected', rejectedBy: 'rival' },
      ]);
      expect(await store.candidates(second.id)).toEqual([
        { batchId: 'msgbatch_x', verdict: 'rejected', rejectedBy: 'rival' },
        { batchId: 'msgbatch_y', verdict: 'provisional', rejectedBy: null },
      ]);
      await expect(store.adopt(second.id, 'msgbatch_x', 'user')).rejects.toMatchObject({
        code: 'batch_known',
      });
      expect((await viewOf(store, job.id, one))?.batch?.id).toBe('msgbatch_x');
    });

    test('a batch that is nowhere in the store is not adopted', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await expect(store.adopt(id, 'msgbatch_who', 'user')).rejects.toMatchObject({ code: 'batch_unknown' });
    });

    test('a disowned batch is rejected, and the submission is in doubt again', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.addCandidate(id, batchOf('msgbatch_x', 3, 'ended'));
      await store.adopt(id, 'msgbatch_x', 'user');
      expect(await stateOf(store, job.id)).toBe('ended');
      await store.recordDownload(shardId, { bytes: 5, sha256: sha('d') });
      await store.disown(id, 'msgbatch_x');
      expect(await stateOf(store, job.id)).toBe('in_doubt');
      expect(await viewOf(store, job.id, shardId)).toMatchObject({ shard: { state: 'live' }, batch: null });
      expect(await store.rawFacts(shardId)).toBeNull();
      expect(await store.candidates(id)).toEqual([
        { batchId: 'msgbatch_x', verdict: 'rejected', rejectedBy: 'results' },
      ]);
    });

    test('a disowned batch gives back the rivals that it displaced, and nothing that results rejected', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      for (const name of ['x', 'y', 'z']) await store.addCandidate(id, batchOf(`msgbatch_${name}`, 3));
      await store.rejectCandidate(id, 'msgbatch_z');
      await store.adopt(id, 'msgbatch_x', 'user');
      await store.disown(id, 'msgbatch_x');
      expect(await store.candidates(id)).toEqual([
        { batchId: 'msgbatch_x', verdict: 'rejected', rejectedBy: 'results' },
        { batchId: 'msgbatch_y', verdict: 'provisional', rejectedBy: null },
        { batchId: 'msgbatch_z', verdict: 'rejected', rejectedBy: 'results' },
      ]);
      const judged = store.judgeAbsent(id, { watchUntilMs: AT_MS, by: 'evidence' });
      await expect(judged).rejects.toMatchObject({ code: 'candidates_open' });
    });

    test('a rival that is another submission’s by now is not given back, until that one disowns it', async () => {
      const { store, shardIds } = await startedShard(open, [3, 3]);
      const [one = 0, two = 0] = shardIds;
      const first = await inDoubt(store, one);
      const second = await inDoubt(store, two);
      for (const { id } of [first, second]) {
        for (const name of ['x', 'y']) await store.addCandidate(id, batchOf(`msgbatch_${name}`, 3));
      }
      await store.adopt(first.id, 'msgbatch_x', 'user');
      await store.adopt(second.id, 'msgbatch_y', 'user');
      await store.disown(first.id, 'msgbatch_x');
      expect(await store.candidates(first.id)).toMatchObject([
        { batchId: 'msgbatch_x', rejectedBy: 'results' },
        { batchId: 'msgbatch_y', rejectedBy: 'rival' },
      ]);
      // The second has its own: what it did not need stays so, until it turns out to need it.
      expect(await store.candidates(second.id)).toMatchObject([
        { batchId: 'msgbatch_x', rejectedBy: 'rival' },
        { batchId: 'msgbatch_y', verdict: 'verified' },
      ]);
      await store.disown(second.id, 'msgbatch_y');
      expect(await store.candidates(first.id)).toMatchObject([
        { batchId: 'msgbatch_x', rejectedBy: 'results' },
        { batchId: 'msgbatch_y', verdict: 'provisional' },
      ]);
      expect(await store.candidates(second.id)).toMatchObject([
        { batchId: 'msgbatch_x', verdict: 'provisional' },
        { batchId: 'msgbatch_y', rejectedBy: 'results' },
      ]);
    });

    test('a rival that an answer gave to another submission meanwhile is not given back', async () => {
      const { store, shardIds } = await startedShard(open, [3, 3]);
      const [one = 0, two = 0] = shardIds;
      const { id } = await inDoubt(store, one);
      for (const name of ['x', 'y']) await store.addCandidate(id, batchOf(`msgbatch_${name}`, 3));
      await created(store, two, batchOf('msgbatch_y', 3));
      await store.adopt(id, 'msgbatch_x', 'user');
      await store.disown(id, 'msgbatch_x');
      expect(await store.candidates(id)).toMatchObject([
        { batchId: 'msgbatch_x', rejectedBy: 'results' },
        { batchId: 'msgbatch_y', rejectedBy: 'rival' },
      ]);
    });

    test('a rival that is proven another’s second copy is not given back', async () => {
      const { store, shardIds } = await startedShard(open, [3, 3]);
      const [one = 0, two = 0] = shardIds;
      const late = await inDoubt(store, two);
      await store.judgeAbsent(late.id, { watchUntilMs: AT_MS + 10, by: 'evidence' });
      const { id } = await inDoubt(store, one);
      for (const name of ['x', 'y']) await store.addCandidate(id, batchOf(`msgbatch_${name}`, 3));
      await store.adopt(id, 'msgbatch_x', 'user');
      await store.recordLateDuplicate(late.id, 'msgbatch_y');
      await store.disown(id, 'msgbatch_x');
      expect(await store.candidates(id)).toMatchObject([
        { batchId: 'msgbatch_x', rejectedBy: 'results' },
        { batchId: 'msgbatch_y', rejectedBy: 'rival' },
      ]);
    });

    test('a stuck submission stays one of the doubts and can still be adopted', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.judgeStuck(id, 'the workspace is another one');
      expect(await store.doubts(job.id)).toMatchObject([
        { state: 'stuck', reason: 'the workspace is another one' },
      ]);
      await store.addCandidate(id, batchOf('msgbatch_x', 3));
      await store.adopt(id, 'msgbatch_x', 'user');
      expect(await store.doubts(job.id)).toEqual([]);
    });

    test('a count is in doubt while a submission of it is, in another shard', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 2]);
      const [one = 0, two = 0] = shardIds;
      await inDoubt(store, one);
      expect(await store.jobInDoubt(ACCOUNT, 3, two)).toBe(job.jobId);
      expect(await store.jobInDoubt(ACCOUNT, 3, one)).toBeNull();
      expect(await store.jobInDoubt(ACCOUNT, 2, one)).toBeNull();
    });

    test('a count is in doubt for every key of the same address, and for no other address', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 3]);
      const [one = 0, two = 0] = shardIds;
      await inDoubt(store, one);
      const rotated = { ...ACCOUNT, keyFingerprint: 'another-key' };
      expect(await store.jobInDoubt(rotated, 3, two)).toBe(job.jobId);
      expect(await store.jobInDoubt(EMULATOR, 3, two)).toBeNull();
      expect(await store.jobInDoubt(OTHER, 3, two)).toBeNull();
    });

    test('the workspace of a job is that of its first seal, and nobody’s before', async () => {
      const { store, job, shardIds } = await startedShard(open, [3, 2]);
      const [one = 0, two = 0] = shardIds;
      const other = await buildJob(store, [1]);
      const { id } = await start(store, one);
      expect(await store.sealedHome(job.id)).toMatchObject({ workspaceId: null });
      await store.seal(id, { sealedMs: AT_MS, fence: { ...FENCE, workspaceId: null } });
      expect(await store.sealedHome(job.id)).toMatchObject({ workspaceId: null });
      await created(store, two, batchOf('msgbatch_2', 2));
      expect(await store.sealedHome(job.id)).toMatchObject({ workspaceId: 'wrkspc_1' });
      expect(await store.sealedHome(other.job.id)).toMatchObject({ workspaceId: null });
    });

    test('a seal whose tail never left names no workspace', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await sealed(store, shardId);
      expect(await store.sealedHome(job.id)).toMatchObject({ workspaceId: 'wrkspc_1' });
      await store.abortSubmission(id, 'the socket broke before the tail');
      expect(await store.sealedHome(job.id)).toMatchObject({ workspaceId: null });
    });

    test('an absent submission that appears before its shard went out again is in doubt again', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.judgeAbsent(id, { watchUntilMs: AT_MS + 10, by: 'evidence' });
      await store.addCandidate(id, batchOf('msgbatch_late', 3));
      await store.doubtSubmission(id, NOBODY);
      expect(await stateOf(store, job.id)).toBe('in_doubt');
      await expect(start(store, shardId)).rejects.toMatchObject({ code: 'not_ready' });
    });

    test('an absent submission whose shard went out again cannot come back', async () => {
      const { store, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.judgeAbsent(id, { watchUntilMs: AT_MS + 10, by: 'evidence' });
      await start(store, shardId);
      await store.addCandidate(id, batchOf('msgbatch_late', 3));
      await expect(store.doubtSubmission(id, NOBODY)).rejects.toMatchObject({ code: 'submission_moved_on' });
      const adopted = store.adopt(id, 'msgbatch_late', 'user');
      await expect(adopted).rejects.toMatchObject({ code: 'submission_moved_on' });
    });

    test('a late duplicate is told once and is known from then on', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.judgeAbsent(id, { watchUntilMs: AT_MS + 10, by: 'evidence' });
      await created(store, shardId, batchOf('msgbatch_2', 3));
      await store.addCandidate(id, batchOf('msgbatch_late', 3));
      await store.recordLateDuplicate(id, 'msgbatch_late');
      await store.recordLateDuplicate(id, 'msgbatch_late');
      expect((await kindsOf(store, job.id)).filter((kind) => kind === 'late_duplicate')).toHaveLength(1);
      expect(await store.knownBatchIds(['msgbatch_late'])).toEqual(new Set(['msgbatch_late']));
    });

    test('a shard proven absent in a job that was canceled is canceled, not sent', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      expect(await store.requestCancel(job.id, AT)).toBe(0);
      await store.judgeAbsent(id, { watchUntilMs: AT_MS + 10, by: 'evidence' });
      expect(await viewOf(store, job.id, shardId)).toMatchObject({
        shard: { state: 'canceled' },
        tally: { requests: 3, canceled: 3 },
      });
    });
  });
}
