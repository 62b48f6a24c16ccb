import type { JournalBatch, JournalShard, JournalSubmission } from '../core/journal.ts';
import type { RestoredFacts, RestoredJob, RestoringStore } from '../core/ports/restoring.ts';
import { type Connection, openConnection } from './connection.ts';
import { assembleJobStore } from './job-store.ts';
import { readTally } from './json-columns.ts';
import { readSpent } from './json-money.ts';
import type { Db } from './open.ts';
import { prepareRestore, type RestoreStatements } from './restore-statements.ts';
import { cancelShard } from './settling.ts';

/** What became of a shard whose doubt has no reason of its own. */
const REBUILT = 'the run ended between the seal and the answer';

/** The port on a database that holds nothing yet. */
export function restoring(db: Db, now: () => Date): RestoringStore {
  const connection = openConnection(db, now);
  const { accounts, jobs, stages, shards, requests, candidates, write } = connection;
  const statements = prepareRestore(db);

  function accountId(account: JournalSubmission['account']): number {
    const id = accounts.ensure({ baseUrl: account.base_url, keyFingerprint: account.key_fingerprint });
    accounts.nameOwner(id, { organizationId: account.organization_id, workspaceId: account.workspace_id });
    return id;
  }

  function addSubmission(shardId: number, submission: JournalSubmission): number {
    const isOpen = submission.state === 'sealed';
    const account = accountId(submission.account);
    const { lastInsertRowid } = statements.submission.run({
      shardId,
      number: submission.number,
      accountId: account,
      // What an answer followed is in its line; of this one there was none.
      state: isOpen ? 'in_doubt' : submission.state,
      uploadStartedAt: submission.upload_started_at,
      sealedAt: submission.sealed_at,
      reason: isOpen ? REBUILT : submission.reason,
      answerStatus: submission.answer_status,
      answerRequestId: submission.answer_request_id,
      watchUntilAt: submission.watch_until_at,
      fenceJson: JSON.stringify(submission.fence),
    });
    const id = Number(lastInsertRowid);
    const add = (batch: JournalBatch): void => void statements.batch.run({ ...batch, account_id: account });
    if (submission.batch !== null) {
      add(submission.batch);
      statements.owner.run({ batchId: submission.batch.batch_id, submissionId: id });
    }
    for (const { verdict, rejected_by, batch } of submission.candidates) {
      add(batch);
      statements.candidate.run({
        submissionId: id,
        batchId: batch.batch_id,
        verdict,
        rejectedBy: rejected_by,
      });
    }
    return id;
  }

  return {
    store: assembleJobStore(db, now),

    begin: (job, all) =>
      write(() => {
        const { lastInsertRowid } = statements.job.run({
          jobId: job.job_id,
          name: job.name,
          specJson: JSON.stringify(job.spec),
          createdAt: job.created_at,
        });
        const id = Number(lastInsertRowid);
        const { spec } = jobs.byId(id);
        stages.insert(id, spec.stages, spec.needs);
        const stageIds = new Map(stages.facts(id).map((stage) => [stage.name, stage.id]));
        const shardIds = new Map<string, number>();
        for (const shard of all) {
          const stageId = stageIds.get(shard.stage);
          if (stageId === undefined) throw new RangeError(`job ${job.job_id} has no stage ${shard.stage}`);
          shardIds.set(shard.nonce, shards.open(stageId, shard));
        }
        return { id, stageIds, shardIds };
      }),

    addPast: (stageId, rows) =>
      write(() => {
        for (const { seq, past } of rows) {
          for (const [index, { shardId, isCanceled }] of past.entries()) {
            const status = isCanceled ? 'canceled' : 'missing';
            statements.past.run({ stageId, seq, attempt: index + 1, shardId, status });
          }
          statements.attempt.run({ stageId, seq, attempt: past.length + 1 });
        }
      }),

    settle: (restored, facts) => write(() => settle(restored, facts)),

    setTotals: ({ stageIds, shardIds }, all, { shards: totals, held }) =>
      write(() => {
        for (const { nonce, state } of all) {
          if (state !== 'applied' && state !== 'canceled' && state !== 'lost') continue;
          const shardId = shardIds.get(nonce);
          const known = totals.find((one) => one.nonce === nonce);
          if (shardId === undefined || known === undefined)
            throw new RangeError(`no totals of shard ${nonce}`);
          shards.finish(
            shardId,
            state,
            readTally(known.tally),
            known.spent === null ? null : readSpent(known.spent),
          );
        }
        for (const [name, id] of stageIds) statements.held.run({ id, held: held[name] ?? 0 });
      }),

    finish: (jobId, { state, at }) =>
      write(() => {
        jobs.finish(jobId, state, new Date(at));
      }),
  };

  function settle(
    { id, stageIds, shardIds }: RestoredJob,
    { job, shards: all, events }: RestoredFacts,
  ): void {
    const idOf = (nonce: string | null): number | null =>
      nonce === null ? null : (shardIds.get(nonce) ?? null);
    const submissionIds = new Map<string, number>();
    for (const shard of all) {
      const shardId = idOf(shard.nonce);
      if (shardId === null) continue;
      setFacts(connection, shardId, shard, idOf(shard.split_from), statements);
      for (const submission of shard.submissions) {
        submissionIds.set(`${shard.nonce} ${submission.number}`, addSubmission(shardId, submission));
      }
    }
    jobs.markBuilt(id, job.records, job.content_sha256);
    statements.facts.run({
      id,
      accountId: job.account === null ? null : accountId(job.account),
      mode: job.mode,
      submitRequestedAt: job.submit_requested_at,
      cancelRequestedAt: job.cancel_requested_at,
      maxMicroUsd: job.max_microusd,
      pilotJson: toJson(job.pilot),
      estimateJson: toJson(job.estimate),
    });
    for (const name of job.open_stages) {
      const stageId = stageIds.get(name);
      if (stageId !== undefined) stages.open(stageId);
    }
    for (const { at, event, nonce, submission, detail } of events) {
      statements.event.run({
        at,
        jobId: id,
        shardId: idOf(nonce),
        submissionId: submission === null ? null : (submissionIds.get(`${nonce} ${submission}`) ?? null),
        kind: event,
        detailJson: JSON.stringify(detail),
      });
    }
    // A batch that has found its submission is no other one's any more.
    for (const shard of all)
      for (const submission of shard.submissions) {
        const owner = submissionIds.get(`${shard.nonce} ${submission.number}`);
        if (owner !== undefined && submission.batch !== null)
          candidates.rejectRivals(owner, submission.batch.batch_id);
      }
    for (const shard of all) {
      const shardId = idOf(shard.nonce);
      if (shardId === null) continue;
      if (shard.state === 'canceled') cancelShard(connection, shards.byId(shardId));
      if (shard.state === 'lost') loseRows(shardId);
    }
    connection.foldJob(id);
  }

  function loseRows(shardId: number): void {
    const missing = requests.settleRest(shardId, 'missing', 'missing');
    shards.finish(shardId, 'lost', lostTally(missing), null);
  }
}

function lostTally(missing: number) {
  const usage = { input: 0, output: 0, cacheCreation: 0, cacheRead: 0 };
  const failures = missing === 0 ? {} : { missing };
  return { requests: missing, succeeded: 0, errored: 0, canceled: 0, expired: 0, missing, failures, usage };
}

function toJson(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** The state that it can have before its rows are judged. */
function setFacts(
  { shards }: Connection,
  id: number,
  shard: JournalShard,
  splitFromId: number | null,
  statements: RestoreStatements,
): void {
  const { state, raw } = shard;
  statements.close.run({
    id,
    requests: shard.requests,
    bodyBytes: shard.body_bytes,
    fileSha256: shard.file_sha256,
    sizesJson: toJson(shard.sizes),
    splitFromId,
  });
  if (state === 'downloaded' || state === 'applied') {
    if (raw === null) throw new RangeError(`shard ${shard.nonce} is ${state} without raw results`);
    shards.recordDownload(id, raw);
  } else if (state === 'live' || state === 'split') shards.setState(id, state);
  // Lost ones are settled from `live`, canceled ones from `built`, once their rows are there.
  else if (state === 'lost') shards.setState(id, 'live');
}
