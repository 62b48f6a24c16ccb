import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const JOB = `name: a
model: claude-haiku-5-5
max_tokens: 10
source: { csv: data.csv }
prompt: "{{ text }}"
`;

describe('wrong usage leaves with 2 and says what is wrong', () => {
  test.each([
    [['bogus'], "unknown command 'bogus'"],
    [['lst'], 'Did you mean list?'],
    [['list', '--bogus'], "unknown option '--bogus'"],
    [['list', 'extra'], 'too many arguments'],
    [['list', '--limit', '0'], 'whole number from 1'],
    [['retrieve'], "missing required argument 'id'"],
    [['status', 'nothing'], 'there is no job nothing'],
    [['submit', '--use-batch', '--settle', '15'], 'write a duration such as 90s, 15m or 1h30m'],
    [['submit', '--use-batch', '--max-shard-mb', '251'], 'up to 250'],
    [['submit', '--use-batch', '--max-shard-requests', '100001'], 'from 1 to 100000'],
    [['submit'], 'there is no job file here'],
    [['submit', 'x.jsonl', '--submit-only'], 'batchctl submit x.jsonl --use-batch --submit-only'],
    [['submit', 'nothing', '--use-batch'], 'nothing is neither a job file nor a job'],
    [['build', 'nothing'], 'there is no job file nothing'],
    [['plan', 'nothing.job.yaml'], 'nothing.job.yaml'],
    [['resume', '--resubmit'], 'need the job they are about'],
    [['resume', 'x', '--resubmit', '--adopt', 'msgbatch_1'], 'contradict each other'],
    [['-C', 'nowhere', 'list'], 'nowhere is not a folder'],
    [['emulator', '--fault', 'lost-repl'], 'lost-reply'],
    [['init', '--example', 'nothing'], 'there is no example nothing'],
  ])('%j', async (args, message) => {
    const cwd = makeTempDir();
    const { code, stdout, stderr } = await runCli(args, { cwd });
    expect(stderr).toMatch(/^error: .+\n/);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\n next: /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('nothing is made in the folder by a command that was refused', async () => {
    const cwd = makeTempDir();
    await runCli(['submit', 'nothing', '--use-batch', '--emulator'], { cwd });
    await runCli(['status'], { cwd });
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('which job file is meant', () => {
  test('without any, the message says how to get one', async () => {
    const { code, stderr } = await runCli(['plan'], { cwd: makeTempDir() });
    expect(code).toBe(2);
    expect(stderr).toContain('batchctl init');
  });

  test('with several, all are named', async () => {
    const cwd = makeTempDir({ 'a.job.yaml': JOB, 'more/b.job.yaml': JOB, 'data.csv': 'text\nx\n' });
    const { code, stderr } = await runCli(['submit', '--use-batch', '--emulator'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('a.job.yaml');
    expect(stderr).toContain('more/b.job.yaml');
  });

  test('below the root of the workspace, the only one of the current folder is meant', async () => {
    const files = {
      'a.job.yaml': JOB,
      'more/b.job.yaml': JOB,
      'more/data.csv': 'text\nx\n',
      '.batchctl/.gitignore': '*',
    };
    const { code, stderr } = await runCli(['plan'], { cwd: join(makeTempDir(files), 'more') });
    expect(code, stderr).toBe(0);
  });

  test.each(['a.job.yaml', 'a'])('%s names one of several', async (text) => {
    const cwd = makeTempDir({ 'a.job.yaml': JOB, 'b.job.yaml': JOB, 'data.csv': 'text\nx\n' });
    expect(await runCli(['plan', text], { cwd })).toMatchObject({ code: 0 });
  });

  test('a path is relative to the folder of -C', async () => {
    const cwd = makeTempDir({ 'space/a.job.yaml': JOB, 'space/data.csv': 'text\nx\n' });
    expect(await runCli(['-C', 'space', 'plan', 'a.job.yaml'], { cwd })).toMatchObject({ code: 0 });
  });
});

describe('help', () => {
  test('without a command it is the answer, on stdout', async () => {
    const { code, stdout, stderr } = await runCli([], { cwd: makeTempDir() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: batchctl');
  });

  test.each([[['help', 'submit']], [['submit', '--help']], [['submit', '-h']]])('%j', async (args) => {
    const { code, stdout } = await runCli(args, { cwd: makeTempDir() });
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: batchctl submit');
    expect(stdout).toContain('--json');
  });
});

describe('--json', () => {
  test('a wrong option is one line of JSON on stderr and nothing on stdout', async () => {
    const { code, stdout, stderr } = await runCli(['list', '--bogus', '--json'], { cwd: makeTempDir() });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'wrong_usage',
        message: "unknown option '--bogus'",
        why: null,
        next: expect.any(String),
      },
    });
  });

  test('two things that both want stdout are refused', async () => {
    const { code, stderr } = await runCli(['retrieve', 'x', '--json', '-o', '-'], { cwd: makeTempDir() });
    expect(code).toBe(2);
    expect(JSON.parse(stderr).error.message).toContain('both want stdout');
  });

  test('bad records are listed with file and line, and counted', async () => {
    const rows = Array.from({ length: 25 }, () => 'only one').join('\n');
    const cwd = makeTempDir({ 'a.job.yaml': JOB, 'data.csv': `text,more\n${rows}\n` });
    const { code, stderr } = await runCli(['build', '--json'], { cwd });
    const { error } = JSON.parse(stderr);
    expect(code).toBe(2);
    expect(error.count).toBe(25);
    expect(error.problems).toHaveLength(20);
    expect(error.problems[0]).toEqual({ file: 'data.csv', line: 2, problem: expect.any(String) });
  });

  test('without it the same are lines, and the rest is a number', async () => {
    const rows = Array.from({ length: 25 }, () => 'only one').join('\n');
    const cwd = makeTempDir({ 'a.job.yaml': JOB, 'data.csv': `text,more\n${rows}\n` });
    const { stderr } = await runCli(['build'], { cwd });
    expect(stderr).toContain('\n  data.csv:2: ');
    expect(stderr).toContain('\n  … and 5 more\n');
  });
});

describe('a workspace without jobs', () => {
  test('list is empty and makes nothing', async () => {
    const cwd = makeTempDir();
    const { code, stdout } = await runCli(['list'], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('list --json is an empty array', async () => {
    expect(await runCli(['list', '--json'], { cwd: makeTempDir() })).toMatchObject({
      code: 0,
      stdout: '[]\n',
      stderr: '',
    });
  });

  test('doctor makes nothing', async () => {
    const cwd = makeTempDir();
    expect(await runCli(['doctor', '--emulator'], { cwd })).toMatchObject({ code: 0 });
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('resume has nothing to do', async () => {
    expect(await runCli(['resume', '--json'], { cwd: makeTempDir() })).toMatchObject({
      code: 0,
      stdout: '[]\n',
    });
  });
});

test('init writes a job that plans, and leaves what is there alone', async () => {
  const cwd = makeTempDir({ 'data/reviews.csv': 'id,product,stars,review\nx,Y,1,mine\n' });
  expect(await runCli(['init'], { cwd })).toMatchObject({ code: 0 });
  const again = await runCli(['init', '--json'], { cwd });
  expect(JSON.parse(again.stdout)).toMatchObject({
    written: [],
    kept: expect.arrayContaining(['reviews.job.yaml']),
  });
  const plan = await runCli(['plan', '--json'], { cwd });
  expect(JSON.parse(plan.stdout)).toMatchObject({ name: 'reviews', requests: 1, problem_count: 0 });
  expect(readdirSync(join(cwd, 'batch_requests'))).toEqual(['README.md']);
});
