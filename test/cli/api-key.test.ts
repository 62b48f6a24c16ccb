import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findApiKey, fingerprint, readBaseUrl } from '../../src/cli/api-key.ts';
import { UsageError } from '../../src/core/errors.ts';
import { NO_KEY, runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const CANARY = 'sk-ant-api03-CANARY-0123456789-CANARY-wxyz';
const FILES = {
  'a.job.yaml':
    'name: a\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: { csv: d.csv }\nprompt: "{{ text }}"\n',
  'd.csv': 'text\nhello\n',
};
/** Nobody listens on port 1, so calls fail at once. */
const DEAD_API = 'http://127.0.0.1:1';

describe('where the key is looked for', () => {
  test('the environment comes before .env', () => {
    const root = makeTempDir({ '.env': 'ANTHROPIC_API_KEY=from-file\n' });
    expect(findApiKey({ ANTHROPIC_API_KEY: 'from-env' }, root)?.value).toBe('from-env');
    expect(findApiKey({ ANTHROPIC_API_KEY: '' }, root)?.value).toBe('from-file');
    expect(findApiKey({}, makeTempDir())).toBeNull();
  });

  test.each([
    ['ANTHROPIC_API_KEY="quoted"\n', 'quoted'],
    ['export ANTHROPIC_API_KEY=exported\n', 'exported'],
    ['# a comment\nOTHER=1\nANTHROPIC_API_KEY = spaced # why\n', 'spaced'],
    ['XANTHROPIC_API_KEY=other\n', undefined],
    ['ANTHROPIC_API_KEY=\n', undefined],
  ])('.env with %j gives %j', (content, key) => {
    expect(findApiKey({}, makeTempDir({ '.env': content }))?.value).toBe(key);
  });

  test('no other line of .env is heeded', async () => {
    const cwd = makeTempDir({
      ...FILES,
      '.env': `ANTHROPIC_API_KEY=${CANARY}\nANTHROPIC_BASE_URL=http://127.0.0.1:9\nNODE_OPTIONS=--bogus\nHTTPS_PROXY=http://127.0.0.1:9\n`,
    });
    const { stdout } = await runCli(['doctor', '--emulator'], { cwd, env: NO_KEY });
    expect(stdout).toMatch(/base URL +ok +https:\/\/api\.anthropic\.com\n/);
  });

  test('without a key submit leaves with 4, says what to set, and sends nothing', async () => {
    const { code, stderr } = await runCli(['submit', '--use-batch'], {
      cwd: makeTempDir(FILES),
      env: NO_KEY,
    });
    expect(code).toBe(4);
    expect(stderr).toContain('export ANTHROPIC_API_KEY=');
  });

  test.each(['two words of key', 'l1ne\\nend', 'ключ'])(
    '%j cannot be a key and is not shown',
    async (key) => {
      const env = { ANTHROPIC_API_KEY: key.replace('\\n', '\n') };
      const { code, stderr } = await runCli(['submit', '--use-batch'], { cwd: makeTempDir(FILES), env });
      expect(code).toBe(4);
      expect(stderr).not.toContain(key.slice(0, 4));
    },
  );
});

describe('the key is shown nowhere', () => {
  test('doctor shows where it was found, masked', async () => {
    const cwd = makeTempDir({ '.env': `ANTHROPIC_API_KEY=${CANARY}\n` });
    const env = { ...NO_KEY, ANTHROPIC_BASE_URL: DEAD_API };
    const { code, stdout, stderr } = await runCli(['doctor'], { cwd, env });
    expect(code).toBe(5);
    expect(stdout).toContain(`sk-ant-…wxyz (${join(cwd, '.env')})`);
    expect(stdout + stderr).not.toContain('CANARY');
  });

  test('neither output nor any file of the workspace holds it after a submit that failed', async () => {
    const cwd = makeTempDir(FILES);
    const env = { ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: DEAD_API };
    const { code, stdout, stderr } = await runCli(['submit', '--use-batch', '-v'], { cwd, env });
    expect(code).toBe(5);
    expect(stdout + stderr).not.toContain('CANARY');
    for (const path of readdirSync(cwd, { recursive: true, encoding: 'utf8' })) {
      const file = join(cwd, path);
      if (statSync(file).isFile()) expect(readFileSync(file).includes('CANARY'), path).toBe(false);
    }
  });
});

describe('the base URL', () => {
  test.each([
    [undefined, 'https://api.anthropic.com'],
    ['', 'https://api.anthropic.com'],
    ['https://gateway.example/anthropic/', 'https://gateway.example/anthropic'],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
    ['http://localhost:8787/', 'http://localhost:8787'],
    ['http://[::1]:8787', 'http://[::1]:8787'],
  ])('%j means %s', (given, url) => {
    expect(readBaseUrl(given === undefined ? {} : { ANTHROPIC_BASE_URL: given })).toBe(url);
  });

  test.each([
    'http://example.com',
    'http://127.0.0.1.example.com',
    'ftp://127.0.0.1',
    'not a url',
    'https://name:secret@example.com',
    'file:///etc/passwd',
  ])('%s is refused', (given) => {
    expect(() => readBaseUrl({ ANTHROPIC_BASE_URL: given })).toThrow(UsageError);
  });

  test('one that is not the default is named on stderr', async () => {
    const env = { ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: DEAD_API };
    const { stderr } = await runCli(['submit', '--use-batch'], { cwd: makeTempDir(FILES), env });
    expect(stderr).toContain(`warning: ANTHROPIC_BASE_URL sends requests and key to ${DEAD_API}`);
  });
});

test('the fingerprint tells keys and base URLs apart and holds neither', () => {
  const one = fingerprint(CANARY, 'https://a.example');
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprint(CANARY, 'https://a.example')).toBe(one);
  expect(fingerprint(CANARY, 'https://b.example')).not.toBe(one);
  expect(fingerprint(`${CANARY}x`, 'https://a.example')).not.toBe(one);
});
