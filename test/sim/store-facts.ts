import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What batchctl itself has committed, read when none of its processes runs. */
export interface StoreFacts {
  readonly jobs: readonly { readonly jobId: string; readonly name: string; readonly state: string }[];
  readonly shards: readonly {
    readonly id: number;
    readonly stageId: number;
    readonly jobId: string;
    readonly nonce: string;
    readonly bodyBytes: number;
    readonly state: string;
  }[];
  readonly submissions: readonly {
    readonly id: number;
    readonly shardId: number;
    readonly state: string;
    readonly isSealed: boolean;
    readonly batchId: string | null;
    readonly bodyBytes: number;
  }[];
  /** How often each thing happened. */
  readonly events: ReadonlyMap<string, number>;
  /** From the seal to the last look of those judged absent, in server time. */
  readonly absentAfterMs: readonly number[];
}

const NOTHING: StoreFacts = { jobs: [], shards: [], submissions: [], events: new Map(), absentAfterMs: [] };

export function readStore(dir: string): StoreFacts {
  const path = join(dir, '.batchctl', 'state.db');
  if (!existsSync(path)) return NOTHING;
  const db = new Database(path, { timeout: 10_000 });
  try {
    const hasTables = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'jobs'").get() !== undefined;
    return hasTables ? readTables(db) : NOTHING;
  } finally {
    db.close();
  }
}

function readTables(db: Database.Database): StoreFacts {
  // The casts hold: STRICT columns, in the shape selected.
  const submissions = db
    .prepare(`
      SELECT submissions.id, shard_id AS shardId, submissions.state, sealed_at IS NOT NULL AS sealed,
        batches.batch_id AS batchId, shards.body_bytes AS bodyBytes
      FROM submissions
      JOIN shards ON shards.id = submissions.shard_id
      LEFT JOIN batches ON batches.submission_id = submissions.id
    `)
    .all() as (Omit<StoreFacts['submissions'][number], 'isSealed'> & { readonly sealed: number })[];
  const events = db.prepare('SELECT kind, count(*) FROM events GROUP BY kind').raw().all() as [
    string,
    number,
  ][];
  return {
    jobs: db
      .prepare("SELECT job_id AS jobId, name, state FROM jobs WHERE state <> 'building' ORDER BY id")
      .all() as StoreFacts['jobs'],
    shards: db
      .prepare(`
        SELECT shards.id, stage_id AS stageId, jobs.job_id AS jobId, nonce, body_bytes AS bodyBytes, shards.state
        FROM shards
        JOIN stages ON stages.id = stage_id
        JOIN jobs ON jobs.id = stages.job_id
      `)
      .all() as StoreFacts['shards'],
    submissions: submissions.map(({ sealed, ...one }) => ({ ...one, isSealed: sealed === 1 })),
    events: new Map(events),
    absentAfterMs: db
      .prepare(`
        SELECT 1000 * (unixepoch(max(server_at), 'subsec') - unixepoch(sealed_at, 'subsec'))
        FROM submissions
        JOIN looks ON looks.submission_id = submissions.id
        WHERE state = 'absent'
        GROUP BY submissions.id
      `)
      .pluck()
      .all() as number[],
  };
}

/** Nothing more will happen to it by itself. */
export function isFinalState(state: string): boolean {
  return state === 'done' || state === 'canceled' || state === 'failed';
}
