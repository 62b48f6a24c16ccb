import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { FAILPOINTS } from '../faults/failpoint.ts';
import { startAtTerminal } from '../support/cli-at-terminal.ts';
import { runCli } from '../support/run-cli.ts';
import { DATABASE } from '../support/workspace-copy.ts';
import { type Pruned, SUBMIT, usePruneBench } from './bench.ts';

const bench = usePruneBench();

const PRUNE = ['--yes', 'prune', '--older-than', '0s'];

const requestFiles = ({ files }: Pruned): readonly string[] =>
  files().flatMap((path) => /main-\d{4}\.jsonl$/.exec(path)?.[0] ?? []);

async function rebuild({ dir, json }: Pruned): Promise<Record<string, unknown>> {
  for (const path of DATABASE) rmSync(join(dir, path), { force: true });
  return json('--yes', 'doctor', '--rebuild', '--emulator');
}

test('requests whose rows are all good go, and what a retry could send again stays', async () => {
  const job = bench.copy();
  const before = job.files();
  const calls = (await bench.truth()).calls;
  const document = await job.json(...PRUNE);
  expect(document).toMatchObject({
    dry_run: false,
    files: 1,
    jobs: [
      { job_id: job.jobId, requests: { files: 1, rows_without_retry: 0 }, leftovers: { files: 0 }, kept: [] },
    ],
  });
  const kept = before.map((path) => path.replace('/main-0001.jsonl', '/main-0001.hashes.jsonl')).sort();
  expect([...job.files()].sort()).toEqual(kept);
  expect(requestFiles(job)).toEqual(['main-0002.jsonl']);
  expect(await job.json('prune', '--older-than', '0s')).toMatchObject({ files: 0, jobs: [] });
  expect((await bench.truth()).calls).toEqual(calls);
});

test('every command says what was pruned and when, and none takes it for a loss', async () => {
  const job = bench.copy();
  await job.json(...PRUNE);
  const day = new Date().toISOString().slice(0, 4);
  const pruned = { request_files: 1, requests_at: expect.stringContaining(day) };
  expect(await job.json('status', job.jobId)).toMatchObject({ pruned });
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true, problems: [], pruned });
  expect(await job.json('show', job.jobId, 'r1')).toMatchObject({
    params: null,
    params_pruned_at: pruned.requests_at,
    attempts: [{ status: 'succeeded' }],
  });
  expect((await job.run(['show', job.jobId, 'r1'])).stdout).toMatch(/\(pruned on \d{4}-\d\d-\d\d\)/);
  expect(await job.json('show', job.jobId, 'r6')).toMatchObject({ params: {}, params_pruned_at: null });
  expect((await job.run(['export', job.jobId, '--format', 'csv'])).stdout).toContain('marker-r1-end');
  expect(await job.json('cost', job.jobId)).toMatchObject({ job_id: job.jobId });
  expect((await job.run(['list', '--all'])).stdout).toContain(job.jobId);
  const { checks } = (await job.json('doctor', '--emulator')) as { checks: readonly { check: string }[] };
  expect(checks.filter(({ check }) => check === 'request files')).toEqual([
    expect.objectContaining({ level: 'ok', detail: '1 file as built, 1 pruned' }),
  ]);
});

test('answers whose requests were pruned are not paid again, not even with another database', async () => {
  const job = bench.copy();
  await job.json(...PRUNE);
  await rebuild(job);
  const before = (await bench.truth()).batches.length;
  const { stdout } = await job.run([...SUBMIT, '--changed', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ requests: 6, succeeded: 5 });
  const made = (await bench.truth()).batches.slice(before);
  expect(made.map(({ requests }) => requests)).toEqual([1]);
});

test('--failed takes the rest too, and a retry then says why it sends nothing', async () => {
  const job = bench.copy();
  const look = await job.run(['prune', '--older-than', '0s', '--failed', '--dry-run']);
  expect(look.stderr).toContain('`retry` cannot send 1 row again that failed');
  expect(await job.json(...PRUNE, '--failed')).toMatchObject({
    files: 2,
    jobs: [{ requests: { files: 2, rows_without_retry: 1 } }],
  });
  const before = (await bench.truth()).batches.length;
  const retried = await job.run(['retry', job.jobId, '--force']);
  expect(retried.stderr).toMatch(
    /1 row not sent again: its request was pruned on \d{4}-\d\d-\d\d; batchctl submit/,
  );
  expect((await bench.truth()).batches.length).toBe(before);
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true, pruned: { request_files: 2 } });
});

