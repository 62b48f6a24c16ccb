import type { MicroUsd } from '../core/money.ts';
import type { LateDuplicate, UnseenPayment } from '../core/ports/store-views.ts';
import type { SpentLine } from '../core/spent-line.ts';
import { readSpent } from './json-money.ts';
import type { Db } from './open.ts';

/** Of a second batch whose results are on disk. */
export const KEPT = 'late_duplicate_kept';

interface DuplicateRow {
  readonly submissionId: number;
  readonly shardId: number;
  readonly batchId: string;
  /** This and the next are null together, until its results are on disk. */
  readonly path: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly answers: number;
  readonly cost: MicroUsd | null;
}

export interface NewEvent {
  readonly jobId: number;
  readonly shardId?: number;
  readonly submissionId?: number;
  /** A verb in the past, snake_case. */
  readonly kind: string;
  readonly detail?: unknown;
}

/** What happened, in order, written in the transaction that made it happen. Never changed, only dropped with its job. */
export function prepareEvents(db: Db, now: () => Date) {
  const insertEvent = db.prepare<{
    at: string;
    jobId: number;
    shardId: number | null;
    submissionId: number | null;
    kind: string;
    detailJson: string | null;
  }>(`
    INSERT INTO events (at, job_id, shard_id, submission_id, kind, detail_json)
    VALUES (:at, :jobId, :shardId, :submissionId, :kind, :detailJson)
  `);
  const selectRecorded = db.prepare<{ jobId: number; submissionId: number; kind: string; batchId: string }>(`
    SELECT 1
    FROM events
    WHERE job_id = :jobId
      AND submission_id = :submissionId
      AND kind = :kind
      AND detail_json ->> '$.batch_id' = :batchId
    LIMIT 1
  `);
  const selectOfJob = db.prepare<{ jobId: number }, { at: string; kind: string; detailJson: string | null }>(`
    SELECT at, kind, detail_json AS detailJson
    FROM events
    WHERE job_id = :jobId
    ORDER BY id
  `);
  // A second batch whose results are here has its cost among what an applied shard cost (retrieving.ts).
  const selectUnseen = db.prepare<{ jobId: number }, UnseenPayment>(`
    SELECT events.shard_id AS shardId,
      CASE
        WHEN kept.id IS NULL THEN events.detail_json ->> '$.most_microusd'
        WHEN shards.cost_microusd IS NOT NULL THEN 0
        ELSE kept.detail_json ->> '$.cost_microusd'
      END AS most
    FROM events
    LEFT JOIN shards ON shards.id = events.shard_id
    LEFT JOIN events AS kept ON kept.job_id = events.job_id
      AND kept.kind = '${KEPT}'
      AND events.kind = 'late_duplicate'
      AND kept.detail_json ->> '$.batch_id' = events.detail_json ->> '$.batch_id'
    WHERE events.job_id = :jobId AND events.kind IN ('late_duplicate','answer_lost')
    ORDER BY events.id
  `);
  const selectDuplicates = db.prepare<{ jobId: number }, DuplicateRow>(`
    SELECT events.submission_id AS submissionId, events.shard_id AS shardId,
      events.detail_json ->> '$.batch_id' AS batchId, kept.detail_json ->> '$.path' AS path,
      kept.detail_json ->> '$.bytes' AS bytes, kept.detail_json ->> '$.sha256' AS sha256,
      kept.detail_json ->> '$.answers' AS answers, kept.detail_json ->> '$.cost_microusd' AS cost
    FROM events
    LEFT JOIN events AS kept ON kept.job_id = events.job_id
      AND kept.kind = '${KEPT}'
      AND kept.detail_json ->> '$.batch_id' = events.detail_json ->> '$.batch_id'
    WHERE events.job_id = :jobId AND events.kind = 'late_duplicate'
    ORDER BY events.id
  `);
  const selectKeptSpent = db
    .prepare<{ jobId: number; shardId: number }, string>(`
      SELECT detail_json -> '$.spent'
      FROM events
      WHERE job_id = :jobId AND shard_id = :shardId AND kind = '${KEPT}'
      ORDER BY id
    `)
    .pluck();
  const selectAccepted = db
    .prepare<[], number>(`
      SELECT coalesce(max(detail_json ->> '$.receipt_bytes'), 0)
      FROM events
      WHERE kind = 'store_accepted'
    `)
    .pluck();
  const deleteOfJob = db.prepare<{ jobId: number }>(`
    DELETE FROM events
    WHERE job_id = :jobId
  `);

  return {
    record({ jobId, shardId, submissionId, kind, detail }: NewEvent): void {
      insertEvent.run({
        at: now().toISOString(),
        jobId,
        shardId: shardId ?? null,
        submissionId: submissionId ?? null,
        kind,
        detailJson: detail === undefined ? null : JSON.stringify(detail),
      });
    },
    /** Whether this was said of this batch before. */
    isRecorded: (jobId: number, submissionId: number, kind: string, batchId: string): boolean =>
      selectRecorded.get({ jobId, submissionId, kind, batchId }) !== undefined,
    lateDuplicates: (jobId: number): readonly LateDuplicate[] =>
      selectDuplicates.all({ jobId }).map(({ submissionId, shardId, batchId, path, ...facts }) => ({
        submissionId,
        shardId,
        batchId,
        kept: path === null ? null : { path, ...facts },
      })),
    /** Reads all events: asked where a receipt is in question alone. */
    acceptedReceiptBytes: (): number => selectAccepted.get() ?? 0,
    /** What second batches of the shard cost. */
    keptSpent: (jobId: number, shardId: number): readonly SpentLine[] =>
      selectKeptSpent.all({ jobId, shardId }).flatMap(readSpent),
    /** Second batches are recorded without an amount. */
    unseenPayments: (jobId: number): readonly UnseenPayment[] => selectUnseen.all({ jobId }),
    ofJob: (jobId: number) => selectOfJob.all({ jobId }),
    deleteOfJob: (jobId: number) => deleteOfJob.run({ jobId }),
  };
}
