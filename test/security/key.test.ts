import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { createProvider } from '../../src/providers/anthropic/provider.ts';
import { CANARY_KEY, holdsCanary } from '../support/canary.ts';
import { runCli, scrubbedEnv, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';
import { serveApi } from '../support/trap-server.ts';

// Several children a test; this bounds a run that hangs, on a busy machine too.
vi.setConfig({ testTimeout: 180_000 });

const SUBMIT = ['submit', '--use-batch', '--yes', '--interval', '100ms'];
const QUICK = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.1' };
const DUMP = (file: string): string =>
  `require("node:fs").writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env));`;

describe('programs that a job starts find no variable of the API', () => {
  test('neither a source, a module, on_end, git nor its hooks', async () => {
    const cwd = makeTempDir({
      'a.job.yaml': [
        'name: a',
        'model: claude-haiku-5-5',
        'max_tokens: 500',
        'source: { command: [node, source.cjs] }',
        'prompt: "{{ text }}"',
        'output: { path: "out/{{custom_id}}.md", module: ./write.cjs }',
        'on_end: [node, end.cjs]',
        'git: { commit: "Results" }',
      ].join('\n'),
      'source.cjs': `${DUMP('of-source.json')} console.log('{"text":"hi"}');`,
      'end.cjs': DUMP('of-end.json'),
      'write.cjs': `module.exports = () => { ${DUMP('of-module.json')} return "written"; };`,
    });
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd, env: scrubbedEnv() });
    git('init', '-q');
    writeFile(join(cwd, 'hook.cjs'), DUMP('of-hook.json'));
    const hook = join(cwd, '.git/hooks/pre-commit');
    writeFile(hook, `#!/bin/sh\nexec "${process.execPath}" hook.cjs\n`);
    execFileSync('chmod', ['+x', hook]);
    const names = ['GIT_AUTHOR_NAME', 'GIT_COMMITTER_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_EMAIL'];
    const { code, stderr } = await runCli([...SUBMIT, '--emulator'], {
      cwd,
      env: {
        ...QUICK,
        ...Object.fromEntries(names.map((name) => [name, 'test@example.com'])),
        ANTHROPIC_AUTH_TOKEN: CANARY_KEY,
        ANTHROPIC_CUSTOM_HEADERS: `x-gateway-key: ${CANARY_KEY}`,
        STAYS: 'here',
      },
    });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const variablesOf = (file: string): readonly string[] => {
      // What `process.env` was.
      const env = JSON.parse(readFileSync(join(cwd, file), 'utf8')) as Readonly<Record<string, string>>;
      expect(env['STAYS'], file).toBe('here');
      return Object.keys(env).filter((name) => /^anthropic/i.test(name));
    };
    for (const file of ['of-source.json', 'of-end.json', 'of-hook.json']) {
      expect(variablesOf(file), file).toEqual([]);
    }
    // A module runs in our own process: what the SDK reads by itself stays, the credentials are gone.
    expect(variablesOf('of-module.json')).not.toContain('ANTHROPIC_API_KEY');
    expect(variablesOf('of-module.json')).not.toContain('ANTHROPIC_AUTH_TOKEN');
    writeFile(join(cwd, 'of-module.json'), '');
  });
});

describe('a diagnostic report holds no key', () => {
  const reportsIn = (dir: string): readonly string[] =>
    readdirSync(dir).filter((name) => name.startsWith('report.'));
  const readReport = (dir: string): { readonly environmentVariables?: Readonly<Record<string, string>> } =>
    JSON.parse(readFileSync(join(dir, reportsIn(dir)[0] ?? ''), 'utf8'));

  test('after a fatal error: the memory is used up', async () => {
    const cwd = makeTempDir({
      'a.job.yaml':
        'name: a\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: { module: ./eat.cjs }\nprompt: "{{ text }}"\n',
      'eat.cjs': 'const all = []; for (;;) all.push({ text: String(all.length) });',
    });
    const { signal, code } = await runCli(['plan', '--emulator'], {
      cwd,
      nodeArgs: ['--report-on-fatalerror', '--max-old-space-size=40'],
      env: { ANTHROPIC_AUTH_TOKEN: CANARY_KEY },
    });
    expect({ signal, isZero: code === 0 }).toEqual({ signal: 'SIGABRT', isZero: false });
    expect(reportsIn(cwd)).toHaveLength(1);
    // Node writes the environment of a process that ran out of memory whatever it was told; see program-env.ts.
    expect(readReport(cwd).environmentVariables).not.toHaveProperty('ANTHROPIC_API_KEY');
    expect(holdsCanary(readFileSync(join(cwd, reportsIn(cwd)[0] ?? '')))).toBe(false);
  });

  test('asked for by a signal: no environment at all', async () => {
    const cwd = makeTempDir();
    const cli = startCli(['emulator'], { cwd, nodeArgs: ['--report-on-signal'] });
    await cli.waitFor('serving until Ctrl-C');
    cli.child.kill('SIGUSR2');
    await vi.waitUntil(() => reportsIn(cwd).length === 1, { timeout: 20_000 });
    cli.child.kill('SIGINT');
    await cli.finished;
    expect(readReport(cwd).environmentVariables ?? {}).toEqual({});
    expect(holdsCanary(readFileSync(join(cwd, reportsIn(cwd)[0] ?? '')))).toBe(false);
  });
});