test('requests of a row that went out again stay as long as it has no good answer', async () => {
  const job = bench.copy();
  expect((await job.run(['retry', job.jobId, '--force', '--interval', '100ms'])).code).toBe(3);
  expect(requestFiles(job)).toEqual(['main-0001.jsonl', 'main-0002.jsonl', 'main-0003.jsonl']);
  await job.json(...PRUNE);
  expect(requestFiles(job)).toEqual(['main-0002.jsonl', 'main-0003.jsonl']);
});

test('nothing goes that is too young, or while nobody said yes', async () => {
  const job = bench.copy();
  const before = job.files();
  const young = await job.json('--yes', 'prune', job.jobId, '--older-than', '1h', '--failed');
  expect(young).toMatchObject({ files: 0, left: [{ job_id: job.jobId, reason: 'too_young' }] });
  const look = await job.json('prune', '--older-than', '0s', '--dry-run');
  expect(look).toMatchObject({ dry_run: true, files: 1 });
  const piped = await job.run(['prune', '--older-than', '0s', '--json']);
  expect(piped.code).toBe(2);
  expect(piped.stderr).toContain('"code":"not_confirmed"');
  expect(JSON.parse(piped.stdout)).toEqual(look);
  expect(job.files()).toEqual(before);
});

test('at a terminal it says what goes and what is lost, and asks', async () => {
  const job = bench.copy();
  for (const [keys, files] of [
    ['n\r', 2],
    ['y\r', 0],
  ] as const) {
    const asked = startAtTerminal(['prune', '--older-than', '0s', '--failed'], { cwd: job.dir, env: {} });
    const ended = asked.finished.catch((error: Error & { readonly code?: string }) => error.code);
    await asked.answer('Remove these files', keys);
    expect(await ended).toBe(files === 0 ? 'done' : 'not_confirmed');
    const shown = asked.shown().slice(0, asked.shown().indexOf('Remove'));
    expect(shown).toContain('2 files of requests');
    expect(shown).toContain('`retry` cannot send 1 row again that failed');
    expect(requestFiles(job)).toHaveLength(files);
  }
});

test('killed between two files, it finishes when it is started again', async () => {
  const job = bench.copy();
  const killed = await runCli([...PRUNE, '--failed'], {
    cwd: job.dir,
    env: { FAILPOINT: 'unlink:main-0002.jsonl$=kill' },
    nodeArgs: ['--import', FAILPOINTS],
  });
  expect(killed.signal).toBe('SIGKILL');
  expect(requestFiles(job)).toEqual(['main-0002.jsonl']);
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true });
  await job.json(...PRUNE, '--failed');
  expect(requestFiles(job)).toEqual([]);
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true, pruned: { request_files: 2 } });
});

test('requests stay whose answers are not as they came, and those that are not as they were built', async () => {
  const job = bench.copy();
  writeFileSync(join(job.dir, 'batch_results', job.jobId, 'main-0001.raw.jsonl'), 'damaged\n');
  writeFileSync(join(job.dir, 'batch_requests', job.jobId, 'main-0002.jsonl'), 'damaged\n');
  const { files, jobs } = await job.json(...PRUNE, '--failed');
  expect(files).toBe(0);
  const why = [`batchctl retrieve ${job.jobId}`, 'not the file that was built'];
  expect(jobs).toMatchObject([{ kept: why.map((text) => expect.stringContaining(text)) }]);
  expect(requestFiles(job)).toEqual(['main-0001.jsonl', 'main-0002.jsonl']);
});

