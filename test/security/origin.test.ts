import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import type { BatchProvider, BatchUpload } from '../../src/core/ports/provider.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { createProvider } from '../../src/providers/anthropic/provider.ts';
import { CANARY_KEY, holdsCanary } from '../support/canary.ts';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';
import { serveApi, setTrap } from '../support/trap-server.ts';

// Several children a test; this bounds a run that hangs, on a busy machine too.
vi.setConfig({ testTimeout: 180_000 });

const PACE = ['--interval', '100ms'];

/** An emulator that stands for the API itself: it is reached by ANTHROPIC_BASE_URL, with the key. */
async function emulate(faults: readonly string[] = []): Promise<string> {
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 0.1, faults });
  onTestFinished(() => emulator.close());
  return emulator.url;
}

function workspace(more = ''): string {
  const dir = makeTempDir();
  writeSampleJob(dir, 3, more);
  return dir;
}

function providerAt(baseUrl: string): BatchProvider {
  return createProvider({
    apiKey: CANARY_KEY,
    baseUrl,
    account: { baseUrl, keyFingerprint: 'canary' },
    apiVersion: '2026-10-21',
    userAgent: 'batchctl-test',
  });
}

const PARAMS = '{"model":"claude-haiku-5-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}';
const BODY = `{"requests":[{"custom_id":"a--aaaaaaaa-1","params":${PARAMS}}]}`;
const UPLOAD: BatchUpload = {
  apiVersion: '2026-10-21',
  requests: 1,
  bodyBytes: Buffer.byteLength(BODY),
  head: async function* () {
    yield Buffer.from(BODY.slice(0, -2));
  },
  beforeTail: async () => () => true,
  onProgress: () => undefined,
};
const ID = 'msgbatch_1';
const BATCH: Batch = {
  id: ID,
  processingStatus: 'ended',
  counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 },
  createdAt: '2026-11-01T00:00:00Z',
  expiresAt: '2026-11-02T00:00:00Z',
  endedAt: '2026-11-01T01:00:00Z',
  cancelInitiatedAt: null,
  archivedAt: null,
  resultsUrl: null,
  describedJson: '{}',
};

/** Every call that we make. */
const CALLS: Readonly<Record<string, (provider: BatchProvider, signal: AbortSignal) => Promise<unknown>>> = {
  create: (provider, signal) => provider.createBatch(UPLOAD, signal),
  list: (provider, signal) => provider.listBatches({ limit: 20, afterId: null }, signal),
  retrieve: (provider, signal) => provider.retrieveBatch(ID, signal),
  cancel: (provider, signal) => provider.cancelBatch(ID, signal),
  results: (provider, signal) => provider.openResults(BATCH, signal),
  count_tokens: (provider, signal) => provider.countTokens(PARAMS, '2026-10-21', signal),
  models: (provider, signal) => provider.describeModel('claude-haiku-5-5', signal),
  messages: (provider, signal) =>
    provider.sendMessage(
      {
        paramsJson: PARAMS,
        apiVersion: '2026-10-21',
        betas: [],
        halt: new AbortController().signal,
        admit: async () => undefined,
        onPause: () => undefined,
      },
      signal,
    ),
};

describe('a redirect is not followed', () => {
  test.each([301, 302, 303, 307, 308])('not by any call, when the API answers %i', async (status) => {
    const trap = await setTrap();
    const api = await serveApi(({ path }) => ({ status, headers: { location: `${trap.url}${path}` } }));
    const provider = providerAt(api.url);
    const { signal } = new AbortController();
    for (const [name, call] of Object.entries(CALLS)) {
      const came = await call(provider, signal).catch((error: unknown) => ({ kind: 'threw', error }));
      expect(came, name).toMatchObject({ kind: expect.stringMatching(/^(?:threw|not_created|refused)$/) });
    }
    // Each once, and with the key: it is the API that was asked, and nobody else.
    expect(api.heard).toHaveLength(Object.keys(CALLS).length);
    expect(trap.connections()).toBe(0);
  });

  test('nor by submit, which leaves with 5 and has created nothing', async () => {
    const trap = await setTrap();
    const emulator = await emulate();
    const api = await serveApi(
      ({ method, path }) =>
        method === 'POST' && path === '/v1/messages/batches'
          ? { status: 307, headers: { location: `${trap.url}${path}` } }
          : null,
      emulator,
    );
    const { code, stderr } = await runCli(['submit', '--use-batch', '--yes', ...PACE], {
      cwd: workspace(),
      env: { ANTHROPIC_BASE_URL: api.url },
    });
    expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining('307') });
    expect(
      api.heard.filter(({ method, path }) => method === 'POST' && path.endsWith('/batches')),
    ).toHaveLength(1);
    expect(trap.connections()).toBe(0);
  });
});