// Two ways to fall: an error of a module that nobody waits for, and one out of the midst of the program.
const THROW = 'throw new Error(JSON.stringify(process.env));';
const FALLS = [
  [
    2,
    `setTimeout(() => { ${THROW} }, 0); module.exports = () => new Promise(() => setTimeout(() => {}, 60_000));`,
  ],
  [
    1,
    `require('node:fs').openSync = () => { throw JSON.stringify(process.env); }; module.exports = () => [{ text: 'a' }];`,
  ],
] as const;

test.each(FALLS)(
  'a crash that prints its whole environment prints no key (exit %i)',
  async (exit, module) => {
    const cwd = makeTempDir({
      'a.job.yaml':
        'name: a\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: { module: ./break.cjs }\nprompt: "{{ text }}"\n',
      'break.cjs': module,
    });
    for (const flags of [[], ['--json']]) {
      const { code, stdout, stderr } = await runCli(['build', '--emulator', ...flags], { cwd });
      expect(code, stderr).toBe(exit);
      expect(stderr).toContain('PATH');
      expect(holdsCanary(Buffer.from(stdout + stderr))).toBe(false);
    }
  },
);

test('no flag and no argument of any command takes a key', async () => {
  const program = await buildProgram({ run: async () => undefined }, '0.0.0');
  const words: string[] = [];
  const read = (command: Command): void => {
    words.push(...command.options.map(({ long, short }) => long ?? short ?? ''));
    words.push(...command.registeredArguments.map((argument) => argument.name()));
    command.commands.forEach(read);
  };
  read(program);
  expect(words.length).toBeGreaterThan(50);
  expect(words.filter((word) => /key|secret|password|credential|auth|^--token$|header/i.test(word))).toEqual(
    [],
  );
});

// NODE_DEBUG=net is Node's own order to print every byte that leaves; docs/security.md warns of it.
test('nothing that Node or the SDK says when asked to debug holds the key', async () => {
  const dir = makeTempDir();
  writeSampleJob(dir, 2);
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 0.1 });
  onTestFinished(() => emulator.close());
  const { code, stdout, stderr } = await runCli([...SUBMIT, '-v'], {
    cwd: dir,
    env: {
      ANTHROPIC_BASE_URL: emulator.url,
      ANTHROPIC_LOG: 'debug',
      NODE_DEBUG: 'http,https,tls,stream,fetch,undici',
      DEBUG: '*',
    },
  });
  expect(code).toBe(0);
  // Node did say something.
  expect(stderr).toMatch(/^HTTP \d+:/m);
  expect(holdsCanary(Buffer.from(stdout + stderr))).toBe(false);
});

describe('an API that repeats the key in its errors does not bring it into ours', () => {
  const said = (type: string) => ({
    headers: { 'content-type': 'application/json', 'request-id': 'req_1' },
    body: JSON.stringify({
      type: 'error',
      error: { type, message: `"Bearer ${CANARY_KEY}" is not allowed here` },
    }),
  });

  test.each([
    ['the list', 'GET', /^\/v1\/messages\/batches\?/, 403],
    ['the create', 'POST', /^\/v1\/messages\/batches$/, 400],
    ['the key', 'GET', /./, 401],
    ['the tokens', 'POST', /count_tokens/, 400],
  ])('in a batch, when it refuses %s', async (_what, method, path, status) => {
    const dir = makeTempDir();
    writeSampleJob(dir, 2);
    const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 0.1 });
    onTestFinished(() => emulator.close());
    const api = await serveApi(
      (call) =>
        call.method === method && path.test(call.path)
          ? { status, ...said(status === 401 ? 'authentication_error' : 'invalid_request_error') }
          : null,
      emulator.url,
    );
    const { code, stdout, stderr } = await runCli([...SUBMIT, '-v', '--json'], {
      cwd: dir,
      env: { ANTHROPIC_BASE_URL: api.url },
    });
    expect(code).not.toBe(0);
    expect(stderr).toContain('is not allowed here');
    expect(holdsCanary(Buffer.from(stdout + stderr))).toBe(false);
  });

  test('in real time, in the row that it refuses', async () => {
    const api = await serveApi(() => ({ status: 400, ...said('invalid_request_error') }));
    const provider = createProvider({
      apiKey: CANARY_KEY,
      baseUrl: api.url,
      account: { baseUrl: api.url, keyFingerprint: 'canary' },
      apiVersion: '2026-10-21',
      userAgent: 'batchctl-test',
    });
    const { signal } = new AbortController();
    const outcome = await provider.sendMessage(
      {
        paramsJson: '{}',
        apiVersion: '2026-10-21',
        betas: [],
        halt: signal,
        admit: async () => undefined,
        onPause: () => undefined,
      },
      signal,
    );
    expect(outcome).toMatchObject({ kind: 'refused', envelopeJson: expect.stringContaining('gw_…tail') });
    const error = outcome.kind === 'refused' ? outcome.error : null;
    expect(
      holdsCanary(Buffer.from(JSON.stringify([outcome, error?.message, error?.why, error?.stack]))),
    ).toBe(false);
  });
});

test('the User-Agent names the program and its version, and nothing of the key', async () => {
  const api = await serveApi(() => ({ status: 401 }));
  await runCli(['doctor'], { cwd: makeTempDir(), env: { ANTHROPIC_BASE_URL: api.url } });
  const headers = api.heard[0]?.headers ?? [];
  expect(headers[headers.findIndex((name) => name.toLowerCase() === 'user-agent') + 1]).toMatch(
    /^batchctl\/\d+\.\d+\.\d+/,
  );
  expect(headers.filter((text) => holdsCanary(Buffer.from(text)))).toEqual([`Bearer ${CANARY_KEY}`]);
  expect(existsSync('.env')).toBe(false);
});
