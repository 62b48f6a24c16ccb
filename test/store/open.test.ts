import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../../src/core/errors.ts';
import { assembleJobStore } from '../../src/store/job-store.ts';
import { checkSqliteVersion, connect, type Db, openDatabase, openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { buildJob } from './contract/fixture.ts';

const OPTIONS = { programVersion: '0.1.0', now: () => new Date() };

async function open(path: string): Promise<Db> {
  const db = await openDatabase(path, OPTIONS);
  onTestFinished(() => {
    db.close();
  });
  return db;
}

/** A store with a job of 400 requests, closed. */
async function filledStore(): Promise<string> {
  const path = join(makeTempDir(), 'state.db');
  const store = await openStore(path, OPTIONS);
  await buildJob(store, [200, 200]);
  store.close();
  return path;
}

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'fine',
    (error: unknown) => (error instanceof StoreError ? error.code : error),
  );

test('every connection syncs its commits in full, the first one of a store and later ones', async () => {
  const path = join(makeTempDir(), 'state.db');
  const settings = async () => {
    const db = await open(path);
    return ['synchronous', 'journal_mode', 'foreign_keys', 'journal_size_limit'].map((name) =>
      db.pragma(name, { simple: true }),
    );
  };
  const full = [2, 'wal', 1, 16 * 1024 * 1024];
  expect(await settings()).toEqual(full);
  expect(await settings()).toEqual(full);
});

test('the folder and the files of a store are its owner’s alone', async () => {
  const folder = join(makeTempDir(), '.batchctl');
  const db = await open(join(folder, 'state.db'));
  db.exec("INSERT INTO accounts (base_url, key_fingerprint) VALUES ('a', 'b')");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const files = readdirSync(folder).sort();
  expect(files).toEqual(['state.db', 'state.db-shm', 'state.db-wal']);
  for (const file of files) expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600);
});

test('a store that others can read is tightened', async () => {
  const folder = join(makeTempDir(), '.batchctl');
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(join(folder, 'state.db'), '', { mode: 0o644 });
  await open(join(folder, 'state.db'));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'state.db')).mode & 0o777).toBe(0o600);
});

test('a database of another program is refused and not touched', async () => {
  const path = join(makeTempDir(), 'state.db');
  const foreign = connect(path, { busyTimeoutMs: 0 });
  foreign.exec('CREATE TABLE recipes (id INTEGER PRIMARY KEY)');
  foreign.close();
  const before = readFileSync(path);
  expect(await codeOf(openStore(path, OPTIONS))).toBe('store_foreign');
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(existsSync(`${path}-wal`)).toBe(false);
});

test('a database with another application id is refused even when it is empty', async () => {
  const path = join(makeTempDir(), 'state.db');
  const foreign = connect(path, { busyTimeoutMs: 0 });
  foreign.pragma('application_id = 252006673');
  foreign.close();
  expect(await codeOf(openStore(path, OPTIONS))).toBe('store_foreign');
});

test('a file that is no database is refused and not touched', async () => {
  const folder = makeTempDir({ 'state.db': 'name: reviews\n'.repeat(100) });
  const path = join(folder, 'state.db');
  expect(await codeOf(openStore(path, OPTIONS))).toBe('store_foreign');
  expect(readFileSync(path, 'utf8')).toBe('name: reviews\n'.repeat(100));
});

test('a newer store is refused with the version that is needed, and not touched', async () => {
  const path = await filledStore();
  const newer = connect(path, { busyTimeoutMs: 0 });
  newer.exec(`
    INSERT INTO migrations (number, name, program_version, applied_at)
    VALUES (99, 'later', '7.3.1', '2030-01-01T00:00:00.000Z')
  `);
  newer.pragma('user_version = 99');
  newer.close();
  const before = readFileSync(path);
  const error: unknown = await openStore(path, OPTIONS).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'store_newer', next: expect.stringContaining('7.3.1') });
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('a store that was cut short is told at once', async () => {
  const path = await filledStore();
  truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096);
  expect(await codeOf(openStore(path, OPTIONS))).toBe('store_damaged');
});

test.each(Array.from({ length: 30 }, (_, index) => index + 1))(
  'damage %i is read as it was or told as damage, never as a bug',
  async (seed) => {
    const path = await filledStore();
    const bytes = readFileSync(path);
    const pages = bytes.length / 4096;
    const page = 1 + ((seed * 7) % (pages - 1));
    const kind = seed % 3;
    for (let at = page * 4096; at < (page + 1) * 4096; at += 1) {
      if (kind === 0) bytes[at] = 0;
      if (kind === 1) bytes[at] = (at * seed * 31) % 256;
      if (kind === 2 && at % 97 === seed) bytes[at] = (bytes[at] ?? 0) ^ (1 << (seed % 8));
    }
    writeFileSync(path, bytes);
    const read = async () => {
      const store = await openStore(path, OPTIONS);
      try {
        const { id } = await store.findJob('reviews');
        await store.rows(id, 'main', 0, 1_000);
        await store.shards(id);
        await store.events(id);
      } finally {
        store.close();
      }
    };
    const outcome = await read().then(
      () => 'fine',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    );
    // A job that cannot be found any more is what a damaged index looks like from outside.
    expect(['fine', 'store_damaged', 'store_foreign', 'job_not_found']).toContain(outcome);
  },
);

test('an SQLite with the WAL-reset bug is refused', () => {
  for (const version of ['3.51.2', '3.50.9', '2.99.99', '3.9.3']) {
    expect(() => checkSqliteVersion(version), version).toThrow(
      expect.objectContaining({ code: 'sqlite_too_old' }),
    );
  }
  for (const version of ['3.51.3', '3.52.0', '4.0.0']) checkSqliteVersion(version);
});

test('a full disk, a read-only store and a busy one each have their own code', async () => {
  const path = await filledStore();
  const db = await open(path);
  const store = assembleJobStore(db, () => new Date());

  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
  expect(await codeOf(buildJob(store, [2_000]))).toBe('store_full');
  db.pragma('max_page_count = 1000000');

  db.pragma('query_only = ON');
  expect(await codeOf(buildJob(store, [1]))).toBe('store_readonly');
  db.pragma('query_only = OFF');

  db.pragma('busy_timeout = 0');
  const other = await open(path);
  other.exec('BEGIN IMMEDIATE');
  expect(await codeOf(buildJob(store, [1]))).toBe('store_locked');
  other.exec('ROLLBACK');
  expect(await codeOf(buildJob(store, [1]))).toBe('fine');
});

test('readers are not held up by a writer', async () => {
  const path = await filledStore();
  const store = await openStore(path, OPTIONS);
  onTestFinished(() => store.close());
  const writer = await open(path);
  writer.exec('BEGIN IMMEDIATE');
  expect((await store.findJob('latest')).records).toBe(400);
  writer.exec('ROLLBACK');
});
