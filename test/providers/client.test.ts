import { afterEach, expect, it, vi } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import { providerAt } from '../support/provider-at.ts';
import { makeTempDir } from '../support/temp-dir.ts';

afterEach(() => vi.unstubAllEnvs());

it('headers from the environment do not replace the key', async () => {
  vi.stubEnv('ANTHROPIC_CUSTOM_HEADERS', 'Authorization: Bearer bad-stranger\nX-Api-Key: bad-stranger');
  const emulator = await startEmulator({ stateDir: makeTempDir() });
  const provider = providerAt(emulator.url);
  const signal = new AbortController().signal;
  const page = await provider.listBatches({ limit: 1, afterId: null }, signal);
  expect(page.stamp.workspaceId).toBe('wrkspc_test');
  const body = '{"requests":[{"custom_id":"a","params":{}}]}';
  const outcome = await provider.createBatch(
    {
      apiVersion: '2026-10-21',
      requests: 1,
      bodyBytes: body.length,
      head: async function* () {
        yield Buffer.from(body.slice(0, -2));
      },
      beforeTail: async () => () => true,
      onProgress: () => {},
    },
    signal,
  );
  expect(outcome.kind).toBe('created');
  await emulator.close();
});
