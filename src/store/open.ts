import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { StoreError } from '../core/errors.ts';
import type { Journal } from '../core/ports/journal.ts';
import type { JobStore } from '../core/ports/store.ts';
import { STORE_REFUSALS, type StoreRefusal } from '../core/store-remedies.ts';
import { assembleJobStore } from './job-store.ts';
import { journaled } from './journaled.ts';
import { checkOwner, isSchemaWhole, migrate } from './migrate.ts';
import { isBusy, toStoreError } from './sqlite-errors.ts';
import { compileAtFirstUse } from './statements.ts';

// The only import of better-sqlite3 for the store, its locks and its scratch files.
export type Db = Database.Database;

/**
 * How long a write waits for another program's. The longest transaction of ours settles the rows of a canceled job:
 * seconds at 1,000,000 rows.
 */
const BUSY_TIMEOUT_MS = 30_000;

/** What a checkpoint leaves of the write-ahead log after a large transaction. */
const JOURNAL_SIZE_LIMIT_BYTES = 16 * 1024 * 1024;

export interface OpenOptions {
  /** Recorded with each migration, so that an older program can say which version is needed. */
  readonly programVersion: string;
  /** The time of events, for people to read; SQLite's own clock when not given. */
  readonly now?: () => Date;
  /** Where changes are repeated that a lost database is made from again. */
  readonly journal?: Journal;
  /** The rights of others to an existing store stay as they are. */
  readonly leaveModes?: boolean;
}

/**
 * Opens the store, making it and its folder when they are not there, and brings it to the newest schema. Any number of
 * processes may have it open.
 *
 * A store that was not closed needs no check of ours: SQLite replays the log by its checksums, and refuses a file that
 * is shorter than its header says. `quick_check` would read all of it (seconds at 1,000,000 requests, on every command
 * while another one runs), so other damage is found when the page is read.
 *
 * @throws StoreError `store_foreign`, `store_newer`, `store_damaged`, `store_locked`, `store_readonly`, `store_denied`,
 * `store_full`, `store_io`, `sqlite_too_old`
 */
export async function openStore(path: string, options: OpenOptions): Promise<JobStore> {
  const db = await openDatabase(path, options);
  try {
    const now = options.now ?? clockOf(db);
    const compileAll = compileAtFirstUse(db);
    const store = assembleJobStore(db, now, options.journal?.isOpen);
    // What is missing shall be missed by every command, and not only by those that read it.
    if (!isSchemaWhole(db)) compileAll();
    return options.journal === undefined ? store : journaled(store, db, options.journal, now);
  } catch (error) {
    db.close();
    throw toStoreError(error, path);
  }
}

/** The connection of a store, with every setting, on the newest schema. Throws as `openStore` does. */
export async function openDatabase(
  path: string,
  { programVersion, now, leaveModes = false }: OpenOptions,
): Promise<Db> {
  try {
    if (!leaveModes) makePrivate(path);
    const db = connect(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    try {
      checkSqliteVersion(String(db.prepare('SELECT sqlite_version()').pluck().get()));
      checkOwner(db);
      await useWal(db);
      configure(db);
      migrate(db, { programVersion, now: now ?? clockOf(db) });
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
}

function clockOf(db: Db): () => Date {
  const selectMs = db.prepare<[], number>("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)").pluck();
  return () => new Date(selectMs.get() ?? 0);
}

/** A bare connection: no schema, no settings but the time it waits for locks. */
export function connect(path: string, options: { readonly busyTimeoutMs: number }): Db {
  return new Database(path, { timeout: options.busyTimeoutMs });
}

/**
 * Before 3.51.3 two connections could reset the log at the same moment and corrupt the database (the «WAL-reset bug»).
 * Source: SQLite's release notes of 3.51.3, 2026-03.
 */
export function checkSqliteVersion(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major * 1_000_000 + minor * 1_000 + patch >= 3_051_003) return;
  throw new StoreError(`SQLite ${version} is too old`, {
    code: 'sqlite_too_old',
    why: 'before 3.51.3 two programs writing at once could damage the store',
    next: 'install batchctl again with the better-sqlite3 that it asks for',
  });
}

function configure(db: Db): void {
  // FULL: with NORMAL a power cut may take the last commits, and ours may be a seal or the id of a paid batch. Set on
  // every connection, because better-sqlite3 is built with SQLITE_DEFAULT_WAL_SYNCHRONOUS=1 (docs/compilation.md).
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma(`journal_size_limit = ${JOURNAL_SIZE_LIMIT_BYTES}`);
}

/** The mode is kept in the file, so only the first program changes it. */
async function useWal(db: Db): Promise<void> {
  // Two programs that make the same store wait for each other in a circle, which SQLite ends with «busy» at once.
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (db.pragma('journal_mode = WAL', { simple: true }) === 'wal') return;
      break;
    } catch (error) {
      if (!isBusy(error) || attempt === 200) throw error;
      await delay(attempt);
    }
  }
  throw new StoreError(`the store cannot use a write-ahead log: ${db.name}`, {
    code: 'store_io',
    why: 'its file system has no shared memory; network file systems do that',
    next: 'keep the workspace on a local disk',
  });
}

/** Prompts are nobody else's business: the folder becomes 0700, the file 0600; its log inherits the file's mode. */
function makePrivate(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    createPrivate(path);
  } catch (error) {
    throw fileError(error, path);
  }
  try {
    tighten(folder, 0o700);
    tighten(path, 0o600);
  } catch (error) {
    // Somebody else's file that we may use: SQLite decides what is possible.
    if (!isErrno(error, 'EPERM') && !isErrno(error, 'EROFS')) throw fileError(error, path);
  }
}

/**
 * An empty file that only its owner may read, where there is none: SQLite takes it for a new database and keeps its mode.
 * «wx», so that an existing one is never opened: closing any handle of it drops this process's locks on it.
 */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

function tighten(path: string, mode: number): void {
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, mode);
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function fileError(error: unknown, path: string): StoreError {
  const isAny = (...codes: readonly string[]): boolean => codes.some((code) => isErrno(error, code));
  const told = (kind: StoreRefusal): StoreError =>
    new StoreError(`the store could not be made: ${path}`, { ...STORE_REFUSALS[kind], cause: error });
  if (isAny('ENOSPC', 'EDQUOT')) return told('full');
  if (isAny('EROFS')) return told('readonly');
  if (isAny('EACCES', 'EPERM')) return told('denied');
  return new StoreError(`the store could not be made: ${path}`, {
    code: 'store_io',
    why: error instanceof Error ? error.message : String(error),
    next: 'make the workspace writable for you, or choose another one with -C',
    cause: error,
  });
}
