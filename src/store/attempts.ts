import type { RowOutcome } from '../core/ports/store-views.ts';
import type { FailureClass, RowStatus } from '../core/result.ts';
import type { Db } from './open.ts';

export type Attempts = ReturnType<typeof prepareAttempts>;

/** A row as it was before it went out again. */
export interface PastAttemptRow {
  readonly seq: number;
  readonly attempt: number;
  readonly shardId: number;
  readonly status: RowStatus;
  /** Null where a good answer came after the row had gone out again. */
  readonly failure: FailureClass | null;
  readonly rawOffset: number | null;
  readonly rawLength: number | null;
}

const COLUMNS = `seq, attempt, shard_id AS shardId, status, failure, raw_offset AS rawOffset, raw_length AS rawLength`;

/** Statements of past_attempts and holds: what became of a row before, and why one is held. */
export function prepareAttempts(db: Db) {
  const insertPast = db.prepare<{ stageId: number; seq: number }>(`
    INSERT INTO past_attempts (stage_id, seq, attempt, shard_id, status, failure, raw_offset, raw_length)
    SELECT stage_id, seq, attempt, shard_id, status, failure, raw_offset, raw_length
    FROM requests
    WHERE stage_id = :stageId AND seq = :seq
  `);
  const selectLast = db.prepare<{ stageId: number; seq: number }, PastAttemptRow>(`
    SELECT ${COLUMNS}
    FROM past_attempts
    WHERE stage_id = :stageId AND seq = :seq
    ORDER BY attempt DESC
    LIMIT 1
  `);
  const selectAll = db.prepare<{ stageId: number; seq: number }, PastAttemptRow>(`
    SELECT ${COLUMNS}
    FROM past_attempts
    WHERE stage_id = :stageId AND seq = :seq
    ORDER BY attempt
  `);
  const selectSeqs = db
    .prepare<{ shardId: number }, number>(`
      SELECT seq
      FROM past_attempts
      WHERE shard_id = :shardId
      ORDER BY seq
    `)
    .pluck();
  const selectAnswered = db
    .prepare<{ shardId: number }, number>(`
      SELECT DISTINCT requests.seq
      FROM requests
      JOIN past_attempts AS past ON past.stage_id = requests.stage_id AND past.seq = requests.seq
      WHERE requests.shard_id = :shardId AND past.status = 'succeeded' AND past.failure IS NULL
      ORDER BY requests.seq
    `)
    .pluck();
  const deletePast = db.prepare<{ stageId: number; seq: number; attempt: number }>(`
    DELETE FROM past_attempts
    WHERE stage_id = :stageId AND seq = :seq AND attempt = :attempt
  `);
  const updateOutcome = db.prepare<RowOutcome & { shardId: number; stageId: number }>(`
    UPDATE past_attempts
    SET status = :status, failure = :failure, raw_offset = :rawOffset, raw_length = :rawLength
    WHERE stage_id = :stageId AND seq = :seq AND shard_id = :shardId
  `);
  const upsertHold = db.prepare<{ stageId: number; seq: number; why: string }>(`
    INSERT INTO holds (stage_id, seq, why)
    VALUES (:stageId, :seq, :why)
    ON CONFLICT (stage_id, seq) DO UPDATE SET why = excluded.why
  `);
  const selectHold = db
    .prepare<{ stageId: number; seq: number }, string>(`
      SELECT why
      FROM holds
      WHERE stage_id = :stageId AND seq = :seq
    `)
    .pluck();
  const deleteHold = db.prepare<{ stageId: number; seq: number }>(`
    DELETE FROM holds
    WHERE stage_id = :stageId AND seq = :seq
  `);
  const deleteHolds = db.prepare<{ stageId: number }>(`
    DELETE FROM holds
    WHERE stage_id = :stageId
  `);
  const deleteOfStage = db.prepare<{ stageId: number }>(`
    DELETE FROM past_attempts
    WHERE stage_id = :stageId
  `);

  return {
    /** The row as it is now becomes a past attempt. */
    keep: (stageId: number, seq: number) => insertPast.run({ stageId, seq }),
    last: (stageId: number, seq: number): PastAttemptRow | undefined => selectLast.get({ stageId, seq }),
    /** In order. */
    ofRow: (stageId: number, seq: number): readonly PastAttemptRow[] => selectAll.all({ stageId, seq }),
    seqsOf: (shardId: number): readonly number[] => selectSeqs.all({ shardId }),
    /** Rows of the shard that an earlier attempt has a good answer for. */
    answeredOf: (shardId: number): readonly number[] => selectAnswered.all({ shardId }),
    delete: (stageId: number, seq: number, attempt: number) => deletePast.run({ stageId, seq, attempt }),
    /** False when the row had no such attempt. */
    setOutcome(stageId: number, shardId: number, outcome: RowOutcome): boolean {
      const { seq, status, failure, rawOffset, rawLength } = outcome;
      return (
        updateOutcome.run({ stageId, shardId, seq, status, failure, rawOffset, rawLength }).changes === 1
      );
    },
    hold: (stageId: number, seq: number, why: string) => upsertHold.run({ stageId, seq, why }),
    holdOf: (stageId: number, seq: number): string | null => selectHold.get({ stageId, seq }) ?? null,
    unhold: (stageId: number, seq: number) => deleteHold.run({ stageId, seq }),
    unholdAll: (stageId: number) => deleteHolds.run({ stageId }),
    deleteOfStage(stageId: number): void {
      deleteHolds.run({ stageId });
      deleteOfStage.run({ stageId });
    },
  };
}
