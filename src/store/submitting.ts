import { AuthError, StoreError } from '../core/errors.ts';
import type { Account, Job } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { Connection } from './connection.ts';
import { refusalDetail } from './queue.ts';
import { dropBuilding } from './rounds.ts';
import { changeSubmission, retireShard, returnShard, submissionEvent, takeShard } from './settling.ts';

type Submitting = Pick<
  JobStore,
  | 'requestSubmission'
  | 'withdrawSubmission'
  | 'startSubmission'
  | 'seal'
  | 'abortSubmission'
  | 'recordBatch'
  | 'rejectSubmission'
  | 'doubtSubmission'
  | 'settleAfterCrash'
  | 'splitShard'
>;

export function submitting(connection: Connection): Submitting {
  const { accounts, identity, jobs, shards, requests, submissions, batches, candidates, events, write } =
    connection;

  return {
    requestSubmission: (jobId, account, mode, at) =>
      write(() => {
        const job = jobs.byId(jobId);
        if (job.state === 'building') throw notReady(`job ${job.jobId}`, 'it is still being built');
        if (job.account !== null) {
          checkAccount(job, job.account, account);
          return;
        }
        jobs.requestSubmission(jobId, accounts.ensure(account), mode, at);
        // Also back to batches, after a submission that was withdrawn.
        shards.routeAll(jobId, mode);
        events.record({ jobId, kind: 'submission_requested', detail: { base_url: account.baseUrl, mode } });
        connection.foldJob(jobId);
      }),

    withdrawSubmission: (jobId) =>
      write(() => {
        const job = jobs.byId(jobId);
        if (submissions.isSent(jobId)) throw notReady(`job ${job.jobId}`, 'a shard of it was sent already');
        jobs.withdrawSubmission(jobId);
        events.record({ jobId, kind: 'submission_withdrawn' });
        connection.foldJob(jobId);
      }),

    startSubmission: (shardId, account, uploadStartedMs) =>
      write(() => {
        const shard = shards.byId(shardId);
        const job = jobs.byId(shard.jobId);
        if (job.account === null) throw notReady(`job ${job.jobId}`, 'nobody asked for its submission');
        checkAccount(job, job.account, account);
        if (shard.state !== 'built') throw notReady(`shard ${shard.number}`, `it is ${shard.state}`);
        if (submissions.liveOf(shardId) !== null) {
          throw notReady(`shard ${shard.number}`, 'an earlier submission of it is not settled');
        }
        const submission = submissions.start(shardId, accounts.ensure(account), uploadStartedMs);
        events.record({
          jobId: job.id,
          shardId,
          submissionId: submission.id,
          kind: 'submission_started',
          detail: { shard: shard.number, number: submission.number },
        });
        return submission;
      }),

    seal: (submissionId, { sealedMs, fence }) =>
      write(() => {
        const submission = submissions.facts(submissionId);
        if (!submissions.seal(submissionId, sealedMs, fence)) {
          throw new StoreError(`shard ${submission.shardNumber} was not submitted`, {
            code: 'seal_lost',
            why: `its submission is ${submission.state} and the shard ${submission.shardState}: another run has settled it`,
            next: 'start the same command again',
          });
        }
        identity.countSeal();
        shards.setState(submission.shardId, 'live');
        accounts.nameOwner(submission.accountId, fence);
        submissionEvent(connection, submission, 'sealed', { fence: fence.batchIds.length });
        connection.foldJob(submission.jobId);
      }),

    abortSubmission: (submissionId, reason) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, 'uploading', 'sealed', 'aborted');
        if (submission.state === 'aborted') return;
        changeSubmission(connection, submission, { state: 'aborted', reason }, 'submission_aborted');
        returnShard(connection, submission);
        connection.foldJob(submission.jobId);
      }),

    async recordBatch(submissionId, batch, stamp) {
      const refused = await write(() => {
        const submission = submissions.facts(submissionId);
        const owner = batches.owner(batch.id)?.submissionId ?? null;
        if (owner === submissionId) return null;
        submissions.factsIn(submissionId, 'sealed', 'in_doubt', 'stuck');
        if (owner !== null) {
          const reason = `the API answered with ${batch.id}, which is another submission's`;
          changeSubmission(connection, submission, { state: 'in_doubt', reason }, 'submission_doubted');
          connection.foldJob(submission.jobId);
          return new StoreError(
            `the answer for shard ${submission.shardNumber} names a batch that is known`,
            {
              code: 'batch_known',
              why: `${batch.id} is already the batch of another submission`,
              next: 'batchctl resume',
            },
          );
        }
        batches.insert(batch, submission.accountId);
        batches.see(batch);
        batches.setOwner(batch.id, submissionId);
        candidates.rejectRivals(submissionId, batch.id);
        accounts.nameOwner(submission.accountId, stamp);
        changeSubmission(
          connection,
          submission,
          { state: 'created', answerRequestId: stamp.requestId },
          'batch_recorded',
          {
            batch_id: batch.id,
          },
        );
        connection.foldJob(submission.jobId);
        return null;
      });
      if (refused !== null) throw refused;
    },

    rejectSubmission: (submissionId, { status, requestId, reason, watchUntilMs, queue: refused = null }) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, 'sealed');
        const answer = { reason, answerStatus: status, answerRequestId: requestId, watchUntilMs };
        changeSubmission(connection, submission, { state: 'rejected', ...answer }, 'submission_rejected', {
          status,
          request_id: requestId,
          ...(refused === null ? {} : { queue: refusalDetail(refused) }),
        });
        returnShard(connection, submission);
        connection.foldJob(submission.jobId);
      }),

    doubtSubmission: (submissionId, { reason, status, requestId, candidate = null }) =>
      write(() => {
        const submission = submissions.factsIn(submissionId, 'sealed', 'in_doubt', 'absent', 'rejected');
        // One that was judged not to exist comes back only as long as its shard was not sent again.
        takeShard(connection, submission);
        const answer = { reason, answerStatus: status, answerRequestId: requestId };
        changeSubmission(connection, submission, { state: 'in_doubt', ...answer }, 'submission_doubted', {
          status,
          request_id: requestId,
        });
        if (candidate !== null && (batches.owner(candidate.id)?.submissionId ?? null) === null) {
          batches.insert(candidate, submission.accountId);
          batches.see(candidate);
          candidates.add(submissionId, candidate.id);
          submissionEvent(connection, submission, 'candidate_added', { batch_id: candidate.id });
        }
        connection.foldJob(submission.jobId);
      }),

    settleAfterCrash: (jobId) =>
      write(() => {
        const aborted = submissions.idsIn(jobId, 'uploading').map(submissions.facts);
        for (const submission of aborted) {
          changeSubmission(
            connection,
            submission,
            { state: 'aborted', reason: 'the run ended before the seal' },
            'submission_aborted',
          );
        }
        const doubted = submissions.idsIn(jobId, 'sealed').map(submissions.facts);
        for (const submission of doubted) {
          const reason = 'the run ended between the seal and the answer';
          changeSubmission(connection, submission, { state: 'in_doubt', reason }, 'submission_doubted');
        }
        if (jobs.byId(jobId).state !== 'building') {
          dropBuilding(connection, jobId);
        }
        connection.foldJob(jobId);
        return { aborted: aborted.length, doubted: doubted.length };
      }),

    splitShard: (shardId, parts) =>
      write(() => {
        const shard = shards.byId(shardId);
        if (shard.state !== 'built' || submissions.liveOf(shardId) !== null) {
          throw notReady(
            `shard ${shard.number}`,
            `it is ${shard.state}, and only what cannot exist may be split`,
          );
        }
        for (const part of parts) {
          if (!shards.close(part.shardId, part)) throw notReady(`shard ${part.shardId}`, 'it is no part');
          shards.setSplitFrom(part.shardId, shardId);
          const moved = requests.move(shardId, part.shardId, part.fromSeq, part.toSeq);
          if (moved === part.requests) continue;
          throw new RangeError(
            `part ${part.shardId} of shard ${shardId} takes ${moved} rows of ${part.requests}`,
          );
        }
        retireShard(connection, shardId);
        events.record({
          jobId: shard.jobId,
          shardId,
          kind: 'shard_split',
          detail: { shard: shard.number, parts: parts.map((part) => shards.byId(part.shardId).number) },
        });
        connection.foldJob(shard.jobId);
      }),
  };
}

function notReady(what: string, why: string): StoreError {
  return new StoreError(`${what} cannot be submitted`, {
    code: 'not_ready',
    why,
    next: 'batchctl status',
  });
}

/** Another key of the same address is the caller's to judge: keys are rotated, and workspaces are told by the answers. */
function checkAccount(job: Job, bound: Account, given: Account): void {
  if (bound.baseUrl === given.baseUrl) return;
  throw new AuthError(`job ${job.jobId} belongs to another account`, {
    code: 'other_account',
    why: `it was submitted to ${masked(bound)}, and this would be ${masked(given)}`,
    next: 'use the base URL and the key that the job was submitted with',
  });
}

function masked({ baseUrl, keyFingerprint }: Account): string {
  return `${baseUrl} (key ${keyFingerprint.slice(0, 4)}…)`;
}
