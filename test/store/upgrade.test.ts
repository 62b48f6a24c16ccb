import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NO_SPENDING_RULES } from '../../src/core/spending-rules.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrations } from '../../src/store/migrations/index.ts';
import { connect, type Db, openStore } from '../../src/store/open.ts';
import { outputKeyOf } from '../../src/store/requests.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';
import { batchOf, settle, stateOf } from './contract/fixture.ts';

const OPTIONS = { programVersion: '0.2.0', now: () => new Date('2026-04-01T08:00:00Z') };

/** A submitted job of two requests and a built job of one, as batchctl 0.1.0 left them. */
const FIRST_DATA = `
  INSERT INTO accounts VALUES (1, 'https://api.anthropic.com', '0123456789abcdef', 'org_1', 'wrkspc_1');
  INSERT INTO jobs VALUES
    (1, 'sent-20260301-201530', 'sent',
      '{"apiVersion":"2026-10-21","model":"claude-sonnet-5-5","stages":["main"],"private":false,"on":"api","file":"sent.job.yaml"}',
      2, '${'c'.repeat(64)}', 1, 'in_progress', '2026-03-01T20:15:30.000Z', '2026-03-01T20:15:31.000Z', NULL, NULL),
    (2, 'waits-20260301-201630', 'waits',
      '{"apiVersion":"2023-06-01","model":null,"stages":["main"],"private":true,"on":"emulator","file":null}',
      1, '${'d'.repeat(64)}', NULL, 'built', '2026-03-01T20:16:30.000Z', NULL, NULL, NULL);
  INSERT INTO stages VALUES (1, 1, 1, 'main'), (2, 2, 1, 'main');
  INSERT INTO records VALUES (1, 1, 'row-1', 0, 40), (1, 2, 'row-2', 41, 40), (2, 1, 'row-1', 0, 30);
  INSERT INTO shards (id, stage_id, number, nonce, requests, body_bytes, file_sha256, state) VALUES
    (1, 1, 1, 'k3f9q2aa', 2, 200, '${'e'.repeat(64)}', 'live'),
    (2, 2, 1, 'k3f9q2bb', 1, 100, '${'f'.repeat(64)}', 'built');
  INSERT INTO requests (stage_id, seq, shard_id, output_key, output_path) VALUES
    (1, 1, 1, ${outputKeyOf('out/main/row-1.md')}, NULL),
    (1, 2, 1, ${outputKeyOf('reports/2.md')}, 'reports/2.md'),
    (2, 1, 2, ${outputKeyOf('out/main/row-1.md')}, NULL);
  INSERT INTO submissions (id, shard_id, number, account_id, state, upload_started_at, sealed_at, fence_json) VALUES
    (1, 1, 1, 1, 'created', '2026-03-01T20:15:31.000Z', '2026-03-01T20:15:32.000Z',
      '{"batchIds":[],"serverMs":null,"workspaceId":"wrkspc_1","organizationId":"org_1"}');
  INSERT INTO batches (batch_id, account_id, submission_id, processing_status, processing, succeeded, errored, canceled,
    expired, created_at, expires_at, described_json, seen_at)
  VALUES ('msgbatch_1', 1, 1, 'in_progress', 2, 0, 0, 0, 0, '2026-03-01T20:15:33Z', '2026-03-02T20:15:33Z', '{}',
    '2026-03-01T20:15:33.000Z');
  INSERT INTO events (at, job_id, kind) VALUES ('2026-03-01T20:15:30.000Z', 1, 'built');
`;

/** The same as batchctl 0.2.0 left it: the submitted job is done, but for a request that went out again one by one. */
const SECOND_DATA = `
  UPDATE shards SET state = 'applied', raw_bytes = 100, raw_sha256 = '${'a'.repeat(64)}', tally_json =
    '{"requests":1,"succeeded":1,"errored":0,"canceled":0,"expired":0,"missing":0,"failures":{},"usage":{"input":7,"output":8,"cacheCreation":0,"cacheRead":0}}'
  WHERE id = 1;
  UPDATE batches SET processing_status = 'ended', processing = 0, succeeded = 1, expired = 1,
    ended_at = '2026-03-01T21:00:00Z';
  UPDATE requests SET status = 'succeeded', raw_offset = 0, raw_length = 50 WHERE stage_id = 1 AND seq = 1;
  INSERT INTO shards (id, stage_id, number, nonce, requests, body_bytes, file_sha256, state, origin, route) VALUES
    (3, 1, 2, 'k3f9q2cc', 1, 100, '${'a'.repeat(64)}', 'built', 'retry', 'real_time');
  INSERT INTO past_attempts (stage_id, seq, attempt, shard_id, status, failure, raw_offset, raw_length) VALUES
    (1, 2, 1, 1, 'expired', 'expired', 51, 50);
  UPDATE requests SET shard_id = 3, attempt = 2 WHERE stage_id = 1 AND seq = 2;
`;

/** A store of the first schema, with data, or of the second one; closed. */
function writeOldStore(folder: string, schema: 1 | 2): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'state.db');
  const db = connect(path, { busyTimeoutMs: 0 });
  migrate(db, { ...OPTIONS, programVersion: '0.1.0' }, migrations.slice(0, 1));
  db.exec(FIRST_DATA);
  if (schema === 2) {
    migrate(db, OPTIONS, migrations.slice(0, 2));
    db.exec(SECOND_DATA);
  }
  db.close();
  return path;
}

