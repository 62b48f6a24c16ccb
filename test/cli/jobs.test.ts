import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const JOB = `name: notes
model: claude-haiku-5-5
max_tokens: 400
source: { csv: data.csv }
prompt: "Say something about {{ thing }}."
`;
const FILES = { 'notes.job.yaml': JOB, 'data.csv': 'id,thing\na,stone\nb,water\nc,wind\n' };
const SUBMIT = ['submit', '--use-batch', '--emulator'];
const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
const slow = { BATCHCTL_EMULATOR_BATCH_SECONDS: '600' };

const rowsOf = (text: string): { custom_id: string; status: string }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('the whole way', () => {
  test('submit builds, sends, waits, writes and leaves with 0', async () => {
    const cwd = makeTempDir(FILES);
    const { code, stdout, stderr } = await runCli([...SUBMIT, '--json'], { cwd, env: quick });
    const document = JSON.parse(stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(document).toMatchObject({ name: 'notes', state: 'done', requests: 3, succeeded: 3, failures: {} });
    expect(document.batches).toHaveLength(1);
    const rows = rowsOf(readFileSync(join(cwd, document.output_dir, 'results.jsonl'), 'utf8'));
    expect(rows.map((row) => row.custom_id)).toEqual(['a', 'b', 'c']);
  });

  test('the same in steps: build, submit of the job id, status, retrieve in other processes', async () => {
    const cwd = makeTempDir(FILES);
    const built = await runCli(['build', '--emulator', '--json'], { cwd });
    const { job_id: id, state, batches } = JSON.parse(built.stdout);
    expect({ code: built.code, state, batches }).toEqual({ code: 0, state: 'built', batches: [] });

    const submitted = await runCli(['submit', id, '--use-batch', '--emulator', '--submit-only', '--json'], {
      cwd,
    });
    expect(submitted.code).toBe(0);
    expect(JSON.parse(submitted.stdout)).toMatchObject({ job_id: id, state: 'in_progress' });

    const status = await runCli(['status', '--json'], { cwd });
    expect(JSON.parse(status.stdout).job_id).toBe(id);

    const retrieved = await runCli(['retrieve', 'notes', '--wait', '--json'], { cwd });
    expect(retrieved.code).toBe(0);
    expect(JSON.parse(retrieved.stdout)).toMatchObject({ job_id: id, state: 'done', succeeded: 3 });

    expect(await runCli(['verify', 'latest'], { cwd })).toMatchObject({ code: 0 });
  });

  test('the same content again carries the unfinished job on, and --new makes another one', async () => {
    const cwd = makeTempDir(FILES);
    const run = async (...more: readonly string[]) =>
      JSON.parse((await runCli([...SUBMIT, '--submit-only', '--json', ...more], { cwd, env: slow })).stdout);
    const first = await run();
    expect((await run()).batches).toEqual(first.batches);
    expect((await run('--new')).job_id).not.toBe(first.job_id);
  });
});

describe('exit codes', () => {
  test('8 while the batches are in progress', async () => {
    const cwd = makeTempDir(FILES);
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: slow });
    expect(await runCli(['retrieve', 'latest'], { cwd, env: slow })).toMatchObject({ code: 8 });
    expect(await runCli(['resume', '--once'], { cwd, env: slow })).toMatchObject({ code: 8 });
    const waited = await runCli(['retrieve', 'latest', '--wait', '--max-wait', '1s'], { cwd, env: slow });
    expect(waited.code).toBe(8);
  });

  test('3 when rows of a final job have failed', async () => {
    const cwd = makeTempDir(FILES);
    const env = { ...quick, BATCHCTL_EMULATOR_FAULTS: 'rows-errored=1' };
    const { code, stdout } = await runCli([...SUBMIT, '--json'], { cwd, env });
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', succeeded: 0, errored: 3 });
  });

  test('130 for Ctrl-C, with what goes on and how to carry on or stop it', async () => {
    const cwd = makeTempDir(FILES);
    const cli = startCli([...SUBMIT], { cwd, env: slow });
    await cli.waitFor('1 batch in progress');
    cli.child.kill('SIGINT');
    const { code, stderr } = await cli.finished;
    expect(code).toBe(130);
    expect(stderr).toContain('1 batch (3 requests) already sent go on');
    expect(stderr).toMatch(/next: batchctl resume notes-\d{8}-\d{6} carries on, batchctl cancel notes-/);
  });

  test('143 for SIGTERM', async () => {
    const cwd = makeTempDir(FILES);
    const cli = startCli([...SUBMIT, '--json', '-v'], { cwd, env: slow });
    await cli.waitFor('1 batch in progress');
    cli.child.kill('SIGTERM');
    expect(await cli.finished).toMatchObject({ code: 143 });
  });

  test('6 while another process works on the job', async () => {
    const cwd = makeTempDir(FILES);
    const cli = startCli([...SUBMIT], { cwd, env: slow });
    await cli.waitFor('1 batch in progress');
    const second = await runCli([...SUBMIT], { cwd, env: slow });
    cli.child.kill('SIGKILL');
    expect(second.code).toBe(6);
    expect(second.stderr).toContain(`process ${cli.child.pid}: batchctl submit --use-batch --emulator`);
  });
});

