import { foldJobState, isFinal, type Job, type ShardFacts } from '../core/job.ts';
import { prepareAccounts } from './accounts.ts';
import { prepareAttempts } from './attempts.ts';
import { prepareBatches } from './batches.ts';
import { prepareCandidates } from './candidates.ts';
import { prepareContents } from './contents.ts';
import { prepareEvents } from './events.ts';
import { prepareIdentity } from './identity.ts';
import { prepareIntegrity } from './integrity.ts';
import { prepareJobSpending } from './job-spending.ts';
import { prepareJobs } from './jobs.ts';
import type { Db } from './open.ts';
import { prepareQueue } from './queue.ts';
import { prepareRecords } from './records.ts';
import { prepareRequests } from './requests.ts';
import { prepareShardSpending } from './shard-spending.ts';
import { prepareShards } from './shards.ts';
import { toStoreError } from './sqlite-errors.ts';
import { prepareStages } from './stages.ts';
import { prepareSubmissions } from './submissions.ts';
import { prepareUnsettled } from './unsettled.ts';

/** The statements of every table on one connection, and the two ways to run them. */
export type Connection = ReturnType<typeof openConnection>;

export function openConnection(db: Db, now: () => Date, isTaken?: (jobId: string) => boolean) {
  const accounts = prepareAccounts(db);
  const stages = prepareStages(db);
  const jobs = prepareJobs(db, stages, isTaken);
  const shards = prepareShards(db);
  const jobSpending = prepareJobSpending(db);
  const shardSpending = prepareShardSpending(db);
  const records = prepareRecords(db);
  const requests = prepareRequests(db);
  const attempts = prepareAttempts(db);
  const contents = prepareContents(db);
  const submissions = prepareSubmissions(db);
  const unsettled = prepareUnsettled(db);
  const queue = prepareQueue(db);
  const batches = prepareBatches(db, now);
  const candidates = prepareCandidates(db);
  const events = prepareEvents(db, now);
  const identity = prepareIdentity(db);
  const integrity = prepareIntegrity(db);

  return {
    accounts,
    jobs,
    stages,
    shards,
    jobSpending,
    shardSpending,
    records,
    requests,
    attempts,
    contents,
    submissions,
    unsettled,
    queue,
    batches,
    candidates,
    events,
    identity,
    integrity,

    /**
     * All of `work` or nothing. It takes the write lock first, so that what it reads cannot change before it writes, and
     * it is synchronous, so that nothing else of this process gets between.
     */
    write: <T>(work: () => T): Promise<T> => settle(db, () => db.transaction(work).immediate()),

    /**
     * The same for one of many writes that count for nothing before a later `write`: rows of a build, outcomes that stand in
     * the raw results too. It does not wait for the disk, which took a third of a second each on a busy one (1,000 rows,
     * measured 2026-11). A power cut may take it with all that came after it; the `write` that makes it count syncs the
     * log, and so every commit before it. Source: sqlite.org/pragma.html#pragma_synchronous.
     */
    writeAhead: <T>(work: () => T): Promise<T> =>
      settle(db, () => {
        db.pragma('synchronous = NORMAL');
        try {
          return db.transaction(work).immediate();
        } finally {
          db.pragma('synchronous = FULL');
        }
      }),

    /** One snapshot for all that `work` reads. */
    read: <T>(work: () => T): Promise<T> => settle(db, () => db.transaction(work).deferred()),

    /** One snapshot for all that is read while `work` goes on: the transactions above nest in it. Never commits. */
    snapshot: async <T>(work: () => Promise<T>): Promise<T> => {
      await settle(db, () => db.exec('BEGIN'));
      try {
        return await work();
      } finally {
        // SQLite has ended it by itself where the disk or the memory gave out.
        if (db.inTransaction) await settle(db, () => db.exec('ROLLBACK'));
      }
    },

    /** To be called at the end of every write that changes a shard, a submission or whether a batch has ended. */
    foldJob(jobId: number): void {
      const job = jobs.byId(jobId);
      if (job.state === 'building' || isFinal(job.state)) return;
      const state = foldJobState(foldedFacts(job), job.submitRequestedAt !== null);
      if (state !== job.state) jobs.setState(jobId, state);
    },
  };

  /**
   * Enough of the job's shards to fold it. A doubt outweighs an unsent shard, and that all the rest, and each is found
   * without reading all shards: a job of thousands is folded twice for every one that it sends.
   */
  function foldedFacts({ id, stages: ofJob }: Job): readonly ShardFacts[] {
    if (unsettled.isAnyInDoubt(id)) return [{ state: 'live', inDoubt: true, batchEnded: false }];
    if (shards.isAnyBuilt(ofJob.map((stage) => stage.id)))
      return [{ state: 'built', inDoubt: false, batchEnded: false }];
    return shards.facts(id);
  }
}

async function settle<T>(db: Db, work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    throw toStoreError(error, db.name);
  }
}
