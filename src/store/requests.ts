import type { FailedFilter, RowOutcome, RowView } from '../core/ports/store-views.ts';
import type { FailureClass, RowStatus } from '../core/result.ts';
import type { Shard } from '../core/shard.ts';
import { shortHash } from '../core/short-hash.ts';
import type { Db } from './open.ts';

export type Requests = ReturnType<typeof prepareRequests>;

export interface NewRequest {
  readonly stageId: number;
  readonly seq: number;
  /** Null: held, until its request can be made. */
  readonly shardId: number | null;
  readonly outputKey: number;
  readonly outputPath: string | null;
}

interface PastRow {
  readonly shardId: number | null;
  readonly attempt: number;
  readonly status: RowStatus;
  readonly failure: FailureClass | null;
  readonly rawOffset: number | null;
  readonly rawLength: number | null;
}

const NEVER_SENT: PastRow = {
  shardId: null,
  attempt: 1,
  status: 'held',
  failure: 'held',
  rawOffset: null,
  rawLength: null,
};

const SELECT_ROW = `
  SELECT requests.seq, records.custom_id AS customId, stages.name AS stage, requests.attempt,
    iif(stages.state = 'waiting', NULL, requests.status) AS status,
    iif(stages.state = 'waiting', NULL, requests.failure) AS failure, requests.output_path AS outputPath, requests.shard_id AS shardId,
    shards.number AS shardNumber, records.byte_offset AS recordOffset, records.byte_length AS recordLength,
    requests.raw_offset AS rawOffset, requests.raw_length AS rawLength
  FROM requests
  JOIN stages ON stages.id = requests.stage_id
  JOIN records ON records.job_id = stages.job_id AND records.seq = requests.seq
  LEFT JOIN shards ON shards.id = requests.shard_id`;

