import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** The emulator's own database; nothing else reads it. */
export type Db = Database.Database;

const SCHEMA_VERSION = 1;

// Times are integers of microseconds: the API's stamps have six decimals, and the clock's arithmetic is done on them.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT NOT NULL PRIMARY KEY,
  single INTEGER NOT NULL DEFAULT 1 UNIQUE CHECK (single = 1),
  server_origin_us INTEGER NOT NULL,
  real_origin_us INTEGER NOT NULL,
  clock_rate REAL NOT NULL CHECK (clock_rate > 0),
  faults_given_json TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS batches (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  workspace_id TEXT NOT NULL,
  requests INTEGER NOT NULL CHECK (requests > 0),
  invalid_requests INTEGER NOT NULL CHECK (invalid_requests BETWEEN 0 AND requests),
  created_us INTEGER NOT NULL,
  stored_us INTEGER NOT NULL,
  finishes_us INTEGER NOT NULL CHECK (finishes_us >= created_us),
  canceled_us INTEGER,
  deleted_us INTEGER,
  api_version TEXT NOT NULL,
  betas_json TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  first_custom_id TEXT NOT NULL,
  is_foreign INTEGER NOT NULL CHECK (is_foreign IN (0, 1))
) STRICT;
CREATE TABLE IF NOT EXISTS batch_rows (
  batch_id TEXT NOT NULL PRIMARY KEY REFERENCES batches (id),
  row_table BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS posts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  began_us INTEGER NOT NULL,
  workspace_id TEXT NOT NULL,
  content_length INTEGER,
  received_bytes INTEGER NOT NULL DEFAULT 0,
  is_complete INTEGER NOT NULL DEFAULT 0 CHECK (is_complete IN (0, 1)),
  status INTEGER,
  batch_id TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  began_us INTEGER NOT NULL,
  workspace_id TEXT NOT NULL,
  prompt TEXT NOT NULL,
  is_answered INTEGER NOT NULL CHECK (is_answered IN (0, 1)),
  status INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS faults (
  position INTEGER PRIMARY KEY,
  fault TEXT NOT NULL,
  remaining INTEGER CHECK (remaining >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS cached_prefixes (
  workspace_id TEXT NOT NULL,
  prefix INTEGER NOT NULL,
  from_us INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, prefix, from_us)
) STRICT;
CREATE TABLE IF NOT EXISTS calls (
  route TEXT NOT NULL PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT;
`;

/**
 * Opens the emulator's database in this folder, and makes both when they are not there. Several processes may hold it
 * open at once.
 */
export function openDatabase(stateDir: string): Db {
  const folder = join(stateDir, 'emulator');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(stateDir, 'emulator.db');
  makePrivate(path, folder);
  const db = new Database(path, { timeout: 30_000 });
  db.pragma('journal_mode = WAL');
  // NORMAL survives the death of a process; only a power cut could take the last commits, and nothing is paid for here.
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  db.transaction(() => {
    const found = Number(db.pragma('user_version', { simple: true }));
    if (found > SCHEMA_VERSION) {
      throw new Error(
        `${db.name} was written by a newer version of the emulator; remove it, or use that version`,
      );
    }
    db.exec(SCHEMA);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
    const nowUs = Date.now() * 1000;
    db.prepare(`
      INSERT OR IGNORE INTO accounts (id, server_origin_us, real_origin_us, clock_rate)
      VALUES (:id, :nowUs, :nowUs, 1)
    `).run({ id: randomUUID(), nowUs });
  }).immediate();
  return db;
}

/** What it is sent are prompts of a user's. SQLite gives the files beside a database the database's mode. */
function makePrivate(path: string, folder: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  } catch {
    // SQLite says what cannot be done; a database that others can read is still one.
  }
}

/** The id that the emulated account keeps for as long as its database lives. */
export function readAccountId(db: Db): string {
  return String(db.prepare('SELECT id FROM accounts').pluck().get());
}
