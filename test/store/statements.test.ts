import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { assembleJobStore } from '../../src/store/job-store.ts';
import { prepareJournalRows } from '../../src/store/journal-rows.ts';
import { isSchemaWhole } from '../../src/store/migrate.ts';
import { COLUMNS } from '../../src/store/migrations/index.ts';
import { connect, type Db, openDatabase, openStore } from '../../src/store/open.ts';
import { prepareRestore } from '../../src/store/restore-statements.ts';
import { compileAtFirstUse } from '../../src/store/statements.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { buildJob } from './contract/fixture.ts';

const OPTIONS = { programVersion: 'test', now: () => new Date('2026-03-01T20:15:30Z') };

async function openFresh(): Promise<{ readonly db: Db; readonly path: string }> {
  const path = join(makeTempDir(), 'state.db');
  const db = await openDatabase(path, OPTIONS);
  onTestFinished(() => {
    db.close();
  });
  return { db, path };
}

/** Counts what SQLite compiles from here on. */
function countCompiled(db: Db): () => number {
  const prepare = db.prepare.bind(db);
  let count = 0;
  const counting = (sql: string) => {
    count += 1;
    return prepare(sql);
  };
  db.prepare = counting as Db['prepare']; // the same, and it counts
  return () => count;
}

test('every statement of the store is one that SQLite compiles on the newest schema', async () => {
  const { db } = await openFresh();
  const compiled = countCompiled(db);
  const compileAll = compileAtFirstUse(db);
  assembleJobStore(db, OPTIONS.now);
  prepareJournalRows(db);
  prepareRestore(db);
  expect(compiled()).toBe(0);
  compileAll();
  expect(compiled()).toBeGreaterThan(150);
});

test('a statement that does not fit is named when all are compiled', async () => {
  const { db } = await openFresh();
  const compileAll = compileAtFirstUse(db);
  db.prepare('SELECT nowhere FROM jobs');
  expect(compileAll).toThrow('no such column: nowhere');
});

test('what only reads compiles what it reads, and gives the same', async () => {
  const { db } = await openFresh();
  const compiled = countCompiled(db);
  compileAtFirstUse(db);
  const store = assembleJobStore(db, OPTIONS.now);
  expect(await store.listJobs({ pendingOnly: true, limit: null })).toEqual([]);
  const few = compiled();
  expect(few).toBeLessThan(10);
  await buildJob(store, [2]);
  expect(compiled()).toBeGreaterThan(150);
  const [job] = await store.listJobs({ pendingOnly: true, limit: null });
  expect(job?.records).toBe(2);
});

test('the first write comes after all others were compiled, and is refused each time where one does not fit', async () => {
  const { db } = await openFresh();
  compileAtFirstUse(db);
  const store = assembleJobStore(db, OPTIONS.now);
  db.exec('ALTER TABLE looks RENAME TO elsewhere');
  for (const _ of [1, 2]) await expect(buildJob(store, [1])).rejects.toThrow('no such table');
  expect(await store.buildingJobs()).toEqual([]);
});

test.each(['DROP TABLE contents', 'DROP TABLE looks', 'ALTER TABLE events DROP COLUMN detail_json'])(
  'a store is refused when it is opened, also for reading, after %s',
  async (damage) => {
    const { path } = await openFresh();
    const db = connect(path, { busyTimeoutMs: 0 });
    db.pragma('foreign_keys = OFF');
    db.exec(damage);
    expect(isSchemaWhole(db)).toBe(false);
    db.close();
    await expect(openStore(path, OPTIONS)).rejects.toThrow(/no such (?:table|column)/);
  },
);

test('the tables and columns that are looked for are those that the migrations make', async () => {
  const { db } = await openFresh();
  const rows = db
    .prepare<[], readonly [string, number]>(`
      SELECT tables.name, count(*)
      FROM sqlite_schema AS tables
      JOIN pragma_table_xinfo(tables.name) AS columns ON columns.name <> ''
      WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'
      GROUP BY tables.name
    `)
    .raw()
    .all();
  expect(Object.fromEntries(rows)).toEqual(COLUMNS);
  expect(isSchemaWhole(db)).toBe(true);
});
