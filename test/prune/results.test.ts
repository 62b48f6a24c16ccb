import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { FAILPOINTS } from '../faults/failpoint.ts';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { type Pruned, usePruneBench } from './bench.ts';

const bench = usePruneBench();

const PRUNE = ['--yes', 'prune', '--older-than', '0s', '--results'];

/** What is made from the raw results. */
const madeFiles = ({ files, jobId }: Pruned): readonly string[] =>
  files()
    .map((path) => path.replace(`batch_results/${jobId}/`, ''))
    .filter((path) => /^(?:results|failed)\.jsonl$|^out\//.test(path));

const ALL = [
  'failed.jsonl',
  'out/main/r1.md',
  'out/main/r2.md',
  'out/main/r3.md',
  'out/main/r4.md',
  'out/main/r6.md',
  'results.jsonl',
];

test('results go that can be made again, and retrieve makes them again byte for byte', async () => {
  const job = bench.copy();
  const dir = join('batch_results', job.jobId);
  const before = ALL.map((name) => job.read(join(dir, name)));
  const exported = (await job.run(['export', job.jobId, '--format', 'csv'])).stdout;
  const calls = (await bench.truth()).calls;
  expect(await job.json(...PRUNE)).toMatchObject({ jobs: [{ results: { files: 7 }, kept: [] }] });
  expect(madeFiles(job)).toEqual([]);
  expect(existsSync(join(job.dir, dir, 'out'))).toBe(false);
  const pruned = { request_files: 1, results_at: expect.any(String) };
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true, pruned });
  const status = await job.run(['status', job.jobId]);
  expect(status.stdout).toContain(`batchctl retrieve ${job.jobId} makes them again`);
  expect(status.stdout).not.toContain('results.jsonl');
  expect((await job.run(['export', job.jobId, '--format', 'csv'])).stdout).toBe(exported);

  const retrieved = await job.run(['retrieve', job.jobId, '-o', 'copy.jsonl', '--json']);
  expect(JSON.parse(retrieved.stdout)).toMatchObject({ pruned: { results_at: null } });
  expect(ALL.map((name) => job.read(join(dir, name)))).toEqual(before);
  expect(job.read('copy.jsonl')).toBe(before.at(-1));
  expect((await bench.truth()).calls).toEqual(calls);

  // From now on what is gone is lost.
  rmSync(join(job.dir, dir, 'out/main/r1.md'));
  const { code, stdout } = await job.run(['verify', job.jobId]);
  expect(code).toBe(3);
  expect(stdout).toContain('the answer of r1 is not at');
});

test('a retry brings all of them back, so that what gets lost later is seen', async () => {
  const job = bench.copy();
  await job.json(...PRUNE);
  const retry = ['retry', job.jobId, '--on', 'invalid_request', '--force', '--interval', '100ms'];
  const { code, stderr } = await job.run(retry);
  expect(code, stderr).toBe(3);
  expect(madeFiles(job)).toEqual(ALL);
  expect(await job.json('status', job.jobId)).toMatchObject({ pruned: { results_at: null } });
  rmSync(join(job.dir, 'batch_results', job.jobId, 'results.jsonl'));
  expect((await job.run(['verify', job.jobId])).code).toBe(3);
});

test('an output that somebody has changed stays, and so does one that stands elsewhere', async () => {
  const job = bench.copy();
  const edited = join(job.dir, 'batch_results', job.jobId, 'out/main/r2.md');
  appendFileSync(edited, 'by hand\n');
  writeSampleJob(job.dir, 2, 'output: "texts/{{id}}.md"\n');
  const submitted = await job.run([
    'submit',
    'words.job.yaml',
    '--use-batch',
    '--emulator',
    '--interval',
    '100ms',
  ]);
  expect(submitted.code, submitted.stderr).toBe(0);
  const { jobs } = await job.json(...PRUNE);
  expect(jobs).toMatchObject([
    { results: { files: 2 }, kept: [] },
    { job_id: job.jobId, results: { files: 6 }, kept: [expect.stringContaining('1 file in')] },
  ]);
  expect(readFileSync(edited, 'utf8')).toMatch(/by hand\n$/);
  expect(existsSync(join(job.dir, 'texts/r1.md'))).toBe(true);
});

test('killed in the middle, it finishes when it is started again', async () => {
  const job = bench.copy();
  const env = { FAILPOINT: 'unlink:r3.md$=kill' };
  const killed = await runCli(PRUNE, { cwd: job.dir, env, nodeArgs: ['--import', FAILPOINTS] });
  expect(killed.signal).toBe('SIGKILL');
  expect(madeFiles(job)).toEqual(ALL.filter((name) => !/r[12]\.md/.test(name)));
  expect(await job.json('verify', job.jobId)).toMatchObject({ ok: true });
  await job.json(...PRUNE);
  expect(madeFiles(job)).toEqual([]);
});

test('results stay that could not be made again', async () => {
  const job = bench.copy();
  writeFileSync(join(job.dir, 'batch_results', job.jobId, 'main-0002.raw.jsonl'), 'damaged\n');
  const { jobs } = await job.json(...PRUNE);
  expect(jobs).toMatchObject([{ results: { files: 0 }, kept: [expect.stringContaining('main 2')] }]);
  expect(madeFiles(job)).toEqual(ALL);
  expect((await job.run(['verify', job.jobId])).code).toBe(3);

  const lost = bench.copy();
  const db = new Database(join(lost.dir, '.batchctl/state.db'));
  db.exec("UPDATE shards SET state = 'lost' WHERE id = 2; UPDATE jobs SET state = 'failed'");
  db.close();
  expect((await lost.json(...PRUNE))['jobs']).toMatchObject([
    { kept: [expect.stringContaining('main 2 is lost')] },
  ]);
  expect(madeFiles(lost)).toEqual(ALL);
});