async function openOldStore(schema: 1 | 2) {
  const store = await openStore(writeOldStore(makeTempDir(), schema), OPTIONS);
  onTestFinished(() => store.close());
  return store;
}

const jobsOf = (db: Db) => db.prepare('SELECT id, job_id, mode FROM jobs ORDER BY id').all();

test('a submitted job of the first schema is one open stage that goes through batches', async () => {
  const store = await openOldStore(1);
  const job = await store.findJob('sent');
  expect(job).toMatchObject({
    state: 'in_progress',
    mode: 'batch',
    account: { baseUrl: 'https://api.anthropic.com' },
    spec: { model: 'claude-sonnet-5-5', betas: [], stages: ['main'], needs: {}, retry: null },
    stages: [{ name: 'main', state: 'open', held: 0 }],
  });
  expect(await store.shards(job.id)).toMatchObject([
    { shard: { origin: 'build', route: 'batch', group: null }, batch: { id: 'msgbatch_1' } },
  ]);
  const rows = await store.rows(job.id, 'main', 0, 10);
  expect(rows.map((row) => [row.customId, row.status, row.attempt, row.outputPath])).toEqual([
    ['row-1', null, 1, null],
    ['row-2', null, 1, 'reports/2.md'],
  ]);
});

test('a job of the first schema that was only built has no mode yet, and is submitted', async () => {
  const store = await openOldStore(1);
  const job = await store.findJob('waits');
  expect(job).toMatchObject({ state: 'built', mode: null, spec: { private: true, on: 'emulator' } });
  const account = { baseUrl: 'emulator:0f8f', keyFingerprint: '00000000000000aa' };
  await store.requestSubmission(job.id, account, 'batch', new Date('2026-04-01T09:00:00Z'));
  expect(await store.jobById(job.id)).toMatchObject({ state: 'submitting', mode: 'batch', account });
});

test('a job of the first schema is carried on to its end', async () => {
  const store = await openOldStore(1);
  const { id } = await store.findJob('sent');
  await store.recordSeen(batchOf('msgbatch_1', 2, 'ended'));
  expect(await stateOf(store, id)).toBe('ended');
  await settle(store, 1, 1, 2);
  await store.finishJob(id, 'done', new Date('2026-04-01T09:00:00Z'));
  expect(await store.rows(id, 'main', 0, 10)).toMatchObject([
    { status: 'succeeded' },
    { status: 'succeeded' },
  ]);
});

test('a job of the second schema has no budget, no sizes and no prices, and is given prices when somebody asks', async () => {
  const store = await openOldStore(2);
  const job = await store.findJob('sent');
  expect(job.spec.spending).toEqual(NO_SPENDING_RULES);
  expect(await store.limitOf(job.id)).toBeNull();
  expect(await store.pilotOf(job.id)).toBeNull();
  expect(await store.estimateOf(job.id)).toBeNull();
  expect(await store.shardSizes(job.id)).toEqual(new Map());
  expect(await store.shards(job.id)).toMatchObject([
    { shard: { first: null, state: 'applied' }, tally: { usage: { input: 7 } }, cost: null },
    { shard: { first: null, state: 'built', origin: 'retry', route: 'real_time' }, tally: null, cost: null },
  ]);
  const spent = { shardId: 1, at: '2026-03-01T20:15:33Z', lines: null };
  expect(await store.spentOf(job.id)).toMatchObject([spent]);
  await store.keepSpent(1, []);
  expect(await store.spentOf(job.id)).toMatchObject([{ ...spent, lines: [] }]);
});

test('a job of the second schema is carried on to its end', async () => {
  const store = await openOldStore(2);
  const { id } = await store.findJob('sent');
  await settle(store, 3, 2, 1, []);
  await store.finishJob(id, 'done', new Date('2026-04-01T09:00:00Z'));
  expect(await store.spentOf(id)).toMatchObject([{ lines: null }, { route: 'real_time', lines: [] }]);
});

test('programs that open the same store of an old schema at once lose nothing of it', async () => {
  const folder = makeTempDir();
  for (let n = 1; n <= 10; n += 1) writeOldStore(join(folder, String(n)), n % 2 === 0 ? 2 : 1);
  const children = Array.from({ length: 4 }, () => startChild('open', folder, '10'));
  for (const child of children) expect(await child.nextLine()).toBe('ready');
  for (const child of children) child.send('go');
  for (const child of children) expect(await child.rest()).toEqual(['opened all']);
  for (let n = 1; n <= 10; n += 1) {
    const db = connect(join(folder, `${n}/state.db`), { busyTimeoutMs: 0 });
    expect(db.pragma('user_version', { simple: true })).toBe(migrations.length);
    expect(db.pragma('foreign_key_check')).toEqual([]);
    expect(jobsOf(db)).toEqual([
      { id: 1, job_id: 'sent-20260301-201530', mode: 'batch' },
      { id: 2, job_id: 'waits-20260301-201630', mode: null },
    ]);
    db.close();
  }
});
