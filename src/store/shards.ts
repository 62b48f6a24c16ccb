import { StoreError } from '../core/errors.ts';
import type { ShardFacts } from '../core/job.ts';
import type { MicroUsd } from '../core/money.ts';
import type { ClosedShard, NewShard, ShardView } from '../core/ports/store-views.ts';
import type { Tally } from '../core/result.ts';
import type { Shard, ShardState } from '../core/shard.ts';
import type { SpentLine } from '../core/spent-line.ts';
import { readTally } from './json-columns.ts';
import { writeSpent } from './json-money.ts';
import type { Db } from './open.ts';
import { costOf } from './shard-spending.ts';

export type Shards = ReturnType<typeof prepareShards>;

export interface RawFacts {
  readonly bytes: number;
  readonly sha256: string;
}

interface ShardRow extends Omit<Shard, 'fileSha256'> {
  readonly fileSha256: string | null;
  readonly tallyJson: string | null;
  readonly cost: MicroUsd | null;
}

const SELECT_SHARD = `
  SELECT shards.id, stages.job_id AS jobId, shards.stage_id AS stageId, stages.name AS stage, shards.number,
    shards.group_key AS "group", shards.origin, shards.first, shards.route, shards.nonce, shards.requests, shards.body_bytes AS bodyBytes,
    shards.file_sha256 AS fileSha256, shards.state, shards.tally_json AS tallyJson,
    shards.cost_microusd AS cost
  FROM shards
  JOIN stages ON stages.id = shards.stage_id`;

/** What the answers cost goes with the count of them: both are made by applying the raw results. */
const NO_TALLY = 'tally_json = NULL, spent_json = NULL, cost_microusd = NULL';

