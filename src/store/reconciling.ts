import { StoreError } from '../core/errors.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { Connection } from './connection.ts';
import { KEPT } from './events.ts';
import { keptDetail } from './kept-detail.ts';
import { changeSubmission, returnShard, submissionEvent, takeShard } from './settling.ts';
import type { SubmissionFacts } from './submissions.ts';

type Reconciling = Pick<
  JobStore,
  | 'doubts'
  | 'jobInDoubt'
  | 'sealedHome'
  | 'jobsUnderWatch'
  | 'watched'
  | 'knownBatchIds'
  | 'candidates'
  | 'looks'
  | 'recordLook'
  | 'addCandidate'
  | 'rejectCandidate'
  | 'adopt'
  | 'disown'
  | 'judgeAbsent'
  | 'judgeStuck'
  | 'recordLateDuplicate'
  | 'keepLateDuplicate'
  | 'lateDuplicates'
>;

/** States in which a batch may still turn out to be the submission's. */
const SEARCHED = ['in_doubt', 'stuck', 'absent', 'rejected'] as const;

export function reconciling(connection: Connection): Reconciling {
  const { shards, submissions, unsettled, batches, candidates, events, read, write } = connection;

  function checkFree(submission: SubmissionFacts, batchId: string): void {
    const owner = batches.owner(batchId)?.submissionId ?? null;
    if (owner === null || owner === submission.id) return;
    throw new StoreError(`${batchId} cannot be the batch of shard ${submission.shardNumber}`, {
      code: 'batch_known',
      why: 'it is already the batch of another submission',
      next: 'batchctl status',
    });
  }

  return {
    doubts: (jobId) => read(() => submissions.doubts(jobId)),
    jobInDoubt: (account, requests, exceptShardId) =>
      read(() => unsettled.jobInDoubt(account, requests, exceptShardId)),
    jobsUnderWatch: (nowMs) => read(() => unsettled.watchedJobIds(nowMs).map(connection.jobs.byId)),
    sealedHome: (jobId) => read(() => submissions.homeOf(jobId)),
    watched: (account, nowMs) => read(() => unsettled.watched(account, nowMs)),
    knownBatchIds: (ids) =>
      read(() => new Set(ids.filter((id) => batches.isOwned(id) || candidates.isVerified(id)))),
    candidates: (submissionId) => read(() => candidates.of(submissionId)),
    looks: (submissionId) => read(() => candidates.looks(submissionId)),

    recordLook: (submissionId, look) =>
      write(() => {
        const submission = submissions.facts(submissionId);
        candidates.addLook(submissionId, look);
        submissionEvent(connection, submission, 'look', { clean: look.clean, known_seen: look.knownSeen });
      }),

    addCandidate: (submissionId, batch) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, ...SEARCHED);
        checkFree(submission, batch.id);
        batches.insert(batch, submission.accountId);
        batches.see(batch);
        if (!candidates.add(submissionId, batch.id)) return;
        submissionEvent(connection, submission, 'candidate_added', { batch_id: batch.id });
      }),

    rejectCandidate: (submissionId, batchId) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, ...SEARCHED);
        candidates.rejectByResults(submissionId, batchId);
        submissionEvent(connection, submission, 'candidate_rejected', { batch_id: batchId });
      }),

    adopt: (submissionId, batchId, by) =>
      write(() => {
        const owner = batches.owner(batchId);
        if (owner === undefined) throw unknownBatch(batchId);
        if (owner.submissionId === submissionId) return;
        const submission = submissions.factsIn(submissionId, ...SEARCHED);
        checkFree(submission, batchId);
        takeShard(connection, submission);
        candidates.verify(submissionId, batchId);
        candidates.rejectRivals(submissionId, batchId);
        batches.setOwner(batchId, submissionId);
        changeSubmission(connection, submission, { state: 'created' }, 'adopted', { batch_id: batchId, by });
        connection.foldJob(submission.jobId);
      }),

    disown: (submissionId, batchId) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, 'created');
        const ownedBy = batches.owner(batchId)?.submissionId ?? null;
        if (ownedBy !== submissionId) throw unknownBatch(batchId);
        if (submission.shardState !== 'live' && submission.shardState !== 'downloaded') {
          throw new StoreError(`${batchId} cannot be taken from shard ${submission.shardNumber}`, {
            code: 'shard_moved_on',
            why: `the shard is ${submission.shardState}`,
            next: 'batchctl verify',
          });
        }
        batches.setOwner(batchId, null);
        candidates.rejectByResults(submissionId, batchId);
        candidates.restoreRivals(submissionId, batchId);
        shards.forgetDownload(submission.shardId);
        const reason = `the results of ${batchId} are not this shard's`;
        changeSubmission(connection, submission, { state: 'in_doubt', reason }, 'disowned', {
          batch_id: batchId,
        });
        connection.foldJob(submission.jobId);
      }),

    judgeAbsent: (submissionId, { watchUntilMs, by }) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, 'in_doubt', 'stuck');
        const open = candidates.of(submissionId).filter(({ verdict }) => verdict !== 'rejected');
        if (by === 'evidence' && open.length > 0) {
          throw new StoreError(`shard ${submission.shardNumber} may exist at the API`, {
            code: 'candidates_open',
            why: `${open.map(({ batchId }) => batchId).join(', ')} may be its batch`,
            next: 'wait until it has ended',
          });
        }
        // Evidence leaves none open.
        candidates.rejectOpen(submissionId);
        changeSubmission(connection, submission, { state: 'absent', watchUntilMs }, 'judged_absent', { by });
        returnShard(connection, submission);
        connection.foldJob(submission.jobId);
      }),

    judgeStuck: (submissionId, reason) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, 'in_doubt', 'stuck');
        changeSubmission(connection, submission, { state: 'stuck', reason }, 'judged_stuck');
        connection.foldJob(submission.jobId);
      }),

    recordLateDuplicate: (submissionId, batchId) =>
      write(() => {
        const submission = submissions.facts(submissionId);
        if (events.isRecorded(submission.jobId, submissionId, 'late_duplicate', batchId)) return;
        if (batches.owner(batchId) !== undefined) candidates.verify(submissionId, batchId);
        submissionEvent(connection, submission, 'late_duplicate', { batch_id: batchId });
      }),

    keepLateDuplicate: (submissionId, batchId, kept) =>
      write(() => {
        const submission = submissions.facts(submissionId);
        if (events.isRecorded(submission.jobId, submissionId, KEPT, batchId)) return;
        submissionEvent(connection, submission, KEPT, keptDetail(batchId, kept));
        // Of a shard that is not applied, or whose cost is not known, nothing is kept yet.
        connection.shardSpending.addTwice(submission.shardId, kept.spent);
      }),
    lateDuplicates: (jobId) => read(() => events.lateDuplicates(jobId)),
  };
}

function unknownBatch(batchId: string): StoreError {
  return new StoreError(`${batchId} is not in the store`, {
    code: 'batch_unknown',
    why: 'it was neither sent from here nor found while looking for a lost answer',
    next: 'batchctl list --remote',
  });
}
