import { type Batch, hasEnded } from '../core/batch.ts';
import type { EndedBatch, KnownBatch } from '../core/ports/store-views.ts';
import type { Db } from './open.ts';
import { fromTime, toTime } from './times.ts';

export type Batches = ReturnType<typeof prepareBatches>;

interface BatchRow {
  readonly id: string;
  readonly processingStatus: string;
  readonly processing: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly endedAt: string | null;
  readonly cancelInitiatedAt: string | null;
  readonly archivedAt: string | null;
  readonly resultsUrl: string | null;
  readonly describedJson: string;
  readonly notFoundSinceAt: string | null;
  readonly notFoundAnswers: number;
}

/** Whose a batch is, if anybody's. */
export interface BatchOwner {
  readonly submissionId: number | null;
  readonly processingStatus: string;
}

const COLUMNS = `
    batches.batch_id AS id, batches.processing_status AS processingStatus, batches.processing, batches.succeeded, batches.errored,
    batches.canceled, batches.expired, batches.created_at AS createdAt, batches.expires_at AS expiresAt,
    batches.ended_at AS endedAt, batches.cancel_initiated_at AS cancelInitiatedAt,
    batches.archived_at AS archivedAt, batches.results_url AS resultsUrl,
    batches.described_json AS describedJson, batches.not_found_since_at AS notFoundSinceAt,
    batches.not_found_answers AS notFoundAnswers`;

type Described = Omit<BatchRow, 'notFoundSinceAt' | 'notFoundAnswers'> & {
  readonly seenAt: string;
};

export function prepareBatches(db: Db, now: () => Date) {
  const insertBatch = db.prepare<Described & { readonly accountId: number }>(`
    INSERT INTO batches (batch_id, account_id, processing_status, processing, succeeded, errored, canceled, expired,
      created_at, expires_at, ended_at, cancel_initiated_at, archived_at, results_url, described_json, seen_at)
    VALUES (:id, :accountId, :processingStatus, :processing, :succeeded, :errored, :canceled, :expired,
      :createdAt, :expiresAt, :endedAt, :cancelInitiatedAt, :archivedAt, :resultsUrl, :describedJson, :seenAt)
    ON CONFLICT DO NOTHING
  `);
  // An answer that was overtaken by a later one never takes the end back.
  const updateBatch = db.prepare<Described>(`
    UPDATE batches
    SET processing_status = :processingStatus, processing = :processing, succeeded = :succeeded,
        errored = :errored, canceled = :canceled, expired = :expired, created_at = :createdAt,
        expires_at = :expiresAt, ended_at = :endedAt, cancel_initiated_at = :cancelInitiatedAt,
        archived_at = :archivedAt, results_url = :resultsUrl, described_json = :describedJson
    WHERE batch_id = :id
      AND (processing_status <> 'ended' OR :processingStatus = 'ended')
  `);
  const markSeen = db.prepare<{ id: string; seenAt: string }>(`
    UPDATE batches
    SET seen_at = :seenAt, not_found_since_at = NULL, not_found_answers = 0
    WHERE batch_id = :id
  `);
  const markNotFound = db.prepare<{ id: string; at: string }>(`
    UPDATE batches
    SET not_found_since_at = coalesce(not_found_since_at, :at), not_found_answers = not_found_answers + 1
    WHERE batch_id = :id
  `);
  const setOwner = db.prepare<{ id: string; submissionId: number | null }>(`
    UPDATE batches
    SET submission_id = :submissionId
    WHERE batch_id = :id
  `);
  const selectOwner = db.prepare<{ id: string }, BatchOwner>(`
    SELECT submission_id AS submissionId, processing_status AS processingStatus
    FROM batches
    WHERE batch_id = :id
  `);
  const selectById = db.prepare<{ id: string }, BatchRow>(`
    SELECT ${COLUMNS}
    FROM batches
    WHERE batch_id = :id
  `);
  const selectOfJob = db.prepare<{ jobId: number }, BatchRow & { readonly ownerId: number }>(`
    SELECT ${COLUMNS}, submissions.id AS ownerId
    FROM stages
    JOIN shards ON shards.stage_id = stages.id
    JOIN submissions ON submissions.shard_id = shards.id
    JOIN batches ON batches.submission_id = submissions.id
    WHERE stages.job_id = :jobId
  `);
  // One that was canceled says nothing about how long others take.
  const selectEnded = db.prepare<{ baseUrl: string; limit: number }, EndedBatch>(`
    SELECT shards.requests, batches.created_at AS createdAt, batches.ended_at AS endedAt
    FROM batches
    JOIN accounts ON accounts.id = batches.account_id
    JOIN submissions ON submissions.id = batches.submission_id
    JOIN shards ON shards.id = submissions.shard_id
    WHERE accounts.base_url = :baseUrl
      AND batches.processing_status = 'ended'
      AND batches.ended_at IS NOT NULL
      AND batches.cancel_initiated_at IS NULL
    ORDER BY submissions.id DESC
    LIMIT :limit
  `);

  return {
    /** Kept as it is when it is known already. */
    insert: (batch: Batch, accountId: number) =>
      insertBatch.run({ ...describe(batch, now().toISOString()), accountId }),
    /** What the API says of it now. False when it is not known. */
    see(batch: Batch): boolean {
      const seenAt = now().toISOString();
      updateBatch.run(describe(batch, seenAt));
      return markSeen.run({ id: batch.id, seenAt }).changes === 1;
    },
    /** Null when the batch is not known. */
    notFound(id: string, serverMs: number): KnownBatch['notFound'] {
      markNotFound.run({ id, at: toTime(serverMs) });
      const row = selectById.get({ id });
      return row === undefined ? null : notFoundOf(row);
    },
    setOwner: (id: string, submissionId: number | null) => setOwner.run({ id, submissionId }),
    isOwned: (id: string): boolean => (selectOwner.get({ id })?.submissionId ?? null) !== null,
    /** Undefined when the batch is not known. */
    owner: (id: string): BatchOwner | undefined => selectOwner.get({ id }),
    ended: (baseUrl: string, limit: number): readonly EndedBatch[] => selectEnded.all({ baseUrl, limit }),
    /** By the submission that owns them. */
    ofJob: (jobId: number): ReadonlyMap<number, KnownBatch> =>
      new Map(selectOfJob.all({ jobId }).map((row) => [row.ownerId, toBatch(row)])),
  };
}

