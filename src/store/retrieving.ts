import { type Batch, hasEnded } from '../core/batch.ts';
import { StoreError } from '../core/errors.ts';
import { isFinal, isSettledJob } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { Shard, ShardState } from '../core/shard.ts';
import { type BatchOwner, isNews } from './batches.ts';
import type { Connection } from './connection.ts';
import { cancelShard, shardIn } from './settling.ts';

type Retrieving = Pick<
  JobStore,
  | 'recordSeen'
  | 'recordAllSeen'
  | 'recordNotFound'
  | 'setShardState'
  | 'recordDownload'
  | 'rawFacts'
  | 'applyOutcomes'
  | 'settleRest'
  | 'finishShard'
  | 'finishJob'
  | 'requestCancel'
>;

/**
 * Where `setShardState` may take a shard from each state. The others are reached by the calls that bring what belongs to
 * them: a seal, a download, a tally, a split.
 */
const MOVES: Readonly<Record<ShardState, readonly ShardState[]>> = {
  building: [],
  built: [],
  live: ['downloaded'],
  downloaded: ['live'],
  applied: ['downloaded', 'live'],
  split: [],
  canceled: [],
  lost: ['live', 'downloaded'],
};

const FINISHED_FROM: Readonly<Record<'applied' | 'canceled' | 'lost', readonly ShardState[]>> = {
  applied: ['downloaded', 'applied'],
  canceled: ['built', 'canceled'],
  lost: ['live', 'downloaded', 'lost'],
};

