import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/store/migrate.ts';
import { migrations } from '../../src/store/migrations/index.ts';
import { connect, type Db, openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';
import { buildJob } from './contract/fixture.ts';

const NEWEST = migrations.length;
const OPTIONS = { programVersion: '0.1.0', now: () => new Date('2026-03-01T20:15:30Z') };

function connectTo(path: string): Db {
  const db = connect(path, { busyTimeoutMs: 0 });
  onTestFinished(() => {
    db.close();
  });
  return db;
}

const records = (db: Db) =>
  db.prepare('SELECT number, name, program_version, applied_at FROM migrations ORDER BY number').all();

test('migrations are numbered from 1 without gaps', () => {
  expect(migrations.map((migration) => migration.number)).toEqual(migrations.map((_, index) => index + 1));
});

test('each migration is recorded with the program that applied it, once', () => {
  const db = connectTo(join(makeTempDir(), 'state.db'));
  migrate(db, OPTIONS);
  const schema = db.prepare('SELECT sql FROM sqlite_schema').all();
  migrate(db, { ...OPTIONS, programVersion: '0.9.9' });
  const facts = { program_version: '0.1.0', applied_at: '2026-03-01T20:15:30.000Z' };
  expect(records(db)).toEqual([
    { number: 1, name: 'initial', ...facts },
    { number: 2, name: 'attempts-and-stages', ...facts },
    { number: 3, name: 'spending', ...facts },
    { number: 4, name: 'identity', ...facts },
  ]);
  expect(db.prepare('SELECT sql FROM sqlite_schema').all()).toEqual(schema);
});

test('a store keeps its jobs when it is opened again', async () => {
  const path = join(makeTempDir(), 'state.db');
  for (const expected of [1, 2, 3]) {
    const store = await openStore(path, OPTIONS);
    await buildJob(store, [2]);
    expect(await store.listJobs({ pendingOnly: true, limit: null })).toHaveLength(expected);
    store.close();
  }
});

test('a migration that fails leaves the schema as it was', () => {
  const db = connectTo(join(makeTempDir(), 'state.db'));
  const broken = {
    number: NEWEST + 1,
    name: 'broken',
    sql: 'CREATE TABLE extras (id INTEGER PRIMARY KEY) STRICT; INSERT INTO nowhere VALUES (1);',
  };
  expect(() => migrate(db, OPTIONS, [...migrations, broken])).toThrow();
  expect(db.pragma('user_version', { simple: true })).toBe(NEWEST);
  expect(db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'extras'").get()).toBeUndefined();
});

test.each(['first', 'middle', 'last'])(
  'a program killed at the %s statement of a migration leaves the old schema, and the next one goes on',
  async (place) => {
    const path = join(makeTempDir(), 'state.db');
    expect(await startChild('migrate-and-die', path, place).rest()).toEqual([]);
    const db = connectTo(path);
    expect(db.pragma('user_version', { simple: true })).toBe(NEWEST);
    expect(records(db)).toHaveLength(NEWEST);
    expect(db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'extras'").get()).toBeUndefined();
    await startChild('migrate-and-die', path, 'nowhere').rest();
    expect(db.pragma('user_version', { simple: true })).toBe(NEWEST + 1);
    expect(db.prepare('SELECT note FROM extras').pluck().all()).toEqual(['there']);
  },
);

test('programs that make the same store at once all get it, and it is made once', async () => {
  const folder = makeTempDir();
  const children = Array.from({ length: 4 }, () => startChild('open', folder, '40'));
  for (const child of children) expect(await child.nextLine()).toBe('ready');
  for (const child of children) child.send('go');
  for (const child of children) expect(await child.rest()).toEqual(['opened all']);
  for (let n = 1; n <= 40; n += 1)
    expect(records(connectTo(join(folder, `${n}/state.db`)))).toHaveLength(NEWEST);
});

test('states and the columns tied to them are checked by the tables themselves', () => {
  const db = connectTo(join(makeTempDir(), 'state.db'));
  migrate(db, OPTIONS);
  db.exec(`
    INSERT INTO accounts (id, base_url, key_fingerprint) VALUES (1, 'https://api.anthropic.com', '0123');
    INSERT INTO jobs (id, job_id, name, spec_json, state, created_at) VALUES (1, 'a-1', 'a', '{}', 'building', 'now');
    INSERT INTO stages (id, job_id, position, name) VALUES (1, 1, 1, 'main');
    INSERT INTO shards (id, stage_id, number, nonce, requests, body_bytes, file_sha256, state)
      VALUES (1, 1, 1, 'n', 1, 1, '${'f'.repeat(64)}', 'built');
    INSERT INTO submissions (id, shard_id, number, account_id, state, upload_started_at)
      VALUES (1, 1, 1, 1, 'uploading', 'now');
  `);
  const refused = [
    "UPDATE jobs SET state = 'finished'",
    "UPDATE jobs SET state = 'done'",
    "UPDATE jobs SET state = 'built'",
    "UPDATE jobs SET final_at = 'now'",
    "UPDATE jobs SET submit_requested_at = 'now'",
    "UPDATE shards SET state = 'sent'",
    "UPDATE shards SET state = 'downloaded'",
    "UPDATE shards SET state = 'canceled'",
    'UPDATE shards SET file_sha256 = NULL',
    "UPDATE submissions SET state = 'sealed'",
    "UPDATE submissions SET sealed_at = 'now'",
    "UPDATE submissions SET state = 'aborted'",
    "INSERT INTO submissions (shard_id, number, account_id, state, upload_started_at) VALUES (1, 2, 1, 'uploading', 'now')",
    "INSERT INTO requests (stage_id, seq, shard_id, output_key, status) VALUES (1, 1, 1, 1, 'errored')",
    'INSERT INTO requests (stage_id, seq, output_key) VALUES (1, 1, 1)',
    "INSERT INTO requests (stage_id, seq, shard_id, output_key) VALUES (1, 1, 1, 'text')",
    "UPDATE jobs SET mode = 'now'",
    "UPDATE stages SET state = 'final'",
    "UPDATE shards SET origin = 'split'",
    "UPDATE shards SET route = 'mail'",
    "INSERT INTO past_attempts (stage_id, seq, attempt, shard_id, status, failure) VALUES (1, 1, 1, 1, 'held', 'held')",
    "INSERT INTO contents (hash, shard_id, seq) VALUES (x'00', 1, 1)",
    'UPDATE jobs SET max_microusd = -1',
    "UPDATE shards SET first = 'last'",
    "UPDATE shards SET spent_json = '{}'",
    "UPDATE shards SET tally_json = '{}', state = 'lost', cost_microusd = 1",
  ];
  for (const sql of refused) expect(() => db.exec(sql), sql).toThrow(/constraint failed|cannot store/);
});
