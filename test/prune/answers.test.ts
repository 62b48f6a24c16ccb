import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { FAILPOINTS } from '../faults/failpoint.ts';
import { runCli } from '../support/run-cli.ts';
import { DATABASE } from '../support/workspace-copy.ts';
import { type Pruned, usePruneBench } from './bench.ts';

const bench = usePruneBench();

const PRUNE = ['--yes', 'prune', '--older-than', '0s', '--answers'];

/** What is left of a job: what it came to, its batches and its cost. */
const billOf = async ({ json, jobId }: Pruned) => ({
  list: await json('list', '--all'),
  cost: await json('cost', jobId),
  costs: await json('cost', '--emulator'),
});

const isGone = async ({ dir, files, jobId }: Pruned) => {
  expect(files()).toEqual([`batch_requests/${jobId}/journal.jsonl`]);
  const db = new Database(join(dir, '.batchctl/state.db'), { readonly: true });
  const count = (table: string): unknown => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  expect(['requests', 'records', 'past_attempts', 'contents'].map(count)).toEqual([0, 0, 0, 0]);
  db.close();
};

test('of the answers nothing stays, and the bill stays as it was, also when the database is lost', async () => {
  const job = bench.copy();
  const before = await billOf(job);
  const files = job.files().length - 1;
  expect(await job.json(...PRUNE)).toMatchObject({ files, jobs: [{ everything: { files }, rows: 6 }] });
  await isGone(job);
  const list = [{ ...Object(before.list)[0] }];
  delete list[0].output_dir;
  expect(await billOf(job)).toEqual({ ...before, list });
  for (const path of DATABASE) rmSync(join(job.dir, path), { force: true });
  const { jobs } = await job.json('--yes', 'doctor', '--rebuild', '--emulator');
  expect(jobs).toMatchObject([{ job_id: job.jobId, state: 'done', reopened: false, remarks: [] }]);
  expect(await billOf(job)).toEqual({ ...before, list });
  await isGone(job);
});

test('what needs the answers says that they were pruned, and asks nobody for them', async () => {
  const job = bench.copy();
  await job.json(...PRUNE);
  const calls = (await bench.truth()).calls;
  const needs = [['show', 'r1'], ['verify'], ['export', '-o', 'out.csv'], ['retrieve'], ['retry', '--force']];
  for (const [command = '', ...more] of needs) {
    const { code, stderr } = await job.run([command, job.jobId, ...more, '--json']);
    const error = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error;
    expect({ command, code, error: error.code }).toEqual({ command, code: 2, error: 'answers_pruned' });
  }
  const status = await job.run(['status', job.jobId]);
  expect(status.stdout).toMatch(/pruned {4}all but totals, batches and cost \(\d{4}-\d\d-\d\d\)/);
  expect(await job.json('show', job.jobId)).toMatchObject({
    succeeded: 5,
    pruned: { answers_at: expect.any(String) },
  });
  expect(await job.json('doctor', '--emulator')).toMatchObject({ ok: true });
  expect((await bench.truth()).calls).toEqual(calls);
});

test('what was asked is known all the same: the same records again are said to be paid again', async () => {
  const job = bench.copy();
  await job.json(...PRUNE);
  const again = await job.run(['build', 'words.jsonl', '--emulator', '--max-shard-requests', '3']);
  expect(again.stderr).toContain(`job ${job.jobId} of the same content is done`);
});

test('killed anywhere in it, no answer is taken for a lost one, and it finishes when it is started again', async () => {
  for (const at of ['records.jsonl', 'main-0002.jsonl']) {
    const job = bench.copy();
    const before = job.files();
    const env = { FAILPOINT: `unlink:${at}$=kill` };
    const killed = await runCli(PRUNE, { cwd: job.dir, env, nodeArgs: ['--import', FAILPOINTS] });
    expect(killed.signal).toBe('SIGKILL');
    if (at === 'records.jsonl') expect(job.files()).toEqual(before);
    expect((await job.run(['verify', job.jobId])).code).toBe(2);
    for (const path of DATABASE) rmSync(join(job.dir, path), { force: true });
    const { jobs } = await job.json('--yes', 'doctor', '--rebuild', '--emulator');
    expect(jobs).toMatchObject([{ state: 'done', reopened: false }]);
    await job.json('--yes', 'prune', '--older-than', '0s');
    await isGone(job);
    expect(existsSync(join(job.dir, 'batch_results', job.jobId))).toBe(false);
  }
});
