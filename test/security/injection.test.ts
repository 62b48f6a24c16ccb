import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test, vi } from 'vitest';
import { isKnownError } from '../../src/core/errors.ts';
import { openStore } from '../../src/store/open.ts';
import { createResultsTable } from '../../src/store/results-table.ts';
import { runCli, scrubbedEnv } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { seeded } from '../support/seeded.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

// Several children a test; this bounds a run that hangs, on a busy machine too.
vi.setConfig({ testTimeout: 180_000 });

const QUICK = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.1' };
const SUBMIT = ['submit', '--use-batch', '--emulator', '--yes', '--interval', '100ms'];

/** What shells of any kind would run, by one way or another. */
const SHELL_TEXTS = [
  '$(touch x)',
  '`touch x`',
  '; touch x',
  '| touch x',
  '&& touch x',
  '> x',
  '\ntouch x\n',
  '$' + '{IFS}touch',
];

describe('no shell is asked', () => {
  test('a job with such a name is refused', async () => {
    const cwd = makeTempDir();
    for (const text of SHELL_TEXTS.slice(0, 3)) {
      writeSampleJob(cwd, 1);
      const yaml = readFileSync(join(cwd, 'words.job.yaml'), 'utf8');
      writeFile(join(cwd, 'words.job.yaml'), yaml.replace('name: words', `name: ${JSON.stringify(text)}`));
      expect((await runCli(['build', '--json'], { cwd })).code, text).toBe(2);
    }
    expect(existsSync(join(cwd, 'x'))).toBe(false);
  });

  test('neither by on_end, by a commit nor by a source, whatever their arguments, files and folders are called', async () => {
    const cwd = join(makeTempDir(), '$(touch x)');
    mkdirSync(cwd);
    const say = 'require("node:fs").writeFileSync("said.json", JSON.stringify(process.argv.slice(2)))';
    writeFile(join(cwd, 'say.cjs'), say);
    writeFile(
      join(cwd, 'source.cjs'),
      'console.log(JSON.stringify({ id: "a", words: process.argv.slice(2) }))',
    );
    writeFile(
      join(cwd, 'a.job.yaml'),
      [
        'name: a',
        'model: claude-haiku-5-5',
        'max_tokens: 500',
        `source: ${JSON.stringify({ command: ['node', 'source.cjs', ...SHELL_TEXTS] })}`,
        `prompt: "{{ words | join: ' ' }}"`,
        `on_end: ${JSON.stringify(['node', 'say.cjs', ...SHELL_TEXTS, '{{ job.id }} $(touch x)'])}`,
        `git: ${JSON.stringify({ commit: '{{ job.id }} $(touch x) `touch x`' })}`,
        `output: ${JSON.stringify('$(touch x)/{{ id }}; touch x.md')}`,
      ].join('\n'),
    );
    const names = ['GIT_AUTHOR_NAME', 'GIT_COMMITTER_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_EMAIL'];
    const env = { ...QUICK, ...Object.fromEntries(names.map((name) => [name, 'test@example.com'])) };
    const git = (...args: readonly string[]): string =>
      execFileSync('git', args, { cwd, env: { ...scrubbedEnv(), ...env }, encoding: 'utf8' });
    git('init', '-q');
    const { code, stderr } = await runCli(SUBMIT, { cwd, env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(readFileSync(join(cwd, 'said.json'), 'utf8'))).toEqual([
      ...SHELL_TEXTS,
      expect.stringMatching(/^a-\d{8}-\d{6} \$\(touch x\)$/),
    ]);
    expect(git('log', '-1', '--format=%s')).toMatch(/^a-\d{8}-\d{6} \$\(touch x\) `touch x`\n$/);
    const made = readdirSync(cwd, { recursive: true, encoding: 'utf8' });
    expect(made.filter((path) => /(?:^|\/)x$/.test(path))).toEqual([]);
  });
});

const SQL_PARTS = [
  "'",
  '"',
  '`',
  ';',
  '--',
  '/*',
  '*/',
  ')',
  '(',
  '%',
  '_',
  '*',
  '?',
  '[',
  ']',
  ':id',
  '@p',
  '$1',
  '\\',
  '\0',
  ' OR 1=1',
  ' UNION SELECT 1',
  'DROP TABLE jobs',
  "words-'||'",
  'latest',
  'msgbatch_',
  'words',
  '00',
  '\n',
];

describe('no text becomes SQL', () => {
  test('2,000 ids made of it find no job, and change nothing', async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 2);
    expect((await runCli(['build'], { cwd: dir })).code).toBe(0);
    const path = join(dir, '.batchctl/state.db');
    const dump = (): string => {
      const db = new Database(path, { readonly: true });
      const tables = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .pluck()
        .all();
      const rows = tables.map((name) => [name, db.prepare(`SELECT * FROM "${String(name)}"`).all()]);
      db.close();
      return JSON.stringify(rows);
    };
    const before = dump();
    const store = await openStore(path, { programVersion: 'test' });
    const random = seeded(9);
    const makeText = (): string =>
      Array.from({ length: random.between(1, 5) }, () => random.pick(SQL_PARTS)).join('');
    const real = (await store.findJob('latest')).jobId;
    let refused = 0;
    for (let round = 0; round < 2_000; round += 1) {
      const text = makeText();
      // What really names the job may find it.
      if (text === 'latest' || (text !== '' && real.startsWith(text))) continue;
      const found = await store.findJob(text).then(
        (job) => job.jobId,
        (error: unknown) => error,
      );
      expect(isKnownError(found) ? 'refused' : found, JSON.stringify(text)).toBe('refused');
      refused += 1;
    }
    expect(refused).toBeGreaterThan(1_900);
    store.close();
    expect(dump()).toBe(before);
  });

  test('columns of an export may be called whatever they like', () => {
    const path = join(makeTempDir(), 'out.db');
    const random = seeded(10);
    const names = Array.from(
      { length: 200 },
      (_, index) =>
        `${Array.from({ length: 4 }, () => random.pick(SQL_PARTS))
          .join('')
          .replaceAll('\0', '')}${index}`,
    );
    const table = createResultsTable(path, names, { private: false });
    table.add([names.map((name) => `'${name}`)]);
    table.finish();
    const db = new Database(path, { readonly: true });
    const row = db.prepare('SELECT * FROM results').get();
    const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
    db.close();
    expect(tables).toBe(1);
    expect(row).toEqual(Object.fromEntries(names.map((name) => [name, `'${name}`])));
  });
});
