import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { searchOutput } from '../support/canary.ts';
import { BIN, type Finished, runCli, scrubbedEnv } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

// Several children a test; this bounds a run that hangs, on a busy machine too.
vi.setConfig({ testTimeout: 180_000 });

const QUICK = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.1' };
const SUBMIT = ['submit', '--use-batch', '--emulator', '--yes', '--interval', '100ms'];

/** With this umask, which only a shell can set for a child. */
function runWithUmask(umask: string, args: readonly string[], cwd: string): Finished {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, BIN, ...args],
    { cwd, encoding: 'utf8', env: { ...scrubbedEnv(), ...QUICK } },
  );
  searchOutput(stdout + stderr, args.join(' '));
  return { code: status, signal: null, stdout, stderr };
}

/** What below `path` others may touch: `mode path`. */
function openToOthers(root: string, path: string): readonly string[] {
  const found: string[] = [];
  const look = (at: string): void => {
    const facts = lstatSync(at);
    if ((facts.mode & 0o077) !== 0) found.push(`${(facts.mode & 0o777).toString(8)} ${relative(root, at)}`);
    if (facts.isDirectory()) for (const name of readdirSync(at)) look(join(at, name));
  };
  look(join(root, path));
  return found;
}

/** Run by on_end, while the store is open and the locks are held: mode and name of what is in `.batchctl`. */
const MODES_NOW = `
const fs = require('node:fs');
const all = fs.readdirSync('.batchctl', { recursive: true }).map((name) => {
  const mode = fs.statSync('.batchctl/' + name).mode & 0o777;
  return mode.toString(8) + ' ' + name;
});
fs.writeFileSync('modes.json', JSON.stringify(all));
`;

describe.each(['000', '077'])('with umask %s', (umask) => {
  test('nothing in .batchctl is for others, nor what a private job writes', () => {
    const cwd = makeTempDir({ 'modes.cjs': MODES_NOW });
    writeSampleJob(cwd, 3, 'private: true\non_end: [node, modes.cjs]\noutput: "reports/{{id}}.md"\n');
    const submitted = runWithUmask(umask, SUBMIT, cwd);
    expect({ code: submitted.code, stderr: submitted.code === 0 ? '' : submitted.stderr }).toEqual({
      code: 0,
      stderr: '',
    });
    for (const [name, args] of Object.entries({
      'copy.jsonl': ['retrieve', 'latest', '-o', 'copy.jsonl'],
      'out.csv': ['export', 'latest', '-o', 'out.csv'],
      'out.db': ['export', 'latest', '-o', 'out.db', '--format', 'sqlite'],
    })) {
      expect(runWithUmask(umask, args, cwd).code, name).toBe(0);
      expect(openToOthers(cwd, name)).toEqual([]);
    }
    expect(openToOthers(cwd, '.batchctl')).toEqual([]);
    expect(openToOthers(cwd, 'reports')).toEqual([]);
    for (const folder of ['batch_requests', 'batch_results']) expect(openToOthers(cwd, folder)).toEqual([]);

    const during: readonly string[] = JSON.parse(readFileSync(join(cwd, 'modes.json'), 'utf8'));
    const names = during.map((line) => line.slice(line.indexOf(' ') + 1));
    expect(names).toEqual(
      expect.arrayContaining(['state.db', 'state.db-wal', 'state.db-shm', 'emulator.db']),
    );
    expect(names.some((name) => name.endsWith('.holder.json'))).toBe(true);
    expect(during.filter((line) => !/^[67]00 /.test(line))).toEqual([]);
  });
});