test('results are downloaded from our own address, wherever results_url points', async () => {
  const trap = await setTrap();
  const env = { ANTHROPIC_BASE_URL: await emulate([`results-url=${trap.url}`]) };
  const { code, stderr } = await runCli(['submit', '--use-batch', '--yes', ...PACE], {
    cwd: workspace(),
    env,
  });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  expect(trap.connections()).toBe(0);
});

describe('what a folder says does not lead the key away', () => {
  test('a .env gives the key and nothing else: no base URL, no proxy, no option of Node', async () => {
    const trap = await setTrap();
    const cwd = workspace();
    const lines = {
      ANTHROPIC_API_KEY: CANARY_KEY,
      ANTHROPIC_BASE_URL: trap.url,
      ANTHROPIC_AUTH_TOKEN: 'stranger',
      ANTHROPIC_CUSTOM_HEADERS: 'x-stranger: 1',
      BATCHCTL_EMULATOR_URL: trap.url,
      HTTP_PROXY: trap.url,
      HTTPS_PROXY: trap.url,
      ALL_PROXY: trap.url,
      NODE_USE_ENV_PROXY: '1',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_OPTIONS: '--require=./evil.cjs',
    };
    const dotenv = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
    // Searched like every other file when the test is over, so the key goes first.
    onTestFinished(() => writeFile(join(cwd, '.env'), ''));
    writeFile(join(cwd, '.env'), dotenv.join(''));
    writeFile(join(cwd, 'evil.cjs'), 'require("node:fs").writeFileSync("evil.txt", "")');
    const api = await serveApi(() => null, await emulate());
    const env = { ANTHROPIC_API_KEY: '', ANTHROPIC_BASE_URL: api.url };
    const { code, stderr } = await runCli(['submit', '--use-batch', '--yes', ...PACE], { cwd, env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(trap.connections()).toBe(0);
    expect(existsSync(join(cwd, 'evil.txt'))).toBe(false);
    const headers = api.heard.flatMap((call) => call.headers);
    expect(headers).toContain(`Bearer ${CANARY_KEY}`);
    expect(headers.filter((text) => /stranger/.test(text))).toEqual([]);
  });

  test.each(['base_url', 'headers', 'proxy'])(
    'a job file with the key %s is refused, and nobody is asked',
    async (key) => {
      const trap = await setTrap();
      const cwd = workspace(`${key}: "${trap.url}"\n`);
      const { code, stderr } = await runCli(['submit', '--use-batch', '--yes'], { cwd });
      expect(code).toBe(2);
      expect(stderr).toContain(key);
      expect(trap.connections()).toBe(0);
    },
  );
});

test('the variables of proxies are not heeded, also where NODE_USE_ENV_PROXY asks Node to', async () => {
  const trap = await setTrap();
  const env = {
    ANTHROPIC_BASE_URL: await emulate(),
    HTTP_PROXY: trap.url,
    http_proxy: trap.url,
    HTTPS_PROXY: trap.url,
    https_proxy: trap.url,
    ALL_PROXY: trap.url,
    NODE_USE_ENV_PROXY: '1',
    NO_PROXY: '',
    no_proxy: '',
  };
  const { code, stderr } = await runCli(['submit', '--use-batch', '--yes', ...PACE], {
    cwd: workspace(),
    env,
  });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  expect(trap.connections()).toBe(0);
});

test('a summary that is posted carries no key, and is not led on by a redirect', async () => {
  const trap = await setTrap();
  const hook = await serveApi(() => ({ status: 307, headers: { location: `${trap.url}/` } }));
  const { code } = await runCli(
    ['submit', '--use-batch', '--emulator', '--yes', '--notify', `${hook.url}/hook`, ...PACE],
    { cwd: workspace(), env: { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.1' } },
  );
  expect(code).toBe(0);
  expect(hook.heard).toHaveLength(1);
  const names = hook.heard.flatMap(({ headers }) => headers);
  expect(names.filter((text) => /authorization|api-key|cookie/i.test(text))).toEqual([]);
  expect(holdsCanary(Buffer.from(names.join('\n')))).toBe(false);
  expect(trap.connections()).toBe(0);
});
