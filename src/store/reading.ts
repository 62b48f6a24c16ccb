import type { JobStore } from '../core/ports/store.ts';
import type { RowView, ShardView } from '../core/ports/store-views.ts';
import type { Connection } from './connection.ts';
import type { FindJob } from './find-job.ts';

type Reading = Pick<
  JobStore,
  | 'findJob'
  | 'jobById'
  | 'listJobs'
  | 'buildingJobs'
  | 'finalJobsWithout'
  | 'endedBatches'
  | 'shards'
  | 'rows'
  | 'rowsOf'
  | 'shardSeqs'
  | 'seqsOf'
  | 'rowByCustomId'
  | 'snapshot'
  | 'recordEvent'
  | 'events'
>;

const SEQS_CHUNK = 10_000;

export function reading(connection: Connection, findJobId: FindJob): Reading {
  const {
    jobs,
    stages,
    shards,
    records,
    requests,
    attempts,
    submissions,
    batches,
    candidates,
    events,
    read,
    write,
    snapshot,
  } = connection;

  function viewShards(jobId: number): readonly ShardView[] {
    const submissionOf = new Map(submissions.ofJob(jobId).map((one) => [one.shardId, one]));
    const batchOf = batches.ofJob(jobId);
    const candidatesOf = candidates.ofJob(jobId);
    return shards
      .ofJob(jobId)
      .filter(({ shard }) => shard.state !== 'split')
      .map(({ shard, tally, cost }) => {
        const submission = submissionOf.get(shard.id) ?? null;
        return {
          shard,
          submission,
          batch: submission === null ? null : (batchOf.get(submission.id) ?? null),
          candidates: submission === null ? [] : (candidatesOf.get(submission.id) ?? []),
          tally,
          cost,
        };
      });
  }

  return {
    findJob: (text) => read(() => jobs.byId(findJobId(text))),
    jobById: (id) => read(() => jobs.byId(id)),
    listJobs: ({ pendingOnly, limit }) => read(() => jobs.newest(pendingOnly, limit)),
    buildingJobs: () => read(() => jobs.building()),
    finalJobsWithout: (kind) => read(() => jobs.finalWithout(kind)),
    endedBatches: (baseUrl, limit) => read(() => batches.ended(baseUrl, limit)),
    shards: (jobId) => read(() => viewShards(jobId)),
    rows: (jobId, stage, afterSeq, limit) => read(() => requests.after(jobId, stage, afterSeq, limit)),
    rowsOf: (stageId, seqs) =>
      read(() => seqs.map((seq) => requests.row(stageId, seq)).filter((row) => row !== undefined)),

    shardSeqs: (shardId) =>
      read(() => {
        const seqs: number[] = [];
        for (;;) {
          const chunk = requests.seqsAfter(shardId, seqs.at(-1) ?? Number.MIN_SAFE_INTEGER, SEQS_CHUNK);
          for (const seq of chunk) seqs.push(seq);
          if (chunk.length < SEQS_CHUNK) break;
        }
        const past = attempts.seqsOf(shardId);
        return past.length === 0 ? seqs : [...seqs, ...past].sort((a, b) => a - b);
      }),

    seqsOf: (jobId, customIds) =>
      read(() => {
        const seqs = new Map<string, number>();
        for (const customId of customIds) {
          const seq = records.seqOf(jobId, customId);
          if (seq !== undefined) seqs.set(customId, seq);
        }
        return seqs;
      }),

    rowByCustomId: (jobId, customId, stage) =>
      read((): RowView | null => {
        const seq = records.seqOf(jobId, customId);
        if (seq === undefined) return null;
        const rows = stages
          .ids(jobId)
          .map((stageId) => requests.row(stageId, seq))
          .filter((row) => row !== undefined);
        if (stage !== null) return rows.find((row) => row.stage === stage) ?? null;
        // What failed says more than what is held because of it, or than what came before it.
        const failed = rows.find((row) => row.failure !== null && row.shardId !== null);
        return failed ?? rows.findLast((row) => row.shardId !== null) ?? rows[0] ?? null;
      }),

    snapshot,

    recordEvent: (event) => write(() => events.record(event)),
    events: (jobId) => read(() => events.ofJob(jobId)),
  };
}
