import { StoreError } from '../core/errors.ts';
import type { Owner } from '../core/owner.ts';
import type { ShardState } from '../core/shard.ts';
import type { Doubt, Fence, Submission, SubmissionState } from '../core/submission.ts';
import { readFence } from './json-columns.ts';
import type { Db } from './open.ts';
import { fromTime, toTime } from './times.ts';

interface SubmissionRow {
  readonly id: number;
  readonly shardId: number;
  readonly number: number;
  readonly state: SubmissionState;
  readonly uploadStartedAt: string;
  readonly sealedAt: string | null;
  readonly reason: string | null;
  readonly watchUntilAt: string | null;
}

export interface FencedRow extends SubmissionRow {
  readonly fenceJson: string | null;
}

/** A submission with what its guards ask about. */
export interface SubmissionFacts {
  readonly id: number;
  readonly number: number;
  readonly state: SubmissionState;
  readonly accountId: number;
  readonly shardId: number;
  readonly shardNumber: number;
  readonly shardState: ShardState;
  readonly jobId: number;
}

/** Where a submission goes, with what the table ties to its new state. */
export interface SubmissionChange {
  readonly state: Exclude<SubmissionState, 'uploading' | 'sealed'>;
  readonly reason?: string;
  readonly answerStatus?: number | null;
  readonly answerRequestId?: string | null;
  readonly watchUntilMs?: number;
}

const COLUMNS = `
    submissions.id, submissions.shard_id AS shardId, submissions.number, submissions.state,
    submissions.upload_started_at AS uploadStartedAt, submissions.sealed_at AS sealedAt, submissions.reason,
    submissions.watch_until_at AS watchUntilAt`;
/** Fences may be long: read only where a listing is weighed against one, never for each shard of a job. */
export const FENCED = `${COLUMNS}, submissions.fence_json AS fenceJson`;

