import { endsUs } from './batch-state.ts';
import type { Batch } from './batches.ts';
import type { Db } from './database.ts';
import type { CachedPrefixes } from './usage.ts';

const HOUR_US = 3_600_000_000;

/** What the rows of one batch find in the prompt cache. */
export interface BatchCache {
  /** For the row at this place of the results. */
  at(position: number): CachedPrefixes;
  /** Keeps what the batch has written for an hour, for batches that are created after it has ended. */
  keep(): void;
}

/** Each batch by itself: the first row writes a prefix, and all others read it. */
export function warmCache(): BatchCache {
  const cached: CachedPrefixes = new Map();
  return { at: () => cached, keep: () => {} };
}

/**
 * As it is where many rows begin at once: the first `cold` of them do not find what the others write, only what earlier
 * batches of the workspace have left. Depends on nothing but the batches whose results were read before.
 */
export function coldCache(db: Db, batch: Batch, cold: number): BatchCache {
  const left = db
    .prepare<{ workspaceId: string; us: number; hour: number }, { prefix: number }>(`
      SELECT prefix
      FROM cached_prefixes
      WHERE workspace_id = :workspaceId AND from_us <= :us AND from_us + :hour > :us
    `)
    .all({ workspaceId: batch.workspaceId, us: batch.createdUs, hour: HOUR_US })
    .map(({ prefix }) => [prefix, '1h'] as const);
  const shared: CachedPrefixes = new Map(left);
  const apart: CachedPrefixes[] = [];
  return {
    at(position) {
      if (position >= cold) {
        for (const one of apart.splice(0)) for (const [prefix, ttl] of one) shared.set(prefix, ttl);
        return shared;
      }
      const own: CachedPrefixes = new Map(left);
      apart.push(own);
      return own;
    },
    keep() {
      const insert = db.prepare(`
        INSERT OR IGNORE INTO cached_prefixes (workspace_id, prefix, from_us)
        VALUES (:workspaceId, :prefix, :us)
      `);
      for (const one of [shared, ...apart]) {
        for (const [prefix, ttl] of one)
          if (ttl === '1h') insert.run({ workspaceId: batch.workspaceId, prefix, us: endsUs(batch) });
      }
    },
  };
}
