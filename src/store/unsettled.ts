import type { Account } from '../core/job.ts';
import type { Db } from './open.ts';
import { FENCED, type FencedRow, toSubmission } from './submissions.ts';
import { toTime } from './times.ts';

/**
 * The few that are not settled, by their index: SQLite takes a partial index only where its own condition is repeated, and
 * otherwise reads every submission there is, for each shard that is sent.
 */
export const UNSETTLED = `submissions INDEXED BY unsettled_submissions`;
export const IS_UNSETTLED = `submissions.state IN ('uploading','sealed','in_doubt','stuck','absent','rejected')`;

export function prepareUnsettled(db: Db) {
  const selectSameCount = db
    .prepare<Pick<Account, 'baseUrl'> & { requests: number; exceptShardId: number }, string>(`
      SELECT jobs.job_id
      FROM ${UNSETTLED}
      JOIN shards ON shards.id = submissions.shard_id
      JOIN stages ON stages.id = shards.stage_id
      JOIN jobs ON jobs.id = stages.job_id
      JOIN accounts ON accounts.id = submissions.account_id
      WHERE submissions.state IN ('sealed','in_doubt','stuck')
        AND ${IS_UNSETTLED}
        AND accounts.base_url = :baseUrl
        AND shards.requests = :requests
        AND shards.id <> :exceptShardId
      ORDER BY submissions.id
      LIMIT 1
    `)
    .pluck();
  // By this key, or by another one that is known to be of the same workspace.
  const selectWatched = db.prepare<
    Pick<Account, 'baseUrl'> & { at: string },
    FencedRow & { readonly requests: number }
  >(`
    SELECT ${FENCED}, shards.requests
    FROM ${UNSETTLED}
    JOIN shards ON shards.id = submissions.shard_id
    JOIN accounts ON accounts.id = submissions.account_id
    WHERE submissions.state IN ('absent','rejected')
      AND ${IS_UNSETTLED}
      AND submissions.watch_until_at > :at
      AND accounts.base_url = :baseUrl
    ORDER BY submissions.id
  `);
  const selectWatchedJobs = db
    .prepare<{ at: string }, number>(`
      SELECT DISTINCT stages.job_id
      FROM ${UNSETTLED}
      JOIN shards ON shards.id = submissions.shard_id
      JOIN stages ON stages.id = shards.stage_id
      WHERE submissions.state IN ('absent','rejected')
        AND ${IS_UNSETTLED}
        AND submissions.watch_until_at > :at
      ORDER BY stages.job_id
    `)
    .pluck();
  const selectAnyInDoubt = db.prepare<{ jobId: number }>(`
    SELECT 1
    FROM ${UNSETTLED}
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    WHERE stages.job_id = :jobId
      AND submissions.state IN ('sealed','in_doubt','stuck')
      AND ${IS_UNSETTLED}
    LIMIT 1
  `);

  return {
    /** Whatever the key, as below. */
    jobInDoubt: ({ baseUrl }: Account, requests: number, exceptShardId: number): string | null =>
      selectSameCount.get({ baseUrl, requests, exceptShardId }) ?? null,
    /** Whatever the key: keys are rotated, and the fence names the workspace. */
    watched: ({ baseUrl }: Account, nowMs: number) =>
      selectWatched
        .all({ baseUrl, at: toTime(nowMs) })
        .map((row) => ({ ...toSubmission(row), requests: row.requests })),
    watchedJobIds: (nowMs: number): readonly number[] => selectWatchedJobs.all({ at: toTime(nowMs) }),
    /** Whether a sealed submission of the job has no proven answer. */
    isAnyInDoubt: (jobId: number): boolean => selectAnyInDoubt.get({ jobId }) !== undefined,
  };
}