function describe(batch: Batch, seenAt: string): Described {
  return {
    id: batch.id,
    processingStatus: batch.processingStatus,
    processing: batch.counts.processing,
    succeeded: batch.counts.succeeded,
    errored: batch.counts.errored,
    canceled: batch.counts.canceled,
    expired: batch.counts.expired,
    createdAt: batch.createdAt,
    expiresAt: batch.expiresAt,
    endedAt: batch.endedAt,
    cancelInitiatedAt: batch.cancelInitiatedAt,
    archivedAt: batch.archivedAt,
    resultsUrl: batch.resultsUrl,
    describedJson: batch.describedJson,
    seenAt,
  };
}

function toBatch(row: BatchRow): KnownBatch {
  const { processing, succeeded, errored, canceled, expired } = row;
  return {
    id: row.id,
    processingStatus: row.processingStatus,
    counts: { processing, succeeded, errored, canceled, expired },
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    endedAt: row.endedAt,
    cancelInitiatedAt: row.cancelInitiatedAt,
    archivedAt: row.archivedAt,
    resultsUrl: row.resultsUrl,
    describedJson: row.describedJson,
    notFound: notFoundOf(row),
  };
}

function notFoundOf({ notFoundSinceAt, notFoundAnswers }: BatchRow): KnownBatch['notFound'] {
  if (notFoundSinceAt === null) return null;
  return { sinceMs: fromTime('batches.not_found_since_at', notFoundSinceAt), answers: notFoundAnswers };
}

/** Whether this answer is news: a change of the word that says how far the batch is. */
export function isNews(before: BatchOwner, batch: Batch): boolean {
  return before.processingStatus !== batch.processingStatus && !hasEnded(before);
}