test('cancel ends a job, and its rows are accounted for', async () => {
  const cwd = makeTempDir(FILES);
  await runCli([...SUBMIT, '--submit-only'], { cwd, env: slow });
  expect(await runCli(['cancel', 'latest'], { cwd, env: slow })).toMatchObject({ code: 0 });
  const { code, stdout } = await runCli(['retrieve', 'latest', '--wait', '--json'], { cwd, env: slow });
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'canceled', requests: 3, canceled: 3 });
});

describe('a job stays with the API it was submitted to', () => {
  test('later commands find the emulator by themselves', async () => {
    const cwd = makeTempDir(FILES);
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: quick });
    const env = { ...quick, ANTHROPIC_API_KEY: 'sk-ant-canary-0000-0000-0000' };
    expect(await runCli(['resume', 'latest'], { cwd, env })).toMatchObject({ code: 0 });
  });

  test('a job of the emulator whose state is gone is not looked for elsewhere', async () => {
    const cwd = makeTempDir(FILES);
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: slow });
    const other = startCli(['emulator'], { cwd: makeTempDir() });
    await other.waitFor('http://127.0.0.1:');
    const env = { BATCHCTL_EMULATOR_URL: other.soFar.stdout.trim() };
    const { code, stderr } = await runCli(['retrieve', 'latest'], { cwd, env });
    other.child.kill('SIGINT');
    expect(code).toBe(2);
    expect(stderr).toContain('a job stays with the API that has its batches');
    expect(await other.finished).toMatchObject({ code: 0 });
  });
});

describe('retrieve -o', () => {
  test('copies results.jsonl to a file, or to stdout and nothing else there', async () => {
    const cwd = makeTempDir(FILES);
    await runCli(SUBMIT, { cwd, env: quick });
    const { stdout } = await runCli(['retrieve', 'latest', '-o', '-'], { cwd });
    expect(rowsOf(stdout)).toHaveLength(3);
    await runCli(['retrieve', 'latest', '-o', 'copy.jsonl'], { cwd });
    expect(readFileSync(join(cwd, 'copy.jsonl'), 'utf8')).toBe(stdout);
  });

  test('of a job that is not final copies nothing and says so', async () => {
    const cwd = makeTempDir(FILES);
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: slow });
    const { code, stdout, stderr } = await runCli(['retrieve', 'latest', '-o', '-'], { cwd, env: slow });
    expect({ code, stdout }).toEqual({ code: 8, stdout: '' });
    expect(stderr).toContain('nothing was written to -');
  });

  test('after the results were removed has them again from the API', async () => {
    const cwd = makeTempDir(FILES);
    await runCli(SUBMIT, { cwd, env: quick });
    const { stdout } = await runCli(['retrieve', 'latest', '-o', '-'], { cwd });
    rmSync(join(cwd, 'batch_results'), { recursive: true });
    expect(await runCli(['retrieve', 'latest', '-o', '-'], { cwd })).toMatchObject({ code: 0, stdout });
    expect(await runCli(['verify', 'latest'], { cwd })).toMatchObject({ code: 0 });
  });

  test('a full disk under it leaves with 6', async () => {
    const cwd = makeTempDir(FILES);
    await runCli(SUBMIT, { cwd, env: quick });
    const { code, stderr } = await runCli(['retrieve', 'latest', '-o', '/dev/full'], { cwd });
    expect(code).toBe(6);
    expect(stderr).toContain('the disk is full');
  });
});

test('list shows pending jobs, and all with --all', async () => {
  const cwd = makeTempDir(FILES);
  await runCli(SUBMIT, { cwd, env: quick });
  expect(JSON.parse((await runCli(['list', '--json'], { cwd })).stdout)).toEqual([]);
  const { stdout } = await runCli(['list', '--all'], { cwd });
  expect(stdout).toMatch(/^JOB +STATE +REQUESTS/);
  expect(stdout).toMatch(/\nnotes-\d{8}-\d{6} +done +3 +3 +0 +1 /);
});