export function prepareShards(db: Db) {
  const insertShard = db.prepare<Required<NewShard> & { stageId: number }>(`
    INSERT INTO shards (stage_id, number, group_key, nonce, origin, first, route, state)
    VALUES (:stageId, :number, :group, :nonce, :origin, :first, :route, 'building')
  `);
  const selectById = db.prepare<{ id: number }, ShardRow>(`
    ${SELECT_SHARD}
    WHERE shards.id = :id
  `);
  const selectOfJob = db.prepare<{ jobId: number }, ShardRow>(`
    ${SELECT_SHARD}
    WHERE stages.job_id = :jobId
    ORDER BY stages.position, shards.number
  `);
  // The fold asks whether some shard is so, never how many, so that 10,000 shards come as a handful of rows.
  const selectFacts = db.prepare<
    { jobId: number },
    { state: ShardState; inDoubt: 0 | 1; batchEnded: 0 | 1 }
  >(`
    SELECT DISTINCT shards.state,
      coalesce(submissions.state <> 'created', 0) AS inDoubt,
      coalesce(batches.processing_status = 'ended', 0) AS batchEnded
    FROM stages
    JOIN shards ON shards.stage_id = stages.id
    LEFT JOIN submissions ON submissions.shard_id = shards.id
      AND submissions.state IN ('sealed','created','in_doubt','stuck')
    LEFT JOIN batches ON batches.submission_id = submissions.id
    WHERE stages.job_id = :jobId
  `);
  // From the end: shards go out in order, so that the last is the one that is unsent as long as any is.
  const selectUnsent = db.prepare<{ stageId: number }>(`
    SELECT 1
    FROM shards
    WHERE stage_id = :stageId AND state = 'built'
    ORDER BY number DESC
    LIMIT 1
  `);
  const selectLastNumber = db
    .prepare<{ stageId: number }, number>(`
      SELECT coalesce(max(number), 0)
      FROM shards
      WHERE stage_id = :stageId
    `)
    .pluck();
  const updateRoutes = db.prepare<{ jobId: number; route: Shard['route'] }>(`
    UPDATE shards
    SET route = :route
    WHERE stage_id IN (SELECT id FROM stages WHERE job_id = :jobId) AND state = 'built' AND route <> 'none'
  `);
  const updateBuilt = db.prepare<Omit<ClosedShard, 'sizes'> & { sizesJson: string }>(`
    UPDATE shards
    SET state = 'built', requests = :requests, body_bytes = :bodyBytes, file_sha256 = :fileSha256, sizes_json = :sizesJson
    WHERE id = :id AND state = 'building'
  `);
  const updateState = db.prepare<{ id: number; state: ShardState }>(`
    UPDATE shards
    SET state = :state, ${NO_TALLY}
    WHERE id = :id
  `);
  const updateSplitFrom = db.prepare<{ id: number; fromId: number }>(`
    UPDATE shards
    SET split_from_id = :fromId
    WHERE id = :id
  `);
  const updateRaw = db.prepare<{ id: number; bytes: number; sha256: string }>(`
    UPDATE shards
    SET state = 'downloaded', raw_bytes = :bytes, raw_sha256 = :sha256, ${NO_TALLY}
    WHERE id = :id
  `);
  const forgetRaw = db.prepare<{ id: number }>(`
    UPDATE shards
    SET state = 'live', raw_bytes = NULL, raw_sha256 = NULL, ${NO_TALLY}
    WHERE id = :id
  `);
  const selectRaw = db.prepare<{ id: number }, RawFacts>(`
    SELECT raw_bytes AS bytes, raw_sha256 AS sha256
    FROM shards
    WHERE id = :id AND raw_sha256 IS NOT NULL
  `);
  const selectTally = db
    .prepare<{ id: number }, string>(`
      SELECT tally_json
      FROM shards
      WHERE id = :id AND tally_json IS NOT NULL
    `)
    .pluck();
  const updateTally = db.prepare<{ id: number; tallyJson: string }>(`
    UPDATE shards
    SET tally_json = :tallyJson
    WHERE id = :id AND tally_json IS NOT NULL
  `);
  const updateFinished = db.prepare<{
    id: number;
    state: ShardState;
    tallyJson: string;
    spentJson: string | null;
    cost: MicroUsd | null;
  }>(`
    UPDATE shards
    SET state = :state, tally_json = :tallyJson, spent_json = :spentJson, cost_microusd = :cost
    WHERE id = :id
  `);
  const deleteShard = db.prepare<{ id: number }>(`
    DELETE FROM shards
    WHERE id = :id
  `);
  const detachParts = db.prepare<{ jobId: number }>(`
    UPDATE shards
    SET split_from_id = NULL
    WHERE split_from_id IS NOT NULL AND stage_id IN (SELECT id FROM stages WHERE job_id = :jobId)
  `);
  const deleteOfJob = db.prepare<{ jobId: number }>(`
    DELETE FROM shards
    WHERE stage_id IN (SELECT id FROM stages WHERE job_id = :jobId)
  `);

  return {
    open(stageId: number, shard: NewShard): number {
      const { number, group, nonce, origin, first = null, route } = shard;
      return Number(insertShard.run({ stageId, number, group, nonce, origin, first, route }).lastInsertRowid);
    },
    lastNumber: (stageId: number): number => selectLastNumber.get({ stageId }) ?? 0,
    /** Unsent ones are to go this way. */
    routeAll: (jobId: number, route: Shard['route']) => updateRoutes.run({ jobId, route }),
    byId(id: number): Shard {
      const row = selectById.get({ id });
      if (row !== undefined) return toShard(row);
      throw new StoreError(`shard ${id} is gone from the store`, {
        code: 'shard_gone',
        why: 'another run has dropped its job',
        next: 'batchctl list --all',
      });
    },
    /** In order of stage and number. */
    ofJob: (jobId: number): readonly Pick<ShardView, 'shard' | 'tally' | 'cost'>[] =>
      selectOfJob.all({ jobId }).map((row) => ({
        shard: toShard(row),
        tally: row.tallyJson === null ? null : readTally(row.tallyJson),
        cost: row.cost,
      })),
    /** Each combination that occurs, once. */
    facts: (jobId: number): readonly ShardFacts[] =>
      selectFacts.all({ jobId }).map(({ state, inDoubt, batchEnded }) => ({
        state,
        inDoubt: inDoubt === 1,
        batchEnded: batchEnded === 1,
      })),
    /** Whether a shard of one of these stages is `built`. */
    isAnyBuilt: (stageIds: readonly number[]): boolean =>
      stageIds.some((stageId) => selectUnsent.get({ stageId }) !== undefined),
    /** False when the shard is not `building`. */
    close(id: number, { requests, bodyBytes, fileSha256, sizes }: Omit<ClosedShard, 'id'>): boolean {
      const sizesJson = JSON.stringify(sizes);
      return updateBuilt.run({ id, requests, bodyBytes, fileSha256, sizesJson }).changes === 1;
    },
    /** For states that have no tally. */
    setState: (id: number, state: ShardState) => updateState.run({ id, state }),
    setSplitFrom: (id: number, fromId: number) => updateSplitFrom.run({ id, fromId }),
    recordDownload: (id: number, { bytes, sha256 }: RawFacts) => updateRaw.run({ id, bytes, sha256 }),
    /** Back to `live`: what was downloaded was not its own. */
    forgetDownload: (id: number) => forgetRaw.run({ id }),
    raw: (id: number): RawFacts | null => selectRaw.get({ id }) ?? null,
    finish(
      id: number,
      state: 'applied' | 'canceled' | 'lost',
      tally: Tally,
      spent: readonly SpentLine[] | null,
    ): void {
      updateFinished.run({
        id,
        state,
        tallyJson: JSON.stringify(tally),
        spentJson: spent === null ? null : writeSpent(spent),
        cost: spent === null ? null : costOf(spent),
      });
    },
    tally(id: number): Tally | null {
      const json = selectTally.get({ id });
      return json === undefined ? null : readTally(json);
    },
    /** Of a shard that has one: rows have gone out again, or were put back. */
    setTally: (id: number, tally: Tally) => updateTally.run({ id, tallyJson: JSON.stringify(tally) }),
    delete: (id: number) => deleteShard.run({ id }),
    deleteOfJob(jobId: number): void {
      detachParts.run({ jobId });
      deleteOfJob.run({ jobId });
    },
  };
}

function toShard({ tallyJson: _tallyJson, cost: _cost, fileSha256, ...shard }: ShardRow): Shard {
  return { ...shard, fileSha256: fileSha256 ?? '' };
}
