import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreError } from '../core/errors.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { NewRow, RowClash } from '../core/ports/store-views.ts';
import type { Connection } from './connection.ts';
import { outputKeyOf } from './requests.ts';

type Building = Pick<
  JobStore,
  'createJob' | 'openShard' | 'addRows' | 'closeShard' | 'finishBuild' | 'finishedTwin' | 'dropJob'
>;

/**
 * Rows that one transaction drops. Output keys are spread over their whole index, so small chunks would write most of it
 * again each time; all at once would block this process for seconds and need the job's size again for the log.
 */
const DROP_CHUNK = 250_000;

export function building(connection: Connection): Building {
  const { jobs, stages, shards, requests, submissions, events, write, writeAhead, read } = connection;

  return {
    createJob: (job) =>
      write(() => {
        const created = jobs.insert(job);
        events.record({ jobId: created.id, kind: 'job_created', detail: { job_id: created.jobId } });
        return created;
      }),

    openShard: (stageId, shard) =>
      write(() => {
        // A round in a final job: from here on it is unfinished, so that whoever comes after a crash puts it right.
        jobs.reopen(stages.jobOf(stageId));
        return shards.open(stageId, shard);
      }),

    addRows: (stageId, rows, elsewhere) =>
      writeAhead(() => {
        const jobId = stages.jobOf(stageId);
        for (const shardId of new Set(rows.map((row) => row.shardId))) {
          if (shardId === null) continue;
          const { state, stageId: owner } = shards.byId(shardId);
          if (owner !== stageId) throw new RangeError(`shard ${shardId} is not of stage ${stageId}`);
          if (state !== 'building') throw notBuilding(`shard ${shardId}`);
        }
        return insertRows(connection, { jobId, stageId }, rows, elsewhere);
      }),

    closeShard: (shardId, facts) =>
      write(() => {
        const { jobId } = shards.byId(shardId);
        if (!shards.close(shardId, facts)) throw notBuilding(`shard ${shardId}`);
        events.record({
          jobId,
          shardId,
          kind: 'shard_closed',
          detail: { requests: facts.requests, body_bytes: facts.bodyBytes, file_sha256: facts.fileSha256 },
        });
        connection.foldJob(jobId);
      }),

    finishBuild: (jobId, { records: count, contentSha256, reuse }) =>
      write(() => {
        const twin = reuse ? jobs.unfinished(contentSha256, jobs.byId(jobId)) : null;
        if (twin !== null) return twin;
        const built = shards.ofJob(jobId).map(({ shard }) => shard);
        for (const shard of built) {
          const rows = requests.count(shard.id);
          if (shard.state === 'built' && rows === shard.requests) continue;
          throw incomplete(
            jobId,
            `shard ${shard.number} is ${shard.state} with ${rows} rows of ${shard.requests}`,
          );
        }
        for (const stage of stages.facts(jobId)) {
          const rows = requests.countOfStage(stage.id);
          if (rows !== count) throw incomplete(jobId, `stage ${stage.name} has ${rows} of ${count} records`);
          if (stage.state === 'waiting') continue;
          const sum = built.reduce(
            (total, shard) => total + (shard.stageId === stage.id ? shard.requests : 0),
            0,
          );
          if (sum !== count) throw incomplete(jobId, `its shards hold ${sum} of ${count} records`);
        }
        if (!jobs.markBuilt(jobId, count, contentSha256)) throw notBuilding(`job ${jobId}`);
        events.record({ jobId, kind: 'job_built', detail: { records: count, shards: built.length } });
        return null;
      }),

    finishedTwin: (jobId) => read(() => jobs.finishedTwin(jobs.byId(jobId))),

    async dropJob(jobId) {
      // Not one transaction: from the first commit on the job is `building` again, which counts for nothing and which
      // any later run clears away, so a kill in between leaves no half a job.
      await write(() => unbuild(connection, jobId));
      await dropRows(connection, jobId);
      await write(() => {
        submissions.deleteOfJob(jobId);
        shards.deleteOfJob(jobId);
        stages.deleteOfJob(jobId);
        events.deleteOfJob(jobId);
        jobs.delete(jobId);
      });
    },
  };
}

/** Those of the job's records, and of their requests in every stage. */
export async function dropRows(connection: Connection, jobId: number): Promise<void> {
  const { stages, records, requests, attempts, write, read } = connection;
  for (const stageId of await read(() => stages.ids(jobId))) {
    await write(() => attempts.deleteOfStage(stageId));
    while ((await write(() => requests.deleteChunk(stageId, DROP_CHUNK))) > 0) await nextTurn();
  }
  while ((await write(() => records.deleteChunk(jobId, DROP_CHUNK))) > 0) await nextTurn();
}

/** Within a transaction. @throws StoreError when something of it was sent. */
export function unbuild({ jobs, submissions }: Connection, jobId: number): void {
  const job = jobs.byId(jobId);
  if (submissions.isSent(jobId)) {
    throw new StoreError(`job ${job.jobId} cannot be forgotten`, {
      code: 'job_submitted',
      why: 'it has been submitted, and its batches can only be found through it',
      next: `batchctl cancel ${job.jobId}`,
    });
  }
  jobs.markUnbuilt(jobId);
}

/** In order; see BuildingStore.addRows. */
export function insertRows<Row extends NewRow & { readonly shardId: number | null }>(
  connection: Connection,
  { jobId, stageId }: { readonly jobId: number; readonly stageId: number },
  rows: readonly Row[],
  elsewhere: ((row: Row) => Row) | undefined,
): readonly RowClash[] {
  const clashes: RowClash[] = [];
  for (const row of rows) {
    let clash = insertRow(connection, jobId, stageId, row);
    for (let moved = row; clash?.on === 'output' && elsewhere !== undefined; ) {
      moved = elsewhere(moved);
      clash = insertRow(connection, jobId, stageId, moved);
    }
    if (clash !== null) clashes.push(clash);
  }
  return clashes;
}

/** Null once it is in; a row that clashes is not there. */
function insertRow(
  { records, requests }: Connection,
  jobId: number,
  stageId: number,
  row: NewRow & { readonly shardId: number | null },
): RowClash | null {
  const { seq, customId, shardId, outputPath } = row;
  const isNew = records.insert({
    jobId,
    seq,
    customId,
    byteOffset: row.recordOffset,
    byteLength: row.recordLength,
  });
  if (!isNew) {
    const earlierSeq = records.seqOf(jobId, customId);
    if (earlierSeq === undefined) throw new RangeError(`record ${seq} of job ${jobId} has another custom_id`);
    // The same record in a later stage.
    if (earlierSeq !== seq) return { seq, on: 'custom_id', earlierSeq };
  }
  const outputKey = outputKeyOf(row.outputFold);
  if (requests.insert({ stageId, seq, shardId, outputKey, outputPath })) return null;
  const earlierSeq = requests.seqOfOutput(stageId, outputKey);
  if (earlierSeq === undefined) throw new RangeError(`no row of stage ${stageId} has the output of ${seq}`);
  if (isNew) records.delete(jobId, seq);
  return { seq, on: 'output', earlierSeq };
}

function notBuilding(what: string): StoreError {
  return new StoreError(`${what} is built already`, {
    code: 'not_building',
    why: 'what was built is never changed',
    next: 'start the same command again',
  });
}

function incomplete(jobId: number, why: string): StoreError {
  return new StoreError(`job ${jobId} is not complete`, {
    code: 'build_incomplete',
    why,
    next: 'start the same command again',
  });
}
