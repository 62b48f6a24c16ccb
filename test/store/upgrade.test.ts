import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NO_SPENDING_RULES } from '../../src/core/spending-rules.ts';
import { migrations } from '../../src/store/migrations/index.ts';
import { connect, type Db, openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';
import { batchOf, settle, stateOf } from './contract/fixture.ts';
import { type OldSchema, writeOldStore } from './old-stores.ts';

const OPTIONS = { programVersion: '0.2.0', now: () => new Date('2026-04-01T08:00:00Z') };

async function openOldStore(schema: OldSchema) {
  const store = await openStore(writeOldStore(makeTempDir(), schema), OPTIONS);
  onTestFinished(() => store.close());
  return store;
}

const jobsOf = (db: Db) => db.prepare('SELECT id, job_id, mode FROM jobs WHERE id < 10 ORDER BY id').all();

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
