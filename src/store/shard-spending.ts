import type { JobSpec } from '../core/job.ts';
import { type MicroUsd, sumOrUnknown } from '../core/money.ts';
import type { ShardSpending } from '../core/ports/store-views.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import type { SpentLine } from '../core/spent-line.ts';
import { SIDE } from './accounts.ts';
import { readSizes, readSpent, writeSpent } from './json-money.ts';
import type { Db } from './open.ts';

export type ShardSpendings = ReturnType<typeof prepareShardSpending>;

interface SpendingRow extends Omit<ShardSpending, 'lines'> {
  readonly spentJson: string | null;
}

const COLUMNS = `
  jobs.job_id AS jobId, jobs.name, coalesce(batches.created_at, jobs.submit_requested_at) AS at,
  shards.id AS shardId, stages.name AS stage, shards.group_key AS "group", shards.origin, shards.route, shards.first,
  shards.spent_json AS spentJson`;

const FROM_JOBS = `
  FROM jobs
  JOIN stages ON stages.job_id = jobs.id
  JOIN shards ON shards.stage_id = stages.id
  LEFT JOIN accounts ON accounts.id = jobs.account_id
  LEFT JOIN submissions ON submissions.shard_id = shards.id AND submissions.state = 'created'
  LEFT JOIN batches ON batches.submission_id = submissions.id`;

// What was reused was paid in the job that it was taken from.
const PAID_HERE = `shards.state = 'applied' AND shards.origin <> 'reused'`;

/** The columns of shards that nothing but money needs, and the joins that say where and when it was spent. */
export function prepareShardSpending(db: Db) {
  const selectSizes = db.prepare<{ jobId: number }, { id: number; sizesJson: string }>(`
    SELECT shards.id, shards.sizes_json AS sizesJson
    FROM shards
    JOIN stages ON stages.id = shards.stage_id
    WHERE stages.job_id = :jobId AND shards.state <> 'split' AND shards.sizes_json IS NOT NULL
    ORDER BY stages.position, shards.number
  `);
  const updateSpent = db.prepare<{ id: number; spentJson: string; cost: MicroUsd | null }>(`
    UPDATE shards
    SET spent_json = :spentJson, cost_microusd = :cost
    WHERE id = :id AND spent_json IS NULL
  `);
  const selectSpent = db
    .prepare<{ id: number }, string>(`
      SELECT spent_json
      FROM shards
      WHERE id = :id AND spent_json IS NOT NULL
    `)
    .pluck();
  const replaceSpent = db.prepare<{ id: number; spentJson: string; cost: MicroUsd | null }>(`
    UPDATE shards
    SET spent_json = :spentJson, cost_microusd = :cost
    WHERE id = :id
  `);
  const selectOfJob = db.prepare<{ jobId: number }, SpendingRow>(`
    SELECT ${COLUMNS}
    ${FROM_JOBS}
    WHERE jobs.id = :jobId AND ${PAID_HERE}
    ORDER BY stages.position, shards.number
  `);
  const selectOn = db.prepare<{ on: JobSpec['on'] }, SpendingRow>(`
    SELECT ${COLUMNS}
    ${FROM_JOBS}
    WHERE jobs.state <> 'building' AND ${PAID_HERE} AND ${SIDE} = :on
    ORDER BY jobs.id DESC, stages.position, shards.number
  `);
  // By job first: its index has that order, so the limit ends the search (1,000 jobs of one name with 10 shards each:
  // 0.04 ms for 20 of them, and 16 ms in order of shards alone; measured 2026-11).
  const selectBefore = db.prepare<
    { name: string; stage: string; on: JobSpec['on']; limit: number },
    SpendingRow
  >(`
    SELECT ${COLUMNS}
    ${FROM_JOBS}
    WHERE jobs.name = :name AND jobs.state <> 'building' AND stages.name = :stage
      AND ${PAID_HERE} AND shards.spent_json IS NOT NULL AND ${SIDE} = :on
    ORDER BY jobs.id DESC, shards.id DESC
    LIMIT :limit
  `);

  return {
    /** By shard id, in order of stage and number. */
    sizes: (jobId: number): ReadonlyMap<number, RequestSizes> =>
      new Map(selectSizes.all({ jobId }).map(({ id, sizesJson }) => [id, readSizes(sizesJson)])),
    /** What is known already stays. */
    addSpent: (id: number, lines: readonly SpentLine[]) =>
      updateSpent.run({ id, spentJson: writeSpent(lines), cost: costOf(lines) }),
    /** What a second batch cost, beside what is known of the shard; nothing while that is not known. */
    addTwice(id: number, twice: readonly SpentLine[]): void {
      const known = selectSpent.get({ id });
      if (known === undefined) return;
      const lines = [...readSpent(known), ...twice];
      replaceSpent.run({ id, spentJson: writeSpent(lines), cost: costOf(lines) });
    },
    ofJob: (jobId: number): readonly ShardSpending[] => selectOfJob.all({ jobId }).map(toSpending),
    on: (on: JobSpec['on']): readonly ShardSpending[] => selectOn.all({ on }).map(toSpending),
    before: (
      { name, stage, on }: { readonly name: string; readonly stage: string; readonly on: JobSpec['on'] },
      limit: number,
    ): readonly ShardSpending[] => selectBefore.all({ name, stage, on, limit }).map(toSpending),
  };
}

/** Null as soon as one line has no price. */
export function costOf(lines: readonly SpentLine[]): MicroUsd | null {
  return sumOrUnknown(lines.map(({ cost }) => cost));
}

function toSpending({ spentJson, ...row }: SpendingRow): ShardSpending {
  return { ...row, lines: spentJson === null ? null : readSpent(spentJson) };
}
