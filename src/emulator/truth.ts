import { listAllBatches } from './batches.ts';
import { formatTime } from './clock.ts';
import type { Db } from './database.ts';

interface PostRow {
  readonly n: number;
  readonly began_us: number;
  readonly content_length: number | null;
  readonly received_bytes: number;
  readonly is_complete: number;
  readonly status: number | null;
  readonly batch_id: string | null;
  readonly workspace_id: string;
}

interface MessageRow {
  readonly n: number;
  readonly began_us: number;
  readonly prompt: string;
  readonly is_answered: number;
  readonly status: number | null;
}

/**
 * What really happened, over all restarts: every create call, also those that were cut off or never answered, every
 * Messages call, every batch, also deleted and foreign ones, and how often each route was called. Tests of clients compare with it.
 */
export function readTruth(db: Db) {
  const posts = db
    .prepare(`
    SELECT number AS n, began_us, content_length, received_bytes, is_complete, status, batch_id, workspace_id
    FROM posts
    ORDER BY number
  `)
    .all() as PostRow[]; // holds: STRICT columns, in the shape selected
  const messages = db
    .prepare('SELECT number AS n, began_us, prompt, is_answered, status FROM messages ORDER BY number')
    .all() as MessageRow[]; // same
  const calls = db.prepare('SELECT route, count FROM calls ORDER BY route').raw().all() as [string, number][]; // same
  return {
    posts: posts.map(({ began_us, is_complete, workspace_id, ...post }) => ({
      ...post,
      at: formatTime(began_us),
      complete: is_complete === 1,
      workspace: workspace_id,
    })),
    messages: messages.map(({ began_us, is_answered, ...message }) => ({
      ...message,
      at: formatTime(began_us),
      answered: is_answered === 1,
    })),
    batches: listAllBatches(db).map((batch) => ({
      id: batch.id,
      workspace: batch.workspaceId,
      requests: batch.requests,
      created_at: formatTime(batch.createdUs),
      foreign: batch.isForeign,
      sha256: batch.bodySha256,
      first_custom_id: batch.firstCustomId,
    })),
    calls: Object.fromEntries(calls),
  };
}
