import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { migrations } from '../../src/store/migrations/index.ts';
import { connect, type Db, openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';
import { type OldSchema, writeOldStore } from './old-stores.ts';

const OPTIONS = { programVersion: '9.9.9', now: () => new Date('2026-04-01T08:00:00Z') };
const OLD: readonly OldSchema[] = [1, 2, 3];

function connectTo(path: string): Db {
  const db = connect(path, { busyTimeoutMs: 0 });
  onTestFinished(() => {
    db.close();
  });
  return db;
}

const versionOf = (db: Db) => Number(db.pragma('user_version', { simple: true }));

type Columns = ReadonlyMap<string, readonly string[]>;

/** Of every table, as that schema has them. */
function columnsOf(path: string): Columns {
  const db = connect(path, { busyTimeoutMs: 0 });
  const tables = db
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .pluck()
    .all();
  const columns = new Map(
    tables.map((table) => [
      table,
      db.prepare<[], string>(`SELECT name FROM pragma_table_info('${table}')`).pluck().all(),
    ]),
  );
  db.close();
  return columns;
}

/** Every value of these columns; what migrations write of themselves is left out. */
function contentOf(path: string, columns: Columns): unknown {
  const db = connect(path, { busyTimeoutMs: 0 });
  const content = [...columns]
    .filter(([table]) => table !== 'migrations')
    .map(([table, names]) => {
      // The second schema says of a submitted job how it goes.
      const kept = names.filter((name) => name !== 'mode');
      return [
        table,
        db
          .prepare(`SELECT ${kept.join(', ')} FROM ${table}`)
          .raw()
          .all(),
      ];
    });
  db.close();
  return content;
}

test.each(OLD)(
  'a store of schema %i loses no value of any state, and what it was is kept beside it',
  async (schema) => {
    const path = writeOldStore(makeTempDir(), schema);
    const columns = columnsOf(path);
    const before = contentOf(path, columns);
    const store = await openStore(path, OPTIONS);
    onTestFinished(() => store.close());
    expect(contentOf(path, columns)).toEqual(before);
    const jobs = await store.listJobs({ pendingOnly: false, limit: null });
    expect(jobs).toHaveLength(10);
    for (const job of jobs) {
      await store.shards(job.id);
      await store.doubts(job.id);
      await store.rows(job.id, 'main', 0, 100);
    }
    await store.checkSent();
    const copy = `${path}.v${schema}.bak`;
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const db = connectTo(copy);
    expect(versionOf(db)).toBe(schema);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(contentOf(copy, columns)).toEqual(before);
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.bak'))).toEqual([
      `state.db.v${schema}.bak`,
    ]);
  },
);

test('a copy from an earlier migration goes once there is a newer one', async () => {
  const path = writeOldStore(makeTempDir(), 3);
  connectTo(`${path}.v2.bak`).exec('CREATE TABLE t (a)');
  (await openStore(path, OPTIONS)).close();
  expect(existsSync(`${path}.v2.bak`)).toBe(false);
  expect(existsSync(`${path}.v3.bak`)).toBe(true);
});

test('a new store, and one that is opened again, leave no copy', async () => {
  const path = join(makeTempDir(), 'state.db');
  for (let n = 0; n < 2; n += 1) (await openStore(path, OPTIONS)).close();
  expect(readdirSync(dirname(path))).toEqual(['state.db']);
});

test('a copy that cannot be made leaves the store byte for byte as it was', async () => {
  const path = writeOldStore(makeTempDir(), 3);
  // A folder that is not empty stands where the copy is to go.
  (await openStore(join(`${path}.v3.bak`, 'state.db'), OPTIONS)).close();
  const before = readFileSync(path);
  await expect(openStore(path, OPTIONS)).rejects.toMatchObject({ name: 'StoreError', code: 'store_io' });
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(dirname(path)).filter((name) => name.includes('partial'))).toEqual([]);
});

/** What a program left that was killed there; `before` is what was in the store. */
async function expectCarriedOn(
  path: string,
  schema: OldSchema,
  columns: Columns,
  before: unknown,
): Promise<void> {
  const left = connect(path, { busyTimeoutMs: 0 });
  expect(versionOf(left)).toBeGreaterThanOrEqual(schema);
  expect(left.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(left.prepare('SELECT max(number) FROM migrations').pluck().get()).toBe(versionOf(left));
  const isNewest = versionOf(left) === migrations.length;
  left.close();
  expect(contentOf(path, columns)).toEqual(before);
  const copy = `${path}.v${schema}.bak`;
  if (versionOf(connectTo(path)) > schema) expect(contentOf(copy, columns)).toEqual(before);
  (await openStore(path, OPTIONS)).close();
  const after = connectTo(path);
  expect(versionOf(after)).toBe(migrations.length);
  expect(after.pragma('foreign_key_check')).toEqual([]);
  expect(contentOf(path, columns)).toEqual(before);
  if (!isNewest) expect(readdirSync(dirname(path)).filter((name) => name.includes('partial'))).toEqual([]);
}

test('what a kill leaves at each step of a migration is an old schema or the newest, and the next program goes on', async () => {
  const folder = makeTempDir();
  const path = writeOldStore(join(folder, 'old'), 1);
  const columns = columnsOf(path);
  const before = contentOf(path, columns);
  const copies = makeTempDir();
  const said = await startChild('open-and-die', path, '0', copies).rest();
  const steps = readdirSync(copies);
  expect(said).toEqual([`opened in ${steps.length} steps`]);
  expect(steps.length).toBeGreaterThan(40);
  for (const step of steps) await expectCarriedOn(join(copies, step, 'state.db'), 1, columns, before);
}, 120_000);

test.each([2, 9, 14, 24, 34, 44, 49])(
  'a program killed at step %i of a migration loses nothing',
  async (step) => {
    const path = writeOldStore(makeTempDir(), 1);
    const columns = columnsOf(path);
    const before = contentOf(path, columns);
    expect(await startChild('open-and-die', path, String(step)).rest()).toEqual([]);
    await expectCarriedOn(path, 1, columns, before);
  },
);
