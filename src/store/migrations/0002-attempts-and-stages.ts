import type { Migration } from './index.ts';

/**
 * What later stages, retries, reuse and real time need. Defaults say what a job of the first schema was: one stage that is
 * open, shards that were built and go through batches.
 *
 * - past_attempts takes what a row was when it goes out again. Few rows do, so the table of requests stays as it is.
 * - contents is filled only when somebody asks for what has changed, shard by shard: a hash in every row would cost 40
 *   bytes of the 135 that a request has.
 */
export const attemptsAndStages: Migration = {
  number: 2,
  name: 'attempts-and-stages',
  sql: `
ALTER TABLE jobs ADD COLUMN mode TEXT CHECK (mode IN ('batch','real_time'));
UPDATE jobs SET mode = 'batch' WHERE account_id IS NOT NULL;

-- waiting: its requests cannot be made before the stages it needs are final.
ALTER TABLE stages ADD COLUMN state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('waiting','open'));
ALTER TABLE stages ADD COLUMN held INTEGER NOT NULL DEFAULT 0;

ALTER TABLE shards ADD COLUMN origin TEXT NOT NULL DEFAULT 'build'
  CHECK (origin IN ('build','retry','reused'));
ALTER TABLE shards ADD COLUMN route TEXT NOT NULL DEFAULT 'batch'
  CHECK (route IN ('batch','real_time','none'));

CREATE TABLE past_attempts (
  stage_id INTEGER NOT NULL REFERENCES stages,
  seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  shard_id INTEGER NOT NULL REFERENCES shards,
  status TEXT NOT NULL CHECK (status IN ('succeeded','errored','canceled','expired','missing')),
  failure TEXT,                                 -- null: a good answer came after the row had gone out again
  raw_offset INTEGER,
  raw_length INTEGER,
  PRIMARY KEY (stage_id, seq, attempt),
  CHECK (failure IS NOT NULL OR status = 'succeeded'),
  CHECK ((raw_offset IS NULL) = (raw_length IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX past_attempts_by_shard ON past_attempts (shard_id);

CREATE TABLE holds (                            -- why a row is held, where it is not that its need failed
  stage_id INTEGER NOT NULL REFERENCES stages,
  seq INTEGER NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (stage_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE contents (                         -- SHA-256 of a request's content, its first 16 bytes
  hash BLOB NOT NULL CHECK (length(hash) = 16),
  shard_id INTEGER NOT NULL REFERENCES shards ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  PRIMARY KEY (hash, shard_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE indexed_shards (                   -- those that contents has all of
  shard_id INTEGER PRIMARY KEY REFERENCES shards ON DELETE CASCADE
) STRICT;
`,
};
