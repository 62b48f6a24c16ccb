import type { UnseenPayment } from '../core/ports/store-views.ts';
import type { Db } from './open.ts';

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
  const selectUnseen = db.prepare<{ jobId: number }, UnseenPayment>(`
    SELECT shard_id AS shardId, detail_json ->> '$.most_microusd' AS most
    FROM events
    WHERE job_id = :jobId AND kind IN ('late_duplicate','answer_lost')
    ORDER BY id
  `);
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
    /** Second batches are recorded without an amount. */
    unseenPayments: (jobId: number): readonly UnseenPayment[] => selectUnseen.all({ jobId }),
    ofJob: (jobId: number) => selectOfJob.all({ jobId }),
    deleteOfJob: (jobId: number) => deleteOfJob.run({ jobId }),
  };
}
