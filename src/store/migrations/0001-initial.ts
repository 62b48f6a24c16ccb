import type { Migration } from './index.ts';

/**
 * The first schema. It comes from a draft that was measured at 1,000,000 requests (134 bytes a request, 5.8 µs a row).
 * As it stands: 135 bytes at 100,000 requests and 140 at 1,000,000, results applied; 11 µs a row at 100,000. The index of
 * output keys is what a row costs more, because its keys come in no order (better-sqlite3 13.2, Node 24, 2 busy cores).
 * What differs from the draft, and why:
 *
 * - Left out until something needs them: past_attempts, costs, content hashes of rows (with their index), groups of
 *   records, origins of shards, states and needs of stages. `requests.shard_id` may already be null, for rows that are
 *   held back, because SQLite cannot loosen a column of a full table without copying it.
 * - requests.output_path and output_key. The key is a hash of the path as a careless file system would see it: 8 bytes
 *   in the index where the path would be 40 and more.
 * - requests_by_shard, 11 bytes a request. Without it a group that is spread over a whole stage costs a scan of the
 *   stage each time one of its shards is settled, and so does the foreign key each time a shard is deleted.
 * - Counts of a batch are columns, not JSON: a listing is compared by their sum, and `status` parses nothing.
 * - «not found» answers are evidence of their own (batches.not_found_…), and batches.described_json keeps all that the
 *   API said. There is no batches.shard_id: the submission names the shard.
 * - A submission has no epoch. A run that lost its claim finds its submission aborted, which the seal checks.
 * - AUTOINCREMENT where another process may still hold an id: a dropped job's ids never come back as somebody else's.
 * - requests.failure has no list in a CHECK: a new class of failure would otherwise rewrite the table.
 */
