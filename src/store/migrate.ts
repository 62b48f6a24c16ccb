import { StoreError } from '../core/errors.ts';
import { backUp } from './back-up.ts';
import { placeOf } from './identity.ts';
import { COLUMNS, type Migration, migrations } from './migrations/index.ts';
import type { Db } from './open.ts';

/** «batc» in ASCII, in the header of every store: how `file` and we tell it from other people's databases. */
export const APPLICATION_ID = 0x62617463;

export interface MigrateOptions {
  readonly programVersion: string;
  readonly now: () => Date;
}

/**
 * Refuses a database that is not ours or newer than this program, before anything of it is changed.
 *
 * @throws StoreError `store_foreign`, `store_newer`
 */
export function checkOwner(db: Db, known: readonly Migration[] = migrations): void {
  // In one snapshot: another program may be making this store right now.
  const { applicationId, isEmpty } = db
    .transaction(() => ({
      applicationId: Number(db.pragma('application_id', { simple: true })),
      isEmpty: db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined,
    }))
    .deferred();
  if (applicationId !== APPLICATION_ID && !(applicationId === 0 && isEmpty)) {
    throw new StoreError(`not a batchctl store: ${db.name}`, {
      code: 'store_foreign',
      why: 'it is a SQLite database of another program',
      next: 'move the file away, or choose another workspace with -C',
    });
  }
  if (schemaVersion(db) > (known.at(-1)?.number ?? 0)) {
    throw new StoreError(`the store is newer than this batchctl: ${db.name}`, {
      code: 'store_newer',
      why: `batchctl ${lastProgramVersion(db)} has changed its layout; nothing was touched`,
      next: `use batchctl ${lastProgramVersion(db)} or newer`,
    });
  }
}

/**
 * Brings the database to the newest schema. Each migration is one transaction with its own record and the new version
 * number, so a kill leaves the old schema or the new one. Any number of programs may do this at once: each looks again
 * once it holds the write lock. What was there is copied first.
 */
export function migrate(db: Db, options: MigrateOptions, known: readonly Migration[] = migrations): void {
  // What a migration may ask that SQL cannot know.
  db.function('file_place', () => placeOf(db.name));
  let isSaved = false;
  for (const migration of known) {
    if (schemaVersion(db) >= migration.number) continue;
    db.transaction(() => {
      // Another program may have brought it further meanwhile.
      const version = schemaVersion(db);
      if (version >= migration.number) return;
      if (version > 0 && !isSaved) backUp(db.name, version);
      isSaved = true;
      apply(db, migration, options);
    }).immediate();
  }
}

/** Whether each column is there that the newest schema has. Says nothing of indexes, which no statement needs to be right. */
export function isSchemaWhole(db: Db): boolean {
  const tables = Object.keys(COLUMNS);
  const there = db
    .prepare<[string], number>(`
      SELECT count(*)
      FROM json_each(?) AS tables
      JOIN pragma_table_xinfo(tables.value) AS columns ON columns.name <> ''
    `)
    .pluck()
    .get(JSON.stringify(tables));
  return there === Object.values(COLUMNS).reduce((sum, count) => sum + count);
}

function apply(db: Db, migration: Migration, { programVersion, now }: MigrateOptions): void {
  db.exec(migration.sql);
  db.prepare<{ number: number; name: string; programVersion: string; appliedAt: string }>(`
    INSERT INTO migrations (number, name, program_version, applied_at)
    VALUES (:number, :name, :programVersion, :appliedAt)
  `).run({
    number: migration.number,
    name: migration.name,
    programVersion,
    appliedAt: now().toISOString(),
  });
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${migration.number}`);
}

function schemaVersion(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function lastProgramVersion(db: Db): string {
  const row = db
    .prepare<[], { programVersion: string }>(`
      SELECT program_version AS programVersion
      FROM migrations
      ORDER BY number DESC
      LIMIT 1
    `)
    .get();
  return row?.programVersion ?? 'of a later release';
}
