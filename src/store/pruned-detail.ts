import type { PrunedDetail, PrunedParts, PrunedTotals } from '../core/pruned.ts';
import type { Db } from './open.ts';

/** What is said of a job before these parts of it are removed. */
export function preparePrunedDetail(db: Db): (jobId: number, parts: PrunedParts) => PrunedDetail {
  const selectShards = db.prepare<{ jobId: number }, PrunedTotals['shards'][number]>(`
    SELECT shards.nonce, shards.tally_json AS tally, shards.spent_json AS spent
    FROM shards
    JOIN stages ON stages.id = shards.stage_id
    WHERE stages.job_id = :jobId AND shards.tally_json IS NOT NULL
    ORDER BY shards.id
  `);
  const selectHeld = db.prepare<{ jobId: number }, { name: string; held: number }>(`
    SELECT name, held
    FROM stages
    WHERE job_id = :jobId
    ORDER BY position
  `);
  return (jobId, parts) => {
    if (parts.answers !== true) return parts;
    const held = Object.fromEntries(selectHeld.all({ jobId }).map((stage) => [stage.name, stage.held]));
    return { ...parts, totals: { shards: selectShards.all({ jobId }), held } };
  };
}