export const initial: Migration = {
  number: 1,
  name: 'initial',
  sql: `
CREATE TABLE migrations (                       -- read by every later version, so it never changes
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  program_version TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  base_url TEXT NOT NULL,                       -- or emulator:<uuid>
  key_fingerprint TEXT NOT NULL,
  organization_id TEXT,                         -- both null until an answer named them
  workspace_id TEXT,
  UNIQUE (base_url, key_fingerprint)
) STRICT;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  spec_json TEXT NOT NULL,
  records INTEGER NOT NULL DEFAULT 0,
  content_sha256 TEXT CHECK (length(content_sha256) = 64),
  account_id INTEGER REFERENCES accounts,
  state TEXT NOT NULL CHECK (state IN
    ('building','built','submitting','in_doubt','in_progress','ended','done','canceled','failed')),
  created_at TEXT NOT NULL,
  submit_requested_at TEXT,
  cancel_requested_at TEXT,
  final_at TEXT,
  CHECK ((state IN ('done','canceled','failed')) = (final_at IS NOT NULL)),
  CHECK (state = 'building' OR content_sha256 IS NOT NULL),
  CHECK ((account_id IS NULL) = (submit_requested_at IS NULL))
) STRICT;
CREATE INDEX jobs_by_name ON jobs (name);
CREATE INDEX jobs_by_content ON jobs (content_sha256);

CREATE TABLE stages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs,
  position INTEGER NOT NULL,                    -- from 1
  name TEXT NOT NULL,
  UNIQUE (job_id, position),
  UNIQUE (job_id, name)
) STRICT;

CREATE TABLE records (                          -- where each record stands in records.jsonl
  job_id INTEGER NOT NULL REFERENCES jobs,
  seq INTEGER NOT NULL,
  custom_id TEXT NOT NULL,
  byte_offset INTEGER NOT NULL,
  byte_length INTEGER NOT NULL,
  PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX records_by_custom_id ON records (job_id, custom_id);

CREATE TABLE shards (                           -- its file is never rewritten, its number never reused
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stage_id INTEGER NOT NULL REFERENCES stages,
  number INTEGER NOT NULL,
  group_key TEXT,
  nonce TEXT NOT NULL UNIQUE,
  split_from_id INTEGER REFERENCES shards,
  requests INTEGER NOT NULL DEFAULT 0,
  body_bytes INTEGER NOT NULL DEFAULT 0,
  file_sha256 TEXT CHECK (length(file_sha256) = 64),
  state TEXT NOT NULL CHECK (state IN
    ('building','built','live','downloaded','applied','split','canceled','lost')),
  raw_bytes INTEGER,
  raw_sha256 TEXT CHECK (length(raw_sha256) = 64),
  tally_json TEXT,                              -- all that list and status read
  UNIQUE (stage_id, number),
  CHECK (state = 'building' OR (requests > 0 AND body_bytes > 0 AND file_sha256 IS NOT NULL)),
  CHECK ((raw_bytes IS NULL) = (raw_sha256 IS NULL)),
  CHECK (state NOT IN ('downloaded','applied') OR raw_sha256 IS NOT NULL),
  CHECK ((state IN ('applied','canceled','lost')) = (tally_json IS NOT NULL))
) STRICT;
CREATE INDEX shards_by_split ON shards (split_from_id) WHERE split_from_id IS NOT NULL;

CREATE TABLE requests (
  stage_id INTEGER NOT NULL REFERENCES stages,
  seq INTEGER NOT NULL,
  shard_id INTEGER REFERENCES shards,           -- of the latest attempt
  attempt INTEGER NOT NULL DEFAULT 1,
  output_key INTEGER NOT NULL,
  output_path TEXT,                             -- null: the default place
  status TEXT CHECK (status IN ('succeeded','errored','canceled','expired','missing','held')),
  failure TEXT,
  raw_offset INTEGER,
  raw_length INTEGER,
  PRIMARY KEY (stage_id, seq),
  CHECK (shard_id IS NOT NULL OR status IS 'held'),
  CHECK ((failure IS NOT NULL) = (status IS NOT NULL) OR (status = 'succeeded' AND failure IS NULL)),
  CHECK ((raw_offset IS NULL) = (raw_length IS NULL)),
  CHECK (status IS NOT NULL OR raw_offset IS NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX requests_by_output_key ON requests (stage_id, output_key);
CREATE INDEX requests_by_shard ON requests (shard_id);

CREATE TABLE submissions (                      -- one POST of one shard
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  shard_id INTEGER NOT NULL REFERENCES shards,
  number INTEGER NOT NULL,                      -- from 1 within its shard
  account_id INTEGER NOT NULL REFERENCES accounts,
  state TEXT NOT NULL CHECK (state IN
    ('uploading','aborted','sealed','created','rejected','in_doubt','stuck','absent')),
  upload_started_at TEXT NOT NULL,              -- this and the next: server time where it was known
  sealed_at TEXT,
  reason TEXT,
  answer_status INTEGER,
  answer_request_id TEXT,
  watch_until_at TEXT,
  fence_json TEXT,                              -- last, so that what does not ask for it need not step over it
  UNIQUE (shard_id, number),
  CHECK (state <> 'uploading' OR sealed_at IS NULL),
  CHECK (state IN ('uploading','aborted') OR sealed_at IS NOT NULL),
  CHECK ((sealed_at IS NULL) = (fence_json IS NULL)),
  CHECK (state NOT IN ('aborted','rejected','in_doubt','stuck') OR reason IS NOT NULL),
  CHECK ((state IN ('rejected','absent')) = (watch_until_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_live_submission ON submissions (shard_id)
  WHERE state IN ('uploading','sealed','created','in_doubt','stuck');
CREATE INDEX unsettled_submissions ON submissions (state)
  WHERE state IN ('uploading','sealed','in_doubt','stuck','absent','rejected');

CREATE TABLE batches (                          -- ours, and those that may be
  batch_id TEXT PRIMARY KEY CHECK (length(batch_id) BETWEEN 1 AND 256),
  account_id INTEGER NOT NULL REFERENCES accounts,
  submission_id INTEGER UNIQUE REFERENCES submissions,
  processing_status TEXT NOT NULL,
  processing INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  errored INTEGER NOT NULL,
  canceled INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  created_at TEXT NOT NULL,                     -- these as received
  expires_at TEXT NOT NULL,
  ended_at TEXT,
  cancel_initiated_at TEXT,
  archived_at TEXT,
  results_url TEXT,
  described_json TEXT NOT NULL,
  seen_at TEXT NOT NULL,                        -- this machine's time
  not_found_since_at TEXT,                      -- server time
  not_found_answers INTEGER NOT NULL DEFAULT 0,
  CHECK ((not_found_since_at IS NULL) = (not_found_answers = 0))
) STRICT, WITHOUT ROWID;

CREATE TABLE candidates (
  submission_id INTEGER NOT NULL REFERENCES submissions,
  batch_id TEXT NOT NULL REFERENCES batches,
  verdict TEXT NOT NULL CHECK (verdict IN ('provisional','verified','rejected')),
  rejected_by TEXT CHECK (rejected_by IN ('results','rival','user')),
  PRIMARY KEY (submission_id, batch_id),
  CHECK ((verdict = 'rejected') = (rejected_by IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX candidates_by_batch ON candidates (batch_id);

CREATE TABLE looks (                            -- evidence of absence
  id INTEGER PRIMARY KEY,
  submission_id INTEGER NOT NULL REFERENCES submissions,
  server_at TEXT NOT NULL,
  clean INTEGER NOT NULL CHECK (clean IN (0, 1)),
  known_seen INTEGER NOT NULL CHECK (known_seen IN (0, 1))
) STRICT;
CREATE INDEX looks_by_submission ON looks (submission_id);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,                             -- this machine's time
  job_id INTEGER NOT NULL REFERENCES jobs,
  shard_id INTEGER,
  submission_id INTEGER,
  kind TEXT NOT NULL,
  detail_json TEXT
) STRICT;
CREATE INDEX events_by_job ON events (job_id);
`,
};
