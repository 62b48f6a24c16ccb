import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { isKnownError, StoreError } from '../core/errors.ts';
import type { StoreInspection } from '../core/ports/inspection.ts';
import { checkOwner } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { toStoreError } from './sqlite-errors.ts';

const FAULTS_SHOWN = 3;

/** The file may be sound: something keeps us from it. */
const BLOCKED = ['store_locked', 'store_full', 'store_readonly', 'store_denied', 'store_io'];

const NOTHING = { faults: [], sqliteVersion: null, jobIds: new Set<string>() } as const;

/** Reads the whole database: seconds at 1,000,000 requests, which is what `doctor` is for. */
export function inspectStore(path: string): StoreInspection {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { ...NOTHING, kind: 'absent' };
  if (found.size === 0) return { ...NOTHING, kind: 'empty' };
  let sqliteVersion: string | null = null;
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    try {
      sqliteVersion = String(db.prepare('SELECT sqlite_version()').pluck().get());
      checkOwner(db);
      const version = Number(db.pragma('user_version', { simple: true }));
      const faults = [...integrityFaults(db), ...schemaFaults(db, version), ...referenceFaults(db)];
      if (faults.length > 0)
        return { ...NOTHING, kind: 'damaged', faults: faults.slice(0, FAULTS_SHOWN), sqliteVersion };
      const isOlder = version < (migrations.at(-1)?.number ?? 0);
      const jobIds = new Set(
        version === 0 ? [] : db.prepare<[], string>('SELECT job_id FROM jobs').pluck().all(),
      );
      return { kind: isOlder ? 'older' : 'sound', faults: [], sqliteVersion, jobIds };
    } finally {
      db.close();
    }
  } catch (thrown) {
    return { ...NOTHING, ...kindOf(thrown, path), sqliteVersion };
  }
}

function integrityFaults(db: Database.Database): readonly string[] {
  // One row `ok`, or a row a fault.
  const rows = db.pragma('integrity_check(10)') as readonly { integrity_check: string }[];
  return rows
    .map((row) => row.integrity_check)
    .filter((text) => text !== 'ok')
    .slice(0, FAULTS_SHOWN);
}

/** To SQLite a database is whole without one of our tables too. */
function schemaFaults(db: Database.Database, version: number): readonly string[] {
  const model = new Database(':memory:');
  try {
    model.function('file_place', () => '');
    for (const { number, sql } of migrations) if (number <= version) model.exec(sql);
    const there = new Set(namesIn(db));
    return namesIn(model).flatMap((name) => (there.has(name) ? [] : [`${name} is not in it`]));
  } finally {
    model.close();
  }
}

/** `table jobs`, `index …`: all that migrations make. */
function namesIn(db: Database.Database): readonly string[] {
  return db
    .prepare<[], string>("SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    .pluck()
    .all();
}

function referenceFaults(db: Database.Database): readonly string[] {
  const rows = db.pragma('foreign_key_check') as readonly { table: string; parent: string }[];
  return rows
    .slice(0, FAULTS_SHOWN)
    .map(({ table, parent }) => `a row of ${table} names a row of ${parent} that is gone`);
}

function kindOf(thrown: unknown, path: string): Pick<StoreInspection, 'kind' | 'faults' | 'error'> {
  const error = toStoreError(thrown, path);
  const why = isKnownError(error) ? (error.why ?? error.message) : String(thrown);
  const code = isKnownError(error) ? error.code : '';
  const isNotSqlite = thrown instanceof Error && 'code' in thrown && thrown.code === 'SQLITE_NOTADB';
  if (code === 'store_newer') return { kind: 'newer', faults: [why] };
  // Another program's database is left alone; a file that is none may be ours with its first page destroyed.
  if (code === 'store_foreign') return { kind: isNotSqlite ? 'damaged' : 'foreign', faults: [why] };
  const isBlocked = BLOCKED.includes(code);
  if (isBlocked && error instanceof StoreError) return { kind: 'unreadable', faults: [why], error };
  return { kind: 'damaged', faults: [why] };
}
