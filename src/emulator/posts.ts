import type { Db } from './database.ts';

/** What a create call came to. */
export interface PostOutcome {
  readonly receivedBytes: number;
  readonly isComplete: boolean;
  /** The status answered; null when the connection was dropped instead. */
  readonly status: number | null;
  readonly batchId: string | null;
}

/** Logs that a create call has begun; returns its number, counted over all restarts. */
export function startPost(
  db: Db,
  post: { readonly beganUs: number; readonly workspaceId: string; readonly contentLength: number | null },
): number {
  const insert = db.prepare(`
    INSERT INTO posts (began_us, workspace_id, content_length)
    VALUES (:beganUs, :workspaceId, :contentLength)
  `);
  return Number(insert.run(post).lastInsertRowid);
}

/** Logs what became of a create call. One that never gets here belongs to a killed process. */
export function finishPost(db: Db, number: number, outcome: PostOutcome): void {
  db.prepare(`
    UPDATE posts
    SET received_bytes = :receivedBytes, is_complete = :isComplete, status = :status, batch_id = :batchId
    WHERE number = :number
  `).run({ ...outcome, number, isComplete: outcome.isComplete ? 1 : 0 });
}

/** Counts one call of a route, such as `GET /v1/messages/batches/{id}`. */
export function countCall(db: Db, route: string): void {
  db.prepare(`
    INSERT INTO calls (route, count)
    VALUES (:route, 1)
    ON CONFLICT (route) DO UPDATE SET count = count + 1
  `).run({ route });
}

/** Logs a Messages call that was whole and valid. */
export function logMessage(
  db: Db,
  message: {
    readonly beganUs: number;
    readonly workspaceId: string;
    /** How its last user turn begins. */
    readonly prompt: string;
    /** Whether an answer was made, and would be paid, even if the client never got it. */
    readonly isAnswered: boolean;
    /** Null when the connection is dropped instead. */
    readonly status: number | null;
  },
): void {
  db.prepare(`
    INSERT INTO messages (began_us, workspace_id, prompt, is_answered, status)
    VALUES (:beganUs, :workspaceId, :prompt, :isAnswered, :status)
  `).run({ ...message, isAnswered: message.isAnswered ? 1 : 0 });
}
