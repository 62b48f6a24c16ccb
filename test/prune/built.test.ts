import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { jobIdOf } from '../support/workspace-copy.ts';

const PRUNE = ['--yes', 'prune', '--older-than', '0s', '--json'];

/** A job that was built and never submitted, in a workspace of its own. */
async function makeBuilt(records: number): Promise<{ dir: string; jobId: string; stateDb: string }> {
  const dir = makeTempDir();
  writeSampleJob(dir, records);
  expect((await runCli(['build', '--emulator'], { cwd: dir })).code).toBe(0);
  return { dir, jobId: jobIdOf(dir), stateDb: join(dir, '.batchctl/state.db') };
}

async function prune(dir: string, ...more: readonly string[]) {
  const { code, stdout, stderr } = await runCli([...PRUNE, ...more], { cwd: dir });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

test('a job that was never submitted goes with --built alone, as a whole, and the database gets smaller', async () => {
  const { dir, jobId } = await makeBuilt(2_000);
  expect(await prune(dir)).toMatchObject({ files: 0, left: [{ job_id: jobId, reason: 'never_submitted' }] });
  const hint = await runCli(['prune', '--older-than', '0s'], { cwd: dir });
  expect(hint.stdout).toContain('1 job never submitted (--built)');
  const young = await runCli([...PRUNE, '--built', '--older-than', '1h'], { cwd: dir });
  expect(JSON.parse(young.stdout)).toMatchObject({ files: 0, left: [{ reason: 'too_young' }] });
  const files = readdirSync(join(dir, 'batch_requests', jobId)).length;
  const document = await prune(dir, '--built');
  expect(document).toMatchObject({
    files,
    jobs: [{ job_id: jobId, finished_at: null, everything: { files } }],
  });
  expect(document.database_bytes).toBeGreaterThan(100_000);
  expect(existsSync(join(dir, 'batch_requests', jobId))).toBe(false);
  expect((await runCli(['list', '--all', '--json'], { cwd: dir })).stdout).toBe('[]\n');
  expect((await runCli(['build', '--emulator'], { cwd: dir })).code).toBe(0);
  const { stdout } = await runCli(['doctor', '--emulator', '--json'], { cwd: dir });
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
});

test('a prune waits for whoever sends only where the database is to get smaller, and says so', async () => {
  const { dir, stateDb } = await makeBuilt(2_000);
  const lock = new Database(join(dir, '.batchctl/locks/sealing.lock'));
  lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  onTestFinished(() => void lock.close());
  const second = await runCli(['build', '--new', '--emulator', '--sample', '1'], { cwd: dir });
  expect(second.code, second.stderr).toBe(0);
  // Little goes: of 2,001 requests one.
  const one = JSON.parse((await runCli(['status', 'latest', '--json'], { cwd: dir })).stdout).job_id;
  expect(await prune(dir, '--built', one)).toMatchObject({ jobs: [{ job_id: one }], database_bytes: 0 });
  const before = statSync(stateDb).size;
  const running = startCli(['--yes', 'prune', '--older-than', '0s', '--built'], { cwd: dir });
  await running.waitFor('before the database is made smaller');
  lock.close();
  expect((await running.finished).code).toBe(0);
  expect(statSync(stateDb).size).toBeLessThan(before);
});

test('with --emulator only rehearsals go', async () => {
  const { dir, jobId } = await makeBuilt(1);
  expect((await runCli(['build', '--new'], { cwd: dir })).code).toBe(0);
  const real = jobIdOf(dir);
  expect(await prune(dir, '--built', '--emulator')).toMatchObject({ jobs: [{ job_id: jobId }], left: [] });
  expect(readdirSync(join(dir, 'batch_requests'))).toEqual([real]);
});

test('killed while it forgets a job, it clears away what is left when it is started again', async () => {
  const { dir, jobId, stateDb } = await makeBuilt(3);
  const store = await openStore(stateDb, { programVersion: 'test' });
  await store.unbuildJob((await store.findJob(jobId)).id);
  store.close();
  await prune(dir);
  expect(existsSync(join(dir, 'batch_requests', jobId))).toBe(false);
  const db = new Database(stateDb, { readonly: true });
  expect(db.prepare('SELECT count(*) AS rows FROM requests').get()).toEqual({ rows: 0 });
  db.close();
});

test('a job of which something was sent and refused is not forgotten', async () => {
  const { dir, jobId, stateDb } = await makeBuilt(3);
  const db = new Database(stateDb);
  db.exec(`INSERT INTO accounts (id, base_url, key_fingerprint) VALUES (1, 'emulator:x', '0');
    INSERT INTO submissions (shard_id, number, account_id, state, upload_started_at, sealed_at, reason, watch_until_at, fence_json)
    SELECT id, 1, 1, 'rejected', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'no', '2026-01-02T00:00:00Z', '{}' FROM shards`);
  db.close();
  expect(await prune(dir, '--built')).toMatchObject({
    files: 0,
    left: [{ job_id: jobId, reason: 'unfinished' }],
  });
  expect(existsSync(join(dir, 'batch_requests', jobId, 'main-0001.jsonl'))).toBe(true);
});