export function prepareRequests(db: Db) {
  // By position, as in records.ts.
  const insertRequest = db.prepare<
    [number, number, number | null, number, string | null, RowStatus | null, FailureClass | null]
  >(`
    INSERT INTO requests (stage_id, seq, shard_id, output_key, output_path, status, failure)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (stage_id, output_key) DO NOTHING
  `);
  const selectByOutput = db
    .prepare<{ stageId: number; outputKey: number }, number>(`
      SELECT seq
      FROM requests
      WHERE stage_id = :stageId AND output_key = :outputKey
    `)
    .pluck();
  const selectAfter = db.prepare<{ jobId: number; stage: string; afterSeq: number; limit: number }, RowView>(`
    ${SELECT_ROW}
    WHERE requests.stage_id = (SELECT id FROM stages WHERE job_id = :jobId AND name = :stage)
      AND requests.seq > :afterSeq
    ORDER BY requests.seq
    LIMIT :limit
  `);
  const selectRow = db.prepare<{ stageId: number; seq: number }, RowView>(`
    ${SELECT_ROW}
    WHERE requests.stage_id = :stageId AND requests.seq = :seq
  `);
  const selectSeqs = db
    .prepare<{ shardId: number; afterSeq: number; limit: number }, number>(`
      SELECT seq
      FROM requests
      WHERE shard_id = :shardId AND seq > :afterSeq
      ORDER BY seq
      LIMIT :limit
    `)
    .pluck();
  const countOfShard = db
    .prepare<{ shardId: number }, number>(`
      SELECT count(*)
      FROM requests
      WHERE shard_id = :shardId
    `)
    .pluck();
  const countOfStage = db
    .prepare<{ stageId: number }, number>(`
      SELECT count(*)
      FROM requests
      WHERE stage_id = :stageId
    `)
    .pluck();
  const countUnsettled = db
    .prepare<{ shardId: number }, number>(`
      SELECT count(*)
      FROM requests
      WHERE shard_id = :shardId AND status IS NULL
    `)
    .pluck();
  const moveRows = db.prepare<{ fromId: number; toId: number; fromSeq: number; toSeq: number }>(`
    UPDATE requests
    SET shard_id = :toId
    WHERE shard_id = :fromId AND seq BETWEEN :fromSeq AND :toSeq
  `);
  const moveSeqs = db.prepare<{ stageId: number; fromId: number; toId: number; seqs: string }>(`
    UPDATE requests
    SET shard_id = :toId
    WHERE stage_id = :stageId AND shard_id = :fromId AND seq IN (SELECT value FROM json_each(:seqs))
  `);
  const moveAll = db.prepare<{ fromId: number; toId: number }>(`
    UPDATE requests
    SET shard_id = :toId
    WHERE shard_id = :fromId
  `);
  const updateOutcome = db.prepare<RowOutcome & { stageId: number; shardId: number }>(`
    UPDATE requests
    SET status = :status, failure = :failure, raw_offset = :rawOffset, raw_length = :rawLength
    WHERE stage_id = :stageId AND seq = :seq AND shard_id = :shardId
  `);
  // Rows that an earlier, cut off run settled so are counted again: a verdict of the API always has its raw line.
  const settleRest = db.prepare<{ shardId: number; status: RowStatus; failure: FailureClass }>(`
    UPDATE requests
    SET status = :status, failure = :failure
    WHERE shard_id = :shardId
      AND raw_offset IS NULL
      AND (status IS NULL OR (status = :status AND failure = :failure))
  `);
  const forgetOutcomes = db.prepare<{ shardId: number }>(`
    UPDATE requests
    SET status = NULL, failure = NULL, raw_offset = NULL, raw_length = NULL
    WHERE shard_id = :shardId AND status IS NOT NULL
  `);
  const selectReleasable = db.prepare<
    { stageId: number; needIds: string; needs: number; afterSeq: number; limit: number },
    RowView
  >(`
    ${SELECT_ROW}
    WHERE requests.stage_id = :stageId
      AND requests.seq > :afterSeq
      AND requests.status = 'held'
      AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.stage_id = :stageId AND holds.seq = requests.seq)
      AND :needs = (
        SELECT count(*)
        FROM requests AS needed
        WHERE needed.stage_id IN (SELECT value FROM json_each(:needIds))
          AND needed.seq = requests.seq
          AND needed.status = 'succeeded'
          AND needed.failure IS NULL
      )
    ORDER BY requests.seq
    LIMIT :limit
  `);
  const selectFailed = db.prepare<
    {
      stageId: number;
      classes: string;
      maxAttempt: number;
      answeredToo: number;
      afterSeq: number;
      limit: number;
    },
    RowView
  >(`
    ${SELECT_ROW}
    WHERE requests.stage_id = :stageId
      AND requests.seq > :afterSeq
      AND requests.failure IN (SELECT value FROM json_each(:classes))
      AND requests.attempt <= :maxAttempt
      AND shards.state IN ('applied','canceled','lost')
      AND (:answeredToo OR NOT EXISTS (
        -- An answer that came late is paid already.
        SELECT 1
        FROM past_attempts AS past
        WHERE past.stage_id = requests.stage_id
          AND past.seq = requests.seq
          AND past.status = 'succeeded'
          AND past.failure IS NULL
      ))
    ORDER BY requests.seq
    LIMIT :limit
  `);
  const updateMoved = db.prepare<{ stageId: number; seq: number; shardId: number; attempt: number }>(`
    UPDATE requests
    SET shard_id = :shardId, attempt = :attempt, status = NULL, failure = NULL, raw_offset = NULL, raw_length = NULL
    WHERE stage_id = :stageId AND seq = :seq
  `);
  const updatePutBack = db.prepare<PastRow & { stageId: number; seq: number }>(`
    UPDATE requests
    SET shard_id = :shardId, attempt = :attempt, status = :status, failure = :failure,
      raw_offset = :rawOffset, raw_length = :rawLength
    WHERE stage_id = :stageId AND seq = :seq
  `);
  const deleteChunk = db.prepare<{ stageId: number; limit: number }>(`
    DELETE FROM requests
    WHERE stage_id = :stageId
      AND seq IN (SELECT seq FROM requests WHERE stage_id = :stageId ORDER BY seq LIMIT :limit)
  `);

  return {
    /** False when another request of the stage has the output. */
    insert({ stageId, seq, shardId, outputKey, outputPath }: NewRequest): boolean {
      const held = shardId === null ? 'held' : null;
      return insertRequest.run(stageId, seq, shardId, outputKey, outputPath, held, held).changes === 1;
    },
    seqOfOutput: (stageId: number, outputKey: number): number | undefined =>
      selectByOutput.get({ stageId, outputKey }),
    after: (jobId: number, stage: string, afterSeq: number, limit: number): readonly RowView[] =>
      selectAfter.all({ jobId, stage, afterSeq, limit }),
    row: (stageId: number, seq: number): RowView | undefined => selectRow.get({ stageId, seq }),
    seqsAfter: (shardId: number, afterSeq: number, limit: number): readonly number[] =>
      selectSeqs.all({ shardId, afterSeq, limit }),
    count: (shardId: number): number => countOfShard.get({ shardId }) ?? 0,
    countOfStage: (stageId: number): number => countOfStage.get({ stageId }) ?? 0,
    countUnsettled: (shardId: number): number => countUnsettled.get({ shardId }) ?? 0,
    /** Returns how many moved. */
    move: (fromId: number, toId: number, fromSeq: number, toSeq: number): number =>
      moveRows.run({ fromId, toId, fromSeq, toSeq }).changes,
    /** Of these what is in the shard; returns how many moved. */
    moveSeqs: (from: Pick<Shard, 'id' | 'stageId'>, toId: number, seqs: readonly number[]): number =>
      moveSeqs.run({ stageId: from.stageId, fromId: from.id, toId, seqs: JSON.stringify(seqs) }).changes,
    moveAll: (fromId: number, toId: number): number => moveAll.run({ fromId, toId }).changes,
    /** False when the shard has no such request. */
    setOutcome(stageId: number, shardId: number, outcome: RowOutcome): boolean {
      const { seq, status, failure, rawOffset, rawLength } = outcome;
      return (
        updateOutcome.run({ stageId, shardId, seq, status, failure, rawOffset, rawLength }).changes === 1
      );
    },
    settleRest: (shardId: number, status: RowStatus, failure: FailureClass): number =>
      settleRest.run({ shardId, status, failure }).changes,
    /** Held rows whose needs have all succeeded, but for those held for a reason of their own. */
    releasable: (stageId: number, needIds: readonly number[], afterSeq: number, limit: number) =>
      selectReleasable.all({
        stageId,
        needIds: JSON.stringify(needIds),
        needs: needIds.length,
        afterSeq,
        limit,
      }),
    /** Rows that failed with one of these classes and of whose shard nothing is under way. */
    failed: (
      stageId: number,
      { classes, maxAttempt, answeredToo = false }: FailedFilter,
      afterSeq: number,
      limit: number,
    ) =>
      selectFailed.all({
        stageId,
        classes: JSON.stringify(classes),
        maxAttempt,
        answeredToo: answeredToo ? 1 : 0,
        afterSeq,
        limit,
      }),
    moveRow: (stageId: number, seq: number, shardId: number, attempt: number) =>
      updateMoved.run({ stageId, seq, shardId, attempt }),
    /** As it was before it was moved; null: held, and never sent. */
    putBack(stageId: number, seq: number, past: PastRow | null): void {
      const { shardId, attempt, status, failure, rawOffset, rawLength } = past ?? NEVER_SENT;
      updatePutBack.run({ stageId, seq, shardId, attempt, status, failure, rawOffset, rawLength });
    },
    forgetOutcomes: (shardId: number) => forgetOutcomes.run({ shardId }),
    /** The first `limit` of a stage; returns how many there were. */
    deleteChunk: (stageId: number, limit: number): number => deleteChunk.run({ stageId, limit }).changes,
  };
}

/** All that happens when two paths of a stage meet is that one output gets a name made distinct without need. */
export const outputKeyOf = (outputFold: string): number => shortHash(outputFold);
