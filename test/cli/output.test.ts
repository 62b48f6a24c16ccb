import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatMany, formatTable, formatTime } from '../../src/cli/output.ts';
import { describeTerminal } from '../../src/cli/terminal.ts';
import { ensureStateDir, findWorkspace } from '../../src/files/workspace.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const ESC = '\u001b';

describe('a terminal is judged by each stream for itself', () => {
  test.each([
    [{ isTTY: true }, {}, false, { isTTY: true, color: true }],
    [{ isTTY: undefined }, {}, false, { isTTY: false, color: false }],
    [{ isTTY: true }, { NO_COLOR: '1' }, false, { isTTY: true, color: false }],
    [{ isTTY: true }, { NO_COLOR: '' }, false, { isTTY: true, color: true }],
    [{ isTTY: true }, { TERM: 'dumb' }, false, { isTTY: false, color: false }],
    [{ isTTY: true }, {}, true, { isTTY: true, color: false }],
  ])('%j with %j and --no-color %j', (stream, env, noColor, expected) => {
    expect(describeTerminal(stream, env, { noColor })).toMatchObject(expected);
  });
});

test('a table is as wide as its widest values, and escapes them', () => {
  const rows = [
    { name: 'a', count: 5 },
    { name: `b${ESC}[2J`, count: 12_345 },
  ];
  const text = formatTable(
    [
      { title: 'NAME', value: (row) => row.name },
      { title: 'COUNT', value: (row) => formatCount(row.count), align: 'right' },
    ],
    rows,
  );
  expect(text).toBe(
    'NAME      COUNT\na             5\nb\\x1b[2J  12,345'
      .replace('NAME      COUNT', 'NAME       COUNT')
      .replace('a             5', 'a              5'),
  );
});

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [1_234_567, '1,234,567'],
])('%i reads %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});

test('counts, sizes and times are written for people', () => {
  expect([formatMany(1, 'batch', 'batches'), formatMany(2, 'batch', 'batches')]).toEqual([
    '1 batch',
    '2 batches',
  ]);
  expect([formatBytes(12), formatBytes(1234), formatBytes(245_000_000)]).toEqual([
    '12 B',
    '1.2 kB',
    '245.0 MB',
  ]);
  expect(formatTime('2026-03-01T14:22:31.123Z')).toBe('2026-03-01 14:22 UTC');
  expect(formatTime(`${ESC}[2J`)).toBe('\\x1b[2J');
});

describe('a reader that closes the pipe', () => {
  test.each([[['help']], [['list', '--all', '--json']], [['init', '--json']]])(
    '%j ends quietly',
    async (args) => {
      const cli = startCli(args, { cwd: makeTempDir() });
      cli.child.stdout.destroy();
      expect(await cli.finished).toMatchObject({ code: 0, signal: null });
      expect(cli.soFar.stderr).not.toContain('EPIPE');
    },
  );
});

test('names with escape sequences do not reach the terminal', async () => {
  const name = `evil${ESC}]0;title\u0007${ESC}[31m`;
  const cwd = makeTempDir({
    [`${name}.job.yaml`]:
      'name: a\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: { csv: d.csv }\nprompt: "{{ x }}"\n',
    'd.csv': `x${ESC}[2J,y\n1,2\n`,
    'other.job.yaml': 'name: b\n',
  });
  for (const args of [
    ['plan'],
    ['plan', `${name}.job.yaml`],
    ['status', name],
    [`${ESC}[2J`],
    ['build', name],
  ]) {
    const { stdout, stderr } = await runCli(args, { cwd });
    expect(stderr, args.join(' ')).toContain('error: ');
    expect(stdout + stderr).toMatch(/^[\P{Cc}\n\t]*$/u);
  }
});

describe('the workspace', () => {
  test('is the nearest folder upward that holds .batchctl', () => {
    const root = makeTempDir({ 'a/b/c/file': '' });
    expect(findWorkspace(join(root, 'a/b/c'))).toBeNull();
    ensureStateDir(join(root, 'a'));
    expect(findWorkspace(join(root, 'a/b/c'))).toBe(join(root, 'a'));
    ensureStateDir(join(root, 'a/b'));
    expect(findWorkspace(join(root, 'a/b/c'))).toBe(join(root, 'a/b'));
  });

  test('a file called .batchctl is none', () => {
    expect(findWorkspace(makeTempDir({ '.batchctl': '' }))).toBeNull();
  });

  test('its state is for its owner alone and stays out of git', () => {
    const root = makeTempDir();
    mkdirSync(join(root, '.batchctl'));
    chmodSync(join(root, '.batchctl'), 0o755);
    const state = ensureStateDir(root);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(state, '.gitignore'), 'utf8')).toBe('*\n');
  });
});
