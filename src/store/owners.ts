import type { BatchOwner, ShardOwner } from '../core/ports/store-views.ts';
import type { Db } from './open.ts';

type OwnerRow = Omit<BatchOwner, 'isCandidate'> & { readonly batchId: string; readonly isCandidate: 0 | 1 };

/** Whose a batch is, by what is known of it: its id, or the nonces in its results. */
export function prepareOwners(db: Db) {
  const selectByNonce = db.prepare<{ nonces: string }, ShardOwner>(`
    SELECT jobs.job_id AS jobId, shards.number AS shard, shards.state AS shardState,
      submissions.state AS submissionState, batches.batch_id AS batchId
    FROM shards
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    LEFT JOIN submissions ON submissions.shard_id = shards.id
      AND submissions.state IN ('sealed','created','in_doubt','stuck')
    LEFT JOIN batches ON batches.submission_id = submissions.id
    WHERE shards.nonce IN (SELECT value FROM json_each(:nonces))
    ORDER BY shards.id
    LIMIT 1
  `);
  // A candidate that was rejected is somebody else's.
  const selectByBatch = db.prepare<{ ids: string }, OwnerRow>(`
    SELECT batches.batch_id AS batchId, jobs.job_id AS jobId, stages.name AS stage, shards.number AS shard,
      batches.submission_id IS NOT submissions.id AS isCandidate
    FROM batches
    LEFT JOIN candidates ON candidates.batch_id = batches.batch_id
      AND candidates.verdict <> 'rejected'
      AND batches.submission_id IS NULL
    JOIN submissions ON submissions.id IN (batches.submission_id, candidates.submission_id)
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    WHERE batches.batch_id IN (SELECT value FROM json_each(:ids))
    ORDER BY submissions.id
  `);

  return {
    ofNonces: (nonces: readonly string[]): ShardOwner | null =>
      selectByNonce.get({ nonces: JSON.stringify(nonces) }) ?? null,
    /** Of several candidates' submissions the newest. */
    ofBatches: (ids: readonly string[]): ReadonlyMap<string, BatchOwner> =>
      new Map(
        selectByBatch
          .all({ ids: JSON.stringify(ids) })
          .map(({ batchId, isCandidate, ...owner }) => [
            batchId,
            { ...owner, isCandidate: isCandidate === 1 },
          ]),
      ),
  };
}
