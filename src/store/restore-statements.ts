import type { JournalBatch, JournalJob } from '../core/journal.ts';
import type { Db } from './open.ts';

export type RestoreStatements = ReturnType<typeof prepareRestore>;

/** Those by which a job is put back as its journal tells of it, past the ways in which it came to be. */
export function prepareRestore(db: Db) {
  return {
    job: db.prepare<{ jobId: string; name: string; specJson: string; createdAt: string }>(`
      INSERT INTO jobs (job_id, name, spec_json, state, created_at)
      VALUES (:jobId, :name, :specJson, 'building', :createdAt)
    `),
    facts: db.prepare<{
      id: number;
      accountId: number | null;
      mode: JournalJob['mode'];
      submitRequestedAt: string | null;
      cancelRequestedAt: string | null;
      maxMicroUsd: number | null;
      pilotJson: string | null;
      estimateJson: string | null;
    }>(`
      UPDATE jobs
      SET account_id = :accountId, mode = :mode, submit_requested_at = :submitRequestedAt,
          cancel_requested_at = :cancelRequestedAt, max_microusd = :maxMicroUsd, pilot_json = :pilotJson,
          estimate_json = :estimateJson
      WHERE id = :id
    `),
    close: db.prepare<{
      id: number;
      requests: number;
      bodyBytes: number;
      fileSha256: string;
      sizesJson: string | null;
      splitFromId: number | null;
    }>(`
      UPDATE shards
      SET state = 'built', requests = :requests, body_bytes = :bodyBytes, file_sha256 = :fileSha256,
          sizes_json = :sizesJson, split_from_id = :splitFromId
      WHERE id = :id
    `),
    held: db.prepare<{ id: number; held: number }>(`
      UPDATE stages
      SET held = :held
      WHERE id = :id
    `),
    past: db.prepare<{ stageId: number; seq: number; attempt: number; shardId: number; status: string }>(`
      INSERT INTO past_attempts (stage_id, seq, attempt, shard_id, status, failure)
      VALUES (:stageId, :seq, :attempt, :shardId, :status, :status)
    `),
    attempt: db.prepare<{ stageId: number; seq: number; attempt: number }>(`
      UPDATE requests
      SET attempt = :attempt
      WHERE stage_id = :stageId AND seq = :seq
    `),
    submission: db.prepare<{
      shardId: number;
      number: number;
      accountId: number;
      state: string;
      uploadStartedAt: string;
      sealedAt: string;
      reason: string | null;
      answerStatus: number | null;
      answerRequestId: string | null;
      watchUntilAt: string | null;
      fenceJson: string;
    }>(`
      INSERT INTO submissions (shard_id, number, account_id, state, upload_started_at, sealed_at, reason, answer_status,
        answer_request_id, watch_until_at, fence_json)
      VALUES (:shardId, :number, :accountId, :state, :uploadStartedAt, :sealedAt, :reason, :answerStatus,
        :answerRequestId, :watchUntilAt, :fenceJson)
    `),
    batch: db.prepare<JournalBatch & { readonly account_id: number }>(`
      INSERT INTO batches (batch_id, account_id, processing_status, processing, succeeded, errored, canceled, expired,
        created_at, expires_at, ended_at, cancel_initiated_at, archived_at, results_url, described_json, seen_at)
      VALUES (:batch_id, :account_id, :processing_status, :processing, :succeeded, :errored, :canceled, :expired,
        :created_at, :expires_at, :ended_at, :cancel_initiated_at, :archived_at, :results_url, :described_json, :seen_at)
      ON CONFLICT DO NOTHING
    `),
    owner: db.prepare<{ batchId: string; submissionId: number }>(`
      UPDATE batches
      SET submission_id = :submissionId
      WHERE batch_id = :batchId AND submission_id IS NULL
    `),
    candidate: db.prepare<{
      submissionId: number;
      batchId: string;
      verdict: string;
      rejectedBy: string | null;
    }>(`
      INSERT INTO candidates (submission_id, batch_id, verdict, rejected_by)
      VALUES (:submissionId, :batchId, :verdict, :rejectedBy)
    `),
    event: db.prepare<{
      at: string;
      jobId: number;
      shardId: number | null;
      submissionId: number | null;
      kind: string;
      detailJson: string;
    }>(`
      INSERT INTO events (at, job_id, shard_id, submission_id, kind, detail_json)
      VALUES (:at, :jobId, :shardId, :submissionId, :kind, :detailJson)
    `),
  };
}