test('a file of a private job is private from its first byte', () => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 3, 'private: true\noutput: "reports/{{id}}.md"\n');
  const log = join(makeTempDir(), 'trace');
  const trace = ['strace', '-f', '-o', log, '-e', 'trace=open,openat,creat,mkdir,mkdirat'];
  const { error, status } = spawnSync(
    'sh',
    ['-c', 'umask 000; exec "$@"', 'sh', ...trace, process.execPath, BIN, ...SUBMIT],
    { cwd, encoding: 'utf8', env: { ...scrubbedEnv(), ...QUICK } },
  );
  if (status !== 0 || !existsSync(log)) {
    process.stderr.write(
      `NOT CHECKED: strace is missing or barred here (${error?.message ?? `exit ${status}`})\n`,
    );
    return;
  }
  // SQLite opens as if it could make a file, which stands there already: the first call of each path is the one that made it.
  const paths = new Set<string>();
  const made = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${cwd}/`) && /O_CREAT|mkdir/.test(line) && !/= -1 /.test(line))
    .filter((line) => {
      const path = /"(.*?)"/.exec(line)?.[1] ?? '';
      return !paths.has(path) && paths.add(path);
    });
  expect(made.length).toBeGreaterThan(10);
  expect(made.some((line) => line.includes('.partial'))).toBe(true);
  expect(made.filter((line) => !/, 0[67]00\) +=/.test(line))).toEqual([]);
});

test('what an earlier version left open to others is closed, and told once', async () => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 2);
  expect((await runCli(SUBMIT, { cwd, env: QUICK })).code).toBe(0);
  const state = join(cwd, '.batchctl');
  const open = (): void => {
    for (const name of readdirSync(state, { recursive: true, encoding: 'utf8' })) {
      const path = join(state, name);
      chmodSync(path, lstatSync(path).isDirectory() ? 0o755 : 0o644);
    }
  };
  open();
  chmodSync(state, 0o755);
  const first = await runCli(['list', '--all'], { cwd });
  expect(first.stderr).toBe(`warning: other users could read ${state}; from now on you alone can\n`);
  expect(openToOthers(cwd, '.batchctl')).toEqual([]);
  expect((await runCli(['list', '--all'], { cwd })).stderr).toBe('');
  // The folder was closed, and what stands in it was not.
  chmodSync(join(state, 'state.db'), 0o640);
  expect((await runCli(['list', '--all'], { cwd })).stderr).toContain('other users were let at state.db');
  expect(openToOthers(cwd, '.batchctl')).toEqual([]);
});

describe('a link that leads out of the workspace is not written through', () => {
  test.each([
    ['.batchctl itself', '.batchctl', ''],
    ['the store', '.batchctl/state.db', 'state.db'],
    ['its log', '.batchctl/state.db-wal', 'wal'],
    ['the receipts', '.batchctl/receipts.jsonl', 'receipts'],
    ['the locks', '.batchctl/locks', ''],
    ["the emulator's database", '.batchctl/emulator.db', 'emulator.db'],
    ["the emulator's requests", '.batchctl/emulator', ''],
    ['the .gitignore', '.batchctl/.gitignore', 'gitignore'],
  ])('%s', async (_what, link, target) => {
    const outside = makeTempDir();
    const cwd = makeTempDir();
    writeSampleJob(cwd, 2);
    mkdirSync(join(cwd, link, '..'), { recursive: true });
    symlinkSync(join(outside, target), join(cwd, link));
    const { code, stderr } = await runCli([...SUBMIT, '--json'], { cwd, env: QUICK });
    expect({ code, error: JSON.parse(stderr).error.code }).toEqual({ code: 6, error: 'path_outside' });
    expect(readdirSync(outside)).toEqual([]);
  });

  test('where an output, its temporary name or a folder of a job is one', async () => {
    const outside = makeTempDir({ victim: 'untouched' });
    const cwd = makeTempDir();
    writeSampleJob(cwd, 4, 'output: "out/{{id}}.md"\n');
    mkdirSync(join(cwd, 'out'));
    symlinkSync(join(outside, 'victim'), join(cwd, 'out/r1.md'));
    symlinkSync(join(outside, 'victim'), join(cwd, 'out/.r2.md.partial'));
    symlinkSync(join(outside, 'new'), join(cwd, 'out/r3.md'));
    symlinkSync(join(outside, 'new'), join(cwd, 'out/.r4.md.partial'));
    expect((await runCli(SUBMIT, { cwd, env: QUICK })).code).toBe(0);
    expect(readdirSync(outside)).toEqual(['victim']);
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
    for (const name of ['r1.md', 'r2.md', 'r3.md', 'r4.md']) {
      expect(lstatSync(join(cwd, 'out', name)).isFile(), name).toBe(true);
    }

    const other = makeTempDir();
    writeSampleJob(other, 2);
    symlinkSync(outside, join(other, 'batch_requests'));
    const { code, stderr } = await runCli(['build', '--json'], { cwd: other });
    expect({ code, error: JSON.parse(stderr).error.code }).toEqual({ code: 6, error: 'path_outside' });
    expect(readdirSync(outside)).toEqual(['victim']);
  });

  test('a link that stays inside is the own business of the workspace', async () => {
    const cwd = makeTempDir();
    writeSampleJob(cwd, 2);
    mkdirSync(join(cwd, 'elsewhere'));
    symlinkSync('elsewhere', join(cwd, '.batchctl'));
    expect((await runCli(SUBMIT, { cwd, env: QUICK })).code).toBe(0);
  });
});
