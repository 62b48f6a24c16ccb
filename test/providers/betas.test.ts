import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { providerAt } from '../support/provider-at.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const signal = new AbortController().signal;
const PARAMS = { model: 'claude-haiku-5-5', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] };
const BODY = JSON.stringify({ requests: [{ custom_id: 'a', params: PARAMS }] });

function providerFor(baseUrl: string, betas?: readonly string[]): BatchProvider {
  return providerAt(baseUrl, betas === undefined ? {} : { betas });
}

/** A server that stands before the emulator and notes the beta header of each call. */
async function makeRecorder(): Promise<{ url: string; seen: Map<string, string | undefined> }> {
  const emulator = await startEmulator({ stateDir: makeTempDir() });
  const seen = new Map<string, string | undefined>();
  const server = createServer(async (request, response) => {
    seen.set(
      `${request.method} ${request.url?.split('?')[0]}`,
      String(request.headers['anthropic-beta'] ?? ''),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(
        ([name]) => !['host', 'connection', 'content-length'].includes(name),
      ),
    ) as Record<string, string>;
    const answer = await fetch(`${emulator.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers,
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await emulator.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function callAll(provider: BatchProvider): Promise<void> {
  await provider.listBatches({ limit: 1, afterId: null }, signal);
  await provider.describeModel('claude-haiku-5-5', signal);
  await provider.countTokens(
    JSON.stringify({ model: PARAMS.model, messages: PARAMS.messages }),
    '2026-10-21',
    signal,
  );
  const outcome = await provider.createBatch(
    {
      apiVersion: '2026-10-21',
      requests: 1,
      bodyBytes: Buffer.byteLength(BODY),
      head: async function* () {
        yield Buffer.from(BODY.slice(0, -2));
      },
      beforeTail: async () => () => true,
      onProgress: () => {},
    },
    signal,
  );
  if (outcome.kind !== 'created') throw new Error(outcome.kind);
  await provider.retrieveBatch(outcome.batch.id, signal);
}

const BETAS = ['output-300k-2026-03-24', 'interleaved-thinking-2025-05-14'];

test('betas are sent with a create, a token count and a message, and with no call that only looks', async () => {
  const { url, seen } = await makeRecorder();
  const provider = providerFor(url, BETAS);
  await callAll(provider);
  const sent = await provider.sendMessage(
    {
      paramsJson: JSON.stringify(PARAMS),
      apiVersion: '2026-10-21',
      betas: BETAS,
      admit: async () => {},
      onPause: () => {},
      halt: new AbortController().signal,
    },
    signal,
  );
  expect(sent.kind).toBe('answered');
  const batch = [...seen.keys()].find((call) => call.startsWith('GET /v1/messages/batches/')) ?? '';
  expect(Object.fromEntries(seen)).toEqual({
    'GET /v1/messages/batches': '',
    'GET /v1/models/claude-haiku-5-5': '',
    'POST /v1/messages/count_tokens': BETAS.join(','),
    'POST /v1/messages/batches': BETAS.join(','),
    'POST /v1/messages': BETAS.join(','),
    [batch]: '',
  });
});

test('without betas there is no such header', async () => {
  const { url, seen } = await makeRecorder();
  await callAll(providerFor(url));
  expect([...seen.values()].filter((header) => header !== '')).toEqual([]);
});

test('a value that is no beta is refused by the token count, before anything is created', async () => {
  const { url } = await makeRecorder();
  await expect(callAll(providerFor(url, ['output-300k']))).rejects.toMatchObject({
    name: 'ProviderError',
    status: 400,
    why: expect.stringContaining('Unexpected value(s) `output-300k`'),
  });
});

test('a model is described by id and by alias, and one that is not known is null', async () => {
  const emulator = await startEmulator({ stateDir: makeTempDir() });
  onTestFinished(() => emulator.close());
  const provider = providerFor(emulator.url);
  expect(await provider.describeModel('claude-haiku-4-5', signal)).toMatchObject({
    id: 'claude-haiku-4-5-20251001',
    contextTokens: 200_000,
    maxOutputTokens: 64_000,
    thinking: ['disabled', 'enabled'],
    efforts: [],
    takesBatches: true,
    isRetired: false,
    takesPrefill: null,
  });
  expect(await provider.describeModel('claude-sonnet-5-5', signal)).toMatchObject({
    thinking: ['adaptive', 'between_tools'],
    efforts: ['low', 'medium', 'high', 'xhigh', 'max'],
  });
  expect(await provider.describeModel('claude-nope', signal)).toBeNull();
});