export function prepareSubmissions(db: Db) {
  const insertSubmission = db.prepare<{ shardId: number; accountId: number; uploadStartedAt: string }>(`
    INSERT INTO submissions (shard_id, number, account_id, state, upload_started_at)
    SELECT :shardId, coalesce(max(number), 0) + 1, :accountId, 'uploading', :uploadStartedAt
    FROM submissions
    WHERE shard_id = :shardId
  `);
  const selectById = db.prepare<{ id: number }, FencedRow>(`
    SELECT ${FENCED}
    FROM submissions
    WHERE id = :id
  `);
  const selectFacts = db.prepare<{ id: number }, SubmissionFacts>(`
    SELECT submissions.id, submissions.number, submissions.state, submissions.account_id AS accountId,
      submissions.shard_id AS shardId, shards.number AS shardNumber, shards.state AS shardState,
      stages.job_id AS jobId
    FROM submissions
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    WHERE submissions.id = :id
  `);
  // The guard of the whole program: a run whose claim was taken away changes no row, and does not send the tail.
  const sealUploading = db.prepare<{ id: number; sealedAt: string; fenceJson: string }>(`
    UPDATE submissions
    SET state = 'sealed', sealed_at = :sealedAt, fence_json = :fenceJson
    WHERE id = :id
      AND state = 'uploading'
      AND EXISTS (SELECT 1 FROM shards WHERE shards.id = submissions.shard_id AND shards.state = 'built')
  `);
  const updateState = db.prepare<{
    id: number;
    state: SubmissionState;
    reason: string | null;
    answerStatus: number | null;
    answerRequestId: string | null;
    watchUntilAt: string | null;
  }>(`
    UPDATE submissions
    SET state = :state,
        reason = coalesce(:reason, reason),
        answer_status = coalesce(:answerStatus, answer_status),
        answer_request_id = coalesce(:answerRequestId, answer_request_id),
        watch_until_at = :watchUntilAt
    WHERE id = :id
  `);
  // The live one of each shard, else its latest.
  const selectOfJob = db.prepare<{ jobId: number }, SubmissionRow>(`
    SELECT ${COLUMNS}
    FROM stages
    JOIN shards ON shards.stage_id = stages.id
    JOIN submissions ON submissions.id = (
      SELECT latest.id
      FROM submissions AS latest
      WHERE latest.shard_id = shards.id
      ORDER BY latest.state IN ('uploading','sealed','created','in_doubt','stuck') DESC, latest.number DESC
      LIMIT 1
    )
    WHERE stages.job_id = :jobId
  `);
  const selectLive = db
    .prepare<{ shardId: number }, number>(`
      SELECT id
      FROM submissions
      WHERE shard_id = :shardId AND state IN ('uploading','sealed','created','in_doubt','stuck')
    `)
    .pluck();
  const selectIds = db
    .prepare<{ jobId: number; state: SubmissionState }, number>(`
      SELECT submissions.id
      FROM submissions
      JOIN shards ON shards.id = submissions.shard_id
      JOIN stages ON stages.id = shards.stage_id
      WHERE stages.job_id = :jobId AND submissions.state = :state
      ORDER BY submissions.id
    `)
    .pluck();
  const selectDoubts = db.prepare<{ jobId: number }, FencedRow & { readonly keyFingerprint: string }>(`
    SELECT ${FENCED}, accounts.key_fingerprint AS keyFingerprint
    FROM submissions
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN accounts ON accounts.id = submissions.account_id
    WHERE stages.job_id = :jobId AND submissions.state IN ('in_doubt','stuck')
    ORDER BY submissions.id
  `);
  // Any of them: none is sealed in another workspace than the one before. What was aborted proves nothing, nothing came of it.
  const selectHome = db.prepare<{ jobId: number }, Owner>(`
      SELECT json_extract(submissions.fence_json, '$.workspaceId') AS workspaceId,
        json_extract(submissions.fence_json, '$.organizationId') AS organizationId
      FROM stages
      JOIN shards ON shards.stage_id = stages.id
      JOIN submissions ON submissions.shard_id = shards.id
      WHERE stages.job_id = :jobId AND submissions.state <> 'aborted' AND workspaceId IS NOT NULL
      LIMIT 1
    `);
  const selectSent = db.prepare<{ jobId: number }>(`
    SELECT 1
    FROM submissions
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    WHERE stages.job_id = :jobId AND submissions.state <> 'aborted'
    LIMIT 1
  `);
  const deleteOfJob = db.prepare<{ jobId: number }>(`
    DELETE FROM submissions
    WHERE shard_id IN (
      SELECT shards.id
      FROM shards
      JOIN stages ON stages.id = shards.stage_id
      WHERE stages.job_id = :jobId
    )
  `);

  function facts(id: number): SubmissionFacts {
    const row = selectFacts.get({ id });
    if (row !== undefined) return row;
    throw new StoreError(`submission ${id} is gone from the store`, {
      code: 'submission_gone',
      why: 'another run has dropped its job',
      next: 'batchctl list --all',
    });
  }

  return {
    start(shardId: number, accountId: number, uploadStartedMs: number): Submission {
      const uploadStartedAt = toTime(uploadStartedMs);
      const { lastInsertRowid } = insertSubmission.run({ shardId, accountId, uploadStartedAt });
      const row = selectById.get({ id: Number(lastInsertRowid) });
      if (row === undefined) throw new Error(`no submission ${lastInsertRowid} after inserting it`);
      return toSubmission(row);
    },
    facts,
    /** Like `facts`, but only in one of these states. @throws StoreError `submission_moved_on` */
    factsIn(id: number, ...states: readonly SubmissionState[]): SubmissionFacts {
      const found = facts(id);
      if (states.includes(found.state)) return found;
      throw new StoreError(`shard ${found.shardNumber} has moved on`, {
        code: 'submission_moved_on',
        why: `its submission ${found.number} is ${found.state}, not ${states.join(' or ')}; another run settled it`,
        next: 'batchctl status',
      });
    },
    /** Null when nothing of the shard can exist at the API. */
    liveOf: (shardId: number): number | null => selectLive.get({ shardId }) ?? null,
    /** False when it is not this run's to seal any more. */
    seal: (id: number, sealedMs: number, fence: Fence): boolean =>
      sealUploading.run({ id, sealedAt: toTime(sealedMs), fenceJson: JSON.stringify(fence) }).changes === 1,
    change(
      id: number,
      { state, reason, answerStatus, answerRequestId, watchUntilMs }: SubmissionChange,
    ): void {
      updateState.run({
        id,
        state,
        reason: reason ?? null,
        answerStatus: answerStatus ?? null,
        answerRequestId: answerRequestId ?? null,
        watchUntilAt: watchUntilMs === undefined ? null : toTime(watchUntilMs),
      });
    },
    /** The live submission of each shard, else its latest. */
    ofJob: (jobId: number): readonly Omit<Submission, 'fence'>[] =>
      selectOfJob.all({ jobId }).map(withoutFence),
    idsIn: (jobId: number, state: SubmissionState): readonly number[] => selectIds.all({ jobId, state }),
    doubts: (jobId: number): readonly Doubt[] =>
      selectDoubts
        .all({ jobId })
        .map((row) => ({ ...toSubmission(row), keyFingerprint: row.keyFingerprint })),
    homeOf: (jobId: number): Owner =>
      selectHome.get({ jobId }) ?? { workspaceId: null, organizationId: null },
    /** Whether anything of the job has, or may have, left this machine. */
    isSent: (jobId: number): boolean => selectSent.get({ jobId }) !== undefined,
    deleteOfJob: (jobId: number) => deleteOfJob.run({ jobId }),
  };
}

export function toSubmission(row: FencedRow): Submission {
  return { ...withoutFence(row), fence: row.fenceJson === null ? null : readFence(row.fenceJson) };
}

function withoutFence(row: SubmissionRow): Omit<Submission, 'fence'> {
  return {
    id: row.id,
    shardId: row.shardId,
    number: row.number,
    state: row.state,
    uploadStartedMs: fromTime('submissions.upload_started_at', row.uploadStartedAt),
    sealedMs: row.sealedAt === null ? null : fromTime('submissions.sealed_at', row.sealedAt),
    reason: row.reason,
    watchUntilMs: row.watchUntilAt === null ? null : fromTime('submissions.watch_until_at', row.watchUntilAt),
  };
}
