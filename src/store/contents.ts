import type { ContentMatch, UnindexedShard } from '../core/ports/store-views.ts';
import { SIDE } from './accounts.ts';
import type { Db } from './open.ts';

export type Contents = ReturnType<typeof prepareContents>;

// Sent, or perhaps sent, or asked one by one, or to be sent by whichever run comes along.
const IN_FLIGHT = `(
  requests.status IS NULL
  AND (
    shards.state IN ('live','downloaded')
    OR (shards.state = 'built' AND jobs.submit_requested_at IS NOT NULL)
  )
)`;

type MatchRow = Omit<ContentMatch, 'isInFlight'> & { readonly isInFlight: 0 | 1 };

export function prepareContents(db: Db) {
  const selectUnindexed = db.prepare<{ on: string }, UnindexedShard>(`
    SELECT shards.id AS shardId, jobs.job_id AS jobId, stages.name AS stage, shards.number
    FROM shards
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    LEFT JOIN accounts ON accounts.id = jobs.account_id
    WHERE shards.state NOT IN ('building','split')
      AND jobs.state <> 'building'
      AND NOT EXISTS (SELECT 1 FROM indexed_shards WHERE indexed_shards.shard_id = shards.id)
      AND ${SIDE} = :on
    ORDER BY shards.id
  `);
  const insertContent = db.prepare<{ hash: Uint8Array; shardId: number; seq: number }>(`
    INSERT INTO contents (hash, shard_id, seq)
    VALUES (:hash, :shardId, :seq)
    ON CONFLICT DO NOTHING
  `);
  const insertIndexed = db.prepare<{ shardId: number }>(`
    INSERT INTO indexed_shards (shard_id)
    VALUES (:shardId)
    ON CONFLICT DO NOTHING
  `);
  const forget = db.prepare<{ shardId: number }>(`
    DELETE FROM indexed_shards
    WHERE shard_id = :shardId
  `);
  const deleteRowless = db.prepare(`
    DELETE FROM contents
    WHERE shard_id IN (
      SELECT shards.id
      FROM shards
      WHERE NOT EXISTS (SELECT 1 FROM requests WHERE requests.stage_id = shards.stage_id)
    )
  `);
  // What became of the row counts, also where it went out again since, perhaps with more tokens or a further turn: its
  // answer is that of its first request too. A good answer before one that is under way, then the newest.
  const selectMatch = db.prepare<{ hash: Uint8Array; on: string; exceptId: number }, MatchRow>(`
    SELECT jobs.job_id AS jobId, records.custom_id AS customId, stages.name AS stage, shards.id AS shardId,
      shards.number AS shardNumber, shards.state AS shardState, requests.seq, requests.status, requests.failure,
      requests.raw_offset AS rawOffset, requests.raw_length AS rawLength,
      requests.output_path AS outputPath, batches.batch_id AS batchId, ${IN_FLIGHT} AS isInFlight
    FROM contents
    JOIN shards AS sent ON sent.id = contents.shard_id
    JOIN requests ON requests.stage_id = sent.stage_id AND requests.seq = contents.seq
    JOIN shards ON shards.id = requests.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    JOIN records ON records.job_id = jobs.id AND records.seq = requests.seq
    LEFT JOIN accounts ON accounts.id = jobs.account_id
    LEFT JOIN submissions ON submissions.shard_id = shards.id AND submissions.state = 'created'
    LEFT JOIN batches ON batches.submission_id = submissions.id
    WHERE contents.hash = :hash
      AND jobs.id <> :exceptId
      AND ${SIDE} = :on
    ORDER BY requests.status IS 'succeeded' AND requests.failure IS NULL AND shards.state = 'applied' DESC,
      isInFlight DESC, shards.id DESC
    LIMIT 1
  `);

  return {
    unindexed: (on: string): readonly UnindexedShard[] => selectUnindexed.all({ on }),
    add: (shardId: number, hash: Uint8Array, seq: number) => insertContent.run({ shardId, hash, seq }),
    markIndexed: (shardId: number) => insertIndexed.run({ shardId }),
    forget: (shardId: number) => forget.run({ shardId }),
    /** Of shards whose rows were dropped: no match comes of these any more. Reads all of the index. */
    forgetRowless: () => deleteRowless.run(),
    match(hash: Uint8Array, on: string, exceptId: number): ContentMatch | null {
      const row = selectMatch.get({ hash, on, exceptId });
      return row === undefined ? null : { ...row, isInFlight: row.isInFlight === 1 };
    },
  };
}