export function retrieving(connection: Connection): Retrieving {
  const { jobs, stages, shards, requests, attempts, submissions, batches, events, read, write, writeAhead } =
    connection;

  /** Returns the job that is to be folded for it, if any. */
  function see(batch: Batch, before: BatchOwner): number | null {
    batches.see(batch);
    if (before.submissionId === null || !isNews(before, batch)) return null;
    const { jobId, shardId } = submissions.facts(before.submissionId);
    const detail = { batch_id: batch.id, processing_status: batch.processingStatus };
    events.record({ jobId, shardId, submissionId: before.submissionId, kind: 'batch_changed', detail });
    return jobId;
  }

  return {
    recordSeen: (batch) =>
      write(() => {
        const before = batches.owner(batch.id);
        const jobId = before === undefined ? null : see(batch, before);
        if (jobId !== null) connection.foldJob(jobId);
      }),

    recordAllSeen: (listed) =>
      write(() => {
        const changed = new Set<number>();
        for (const batch of listed) {
          const before = batches.owner(batch.id);
          if (before === undefined || hasEnded(before)) continue;
          const jobId = see(batch, before);
          if (jobId !== null) changed.add(jobId);
        }
        for (const jobId of changed) connection.foldJob(jobId);
      }),

    recordNotFound: (batchId, serverMs) =>
      write(() => {
        const evidence = batches.notFound(batchId, serverMs);
        if (evidence !== null) return evidence;
        throw new StoreError(`${batchId} is not in the store`, {
          code: 'batch_unknown',
          next: 'batchctl doctor',
        });
      }),

    setShardState: (shardId, state) =>
      write(() => {
        const shard = shards.byId(shardId);
        if (shard.state === state) return;
        // Back to `live` takes the outcomes with it. In a final job that waits for a download that has succeeded.
        const isBarred = state === 'live' && isFinal(jobs.byId(shard.jobId).state);
        if (isBarred || !MOVES[shard.state].includes(state)) {
          throw new StoreError(`shard ${shard.number} cannot become ${state}`, {
            code: 'shard_moved_on',
            why: `it is ${shard.state}`,
            next: 'batchctl status',
          });
        }
        if (state === 'live') {
          // Outcomes point into the raw results, which are gone or damaged.
          requests.forgetOutcomes(shardId);
          shards.forgetDownload(shardId);
        } else shards.setState(shardId, state);
        events.record({
          jobId: shard.jobId,
          shardId,
          kind: 'shard_moved',
          detail: { shard: shard.number, from: shard.state, to: state },
        });
        connection.foldJob(shard.jobId);
      }),

    recordDownload: (shardId, raw) =>
      write(() => {
        const { route } = shards.byId(shardId);
        const unsent: readonly ShardState[] = route !== 'batch' ? ['built'] : [];
        const shard = shardIn(connection, shardId, [...unsent, 'live', 'downloaded', 'applied', 'lost']);
        // The server promises no order, so the same row may stand elsewhere than in an earlier download.
        requests.forgetOutcomes(shardId);
        shards.recordDownload(shardId, raw);
        events.record({
          jobId: shard.jobId,
          shardId,
          kind: 'downloaded',
          detail: { shard: shard.number, bytes: raw.bytes, sha256: raw.sha256 },
        });
        connection.foldJob(shard.jobId);
      }),

    rawFacts: (shardId) => read(() => shards.raw(shardId)),

    applyOutcomes: (shardId, outcomes) =>
      writeAhead(() => {
        const { stageId, number } = shardIn(connection, shardId, ['downloaded', 'applied']);
        for (const outcome of outcomes) {
          if (requests.setOutcome(stageId, shardId, outcome)) continue;
          if (attempts.setOutcome(stageId, shardId, outcome)) continue;
          throw new RangeError(`shard ${number} has no request ${outcome.seq}`);
        }
      }),

    settleRest: (shardId, status, failure) =>
      write(() => {
        shardIn(connection, shardId, ['built', 'live', 'downloaded', 'applied', 'lost', 'canceled']);
        return requests.settleRest(shardId, status, failure);
      }),

    finishShard: (shardId, state, tally, spent) =>
      write(() => {
        const shard = shardIn(connection, shardId, FINISHED_FROM[state]);
        const unsettled = requests.countUnsettled(shardId);
        const rows = requests.count(shardId);
        if (unsettled > 0 || tally.requests !== rows) {
          throw new StoreError(`shard ${shard.number} is not settled`, {
            code: 'rows_unsettled',
            why: `of ${rows} requests ${unsettled} have no verdict, and ${tally.requests} were counted`,
            next: 'batchctl verify',
          });
        }
        // A second batch of the shard was paid as well, whichever of the two came first.
        const twice = spent === undefined ? [] : events.keptSpent(shard.jobId, shardId);
        shards.finish(shardId, state, tally, spent === undefined ? null : [...spent, ...twice]);
        events.record({
          jobId: shard.jobId,
          shardId,
          kind: 'shard_finished',
          detail: { shard: shard.number, state },
        });
        connection.foldJob(shard.jobId);
      }),

    finishJob: (jobId, state, at) =>
      write(() => {
        const job = jobs.byId(jobId);
        if (job.state === state) return;
        const facts = shards.facts(jobId);
        // What was lost may answer after all; nothing else ever leaves a final state.
        const isMended = job.state === 'failed' && facts.every((shard) => shard.state !== 'lost');
        const isWaiting = stages.facts(jobId).some((stage) => stage.state === 'waiting');
        const isOpen = job.state === 'building' || isWaiting || !isSettledJob(facts);
        if ((isFinal(job.state) && !isMended) || isOpen) {
          throw new StoreError(`job ${job.jobId} cannot become ${state}`, {
            code: 'job_unsettled',
            why: isFinal(job.state) ? `it is ${job.state}` : 'some of its requests have no verdict yet',
            next: `batchctl status ${job.jobId}`,
          });
        }
        jobs.finish(jobId, state, at);
        events.record({ jobId, kind: 'job_finished', detail: { state } });
      }),

    requestCancel: (jobId, at) =>
      write(() => {
        const job = jobs.byId(jobId);
        if (isFinal(job.state)) return 0;
        // A retry of a canceled job that is being built must notice a second cancel too.
        const isRetried = shards.ofJob(jobId).some(({ shard }) => shard.state === 'building');
        if (job.cancelRequestedAt === null || isRetried) {
          jobs.requestCancel(jobId, at);
          events.record({ jobId, kind: 'cancel_requested' });
        }
        // What is asked one by one may have answers already, and what was reused has: whoever settles the rest keeps them.
        const isAnswered = ({ route }: Shard): boolean =>
          route === 'real_time' || (route === 'none' && job.submitRequestedAt !== null);
        const unsent = shards
          .ofJob(jobId)
          .filter(({ shard }) => shard.state === 'built' && !isAnswered(shard));
        // One that is being uploaded right now is canceled too: its seal asks for a shard that is built.
        for (const { shard } of unsent) cancelShard(connection, shard);
        connection.foldJob(jobId);
        return unsent.length;
      }),
  };
}