test('what a killed run has left goes, and so do the requests of a shard that was split', async () => {
  const job = bench.copy();
  const folder = join('batch_requests', job.jobId);
  const left = [`${folder}/main-0007.jsonl`, `${folder}/.main-0008.jsonl.partial`];
  const own = [`${folder}/notes.jsonl`, `${folder}/main-0001.jsonl.bak`];
  for (const path of [...left, ...own]) writeFileSync(join(job.dir, path), 'x\n');
  expect(await job.json(...PRUNE)).toMatchObject({ files: 3, jobs: [{ leftovers: { files: 2, bytes: 4 } }] });
  expect([...left, ...own].filter((path) => existsSync(join(job.dir, path)))).toEqual(own);
});

test('no link that leads out of the workspace is followed', async () => {
  const job = bench.copy();
  const outside = bench.copy();
  const folder = join('batch_requests', job.jobId);
  rmSync(join(job.dir, folder), { recursive: true });
  symlinkSync(join(outside.dir, folder), join(job.dir, folder));
  const before = outside.files();
  expect(await job.json(...PRUNE, '--failed')).toMatchObject({ files: 0 });
  expect(outside.files()).toEqual(before);
});

test('a database that is an older copy prunes nothing', async () => {
  const job = bench.copy();
  const before = job.files();
  const db = new Database(join(job.dir, '.batchctl/state.db'));
  db.exec('UPDATE identity SET serial = serial - 1');
  db.close();
  const { code, stderr } = await job.run([...PRUNE, '--json']);
  const error = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
  expect({ code, error: error.error.code }).toEqual({ code: 7, error: 'store_older' });
  expect(job.files()).toEqual(before);
});

test('a job that a run holds, or of which something may still turn up, is left alone and named', async () => {
  const job = bench.copy();
  const before = job.files();
  const lock = new Database(join(job.dir, `.batchctl/locks/job-${job.jobId}.lock`));
  lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const held = await job.run([...PRUNE, '--json']);
  lock.close();
  expect(held.code).toBe(8);
  expect(JSON.parse(held.stdout)).toMatchObject({
    files: 0,
    left: [{ job_id: job.jobId, reason: 'locked' }],
  });

  const db = new Database(join(job.dir, '.batchctl/state.db'));
  db.exec(`INSERT INTO submissions (shard_id, number, account_id, state, upload_started_at, sealed_at, watch_until_at, fence_json)
    SELECT shard_id, 2, account_id, 'absent', upload_started_at, sealed_at, '2999-01-01T00:00:00.000Z', fence_json
    FROM submissions WHERE shard_id = 1`);
  db.close();
  expect(await job.json(...PRUNE)).toMatchObject({ files: 0, left: [{ reason: 'under_watch' }] });
  expect(job.files()).toEqual(before);
});

test('a job is left alone as long as what it asks for after its run is not done', async () => {
  const job = bench.copy();
  const path = join(job.dir, 'batch_requests', job.jobId, 'job.json');
  const db = new Database(join(job.dir, '.batchctl/state.db'));
  db.exec("DELETE FROM events WHERE kind = 'after_run'");
  db.close();
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), onEnd: ['true'] }));
  expect(await job.json(...PRUNE)).toMatchObject({ files: 0, left: [{ reason: 'after_run_due' }] });
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), onEnd: null }));
  expect(await job.json(...PRUNE)).toMatchObject({ files: 1, left: [] });
});

test('a database that is lost afterwards is made again with every row, though raw results are lost too', async () => {
  const job = bench.copy();
  const shown = await job.json('show', job.jobId, 'r1');
  await job.json(...PRUNE, '--failed');
  const results = job.read(join('batch_results', job.jobId, 'results.jsonl'));
  rmSync(join(job.dir, 'batch_results', job.jobId, 'main-0001.raw.jsonl'));
  const { jobs } = await rebuild(job);
  expect(jobs).toMatchObject([{ job_id: job.jobId, state: 'ended', reopened: true }]);
  expect((await job.run(['retrieve', job.jobId])).code).toBe(3);
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true, pruned: { request_files: 2 } });
  expect(job.read(join('batch_results', job.jobId, 'results.jsonl'))).toBe(results);
  expect((await job.json('show', job.jobId, 'r1'))['row']).toEqual(shown['row']);
});
