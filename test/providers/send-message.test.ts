import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { MessageCall } from '../../src/core/ports/provider.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { fetchWhole } from '../../src/providers/anthropic/node-fetch.ts';
import type { Truth } from '../support/emulator-process.ts';
import { providerAt } from '../support/provider-at.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const PARAMS = {
  model: 'claude-haiku-5-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Say it.' }],
};

async function start(...faults: string[]) {
  const emulator = await startEmulator({ stateDir: makeTempDir(), faults });
  onTestFinished(() => emulator.close());
  return { ...connect(emulator.url), truth: () => readTruth(emulator.url) };
}

function connect(baseUrl: string) {
  const provider = providerAt(baseUrl);
  const halt = new AbortController();
  const abort = new AbortController();
  const admitted: number[] = [];
  const pauses: number[] = [];
  const call: MessageCall = {
    paramsJson: JSON.stringify(PARAMS),
    apiVersion: '2026-10-21',
    betas: [],
    admit: async () => void admitted.push(performance.now()),
    onPause: (ms) => pauses.push(ms),
    halt: halt.signal,
  };
  const send = (more: Partial<MessageCall> = {}) => provider.sendMessage({ ...call, ...more }, abort.signal);
  return { send, halt, abort, admitted, pauses };
}

async function readTruth(url: string): Promise<Truth> {
  return (await (await fetch(`${url}/_emulator/truth`)).json()) as Truth;
}

/** A server of our own, for what the emulator does not do. */
async function serve(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('an answer', () => {
  test('comes letter for letter, with what it used', async () => {
    const body =
      '{"type":"message", "id":"msg_1","n":12345678901234567890,"usage":{"input_tokens":3,"output_tokens":4,"cache_read_input_tokens":99}}';
    const url = await serve((_request, response) => response.end(body));
    expect(await connect(url).send()).toEqual({ kind: 'answered', messageJson: body, tokens: 7 });
  });

  test('is asked for with the params as they are, the version and the betas of the job', async () => {
    const seen: unknown[] = [];
    const url = await serve((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += String(chunk);
      });
      request.on('end', () => {
        const { 'anthropic-version': version, 'anthropic-beta': beta, authorization } = request.headers;
        seen.push([request.url, text, version, beta, authorization]);
        response.end('{"type":"message"}');
      });
    });
    const paramsJson = '{"a" : 12345678901234567890}';
    await connect(url).send({
      paramsJson,
      apiVersion: '2023-06-01',
      betas: ['one-2026-01-01', 'two-2026-01-01'],
    });
    await connect(url).send({ paramsJson });
    expect(seen).toEqual([
      ['/v1/messages', paramsJson, '2023-06-01', 'one-2026-01-01,two-2026-01-01', 'Bearer sk-emu-test'],
      ['/v1/messages', paramsJson, '2026-10-21', undefined, 'Bearer sk-emu-test'],
    ]);
  });

  test.each(['message-500', 'message-529', 'message-drop', 'message-cut-answer', 'message-html-502'])(
    'comes after %s, by a repeat that is admitted again',
    async (fault) => {
      const { send, admitted, truth } = await start(fault);
      expect((await send()).kind).toBe('answered');
      expect((await truth()).messages).toHaveLength(2);
      expect(admitted).toHaveLength(2);
    },
  );

  test('that is no message is not asked for again: it may have been paid', async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.end('{"object":"chat.completion"}');
    });
    expect(await connect(url).send()).toMatchObject({
      kind: 'refused',
      refusal: 'strange',
      error: { code: 'strange_answer', status: 200, next: expect.stringContaining('ANTHROPIC_BASE_URL') },
    });
    expect(asked).toBe(1);
  });

  test('may be long in coming where no bytes flow', async () => {
    const url = await serve((_request, response) => setTimeout(() => response.end('late'), 300));
    await expect(fetchWhole(url, {}, { idleMs: 100, agents: null })).rejects.toThrow('timed out');
    expect((await fetchWhole(url, {}, { idleMs: 5_000, agents: null })).body).toBe('late');
  });
});

describe('a refusal', () => {
  test.each([
    ['message-401', 'auth', 401],
    ['message-402', 'auth', 402],
    ['message-403', 'auth', 403],
    ['message-html-413', 'request', 413],
    ['message-redirect=http://127.0.0.1:1/v1/messages', 'strange', 307],
    ['message-spend-cap', 'spend_cap', 429],
  ])('%s is not repeated and is of class %s', async (fault, refusal, status) => {
    const { send, truth } = await start(fault);
    const outcome = await send();
    expect(outcome).toMatchObject({ kind: 'refused', refusal, status });
    if (refusal === 'auth') expect(outcome).toMatchObject({ error: { name: 'AuthError' } });
    expect((await truth()).messages).toHaveLength(1);
  });

  test('keeps the API’s words letter for letter', async () => {
    const envelope =
      '{"type":"error", "error":{"type":"invalid_request_error","message":"messages: é"},"request_id":"req_1"}';
    const url = await serve((_request, response) => response.writeHead(400).end(envelope));
    expect(await connect(url).send()).toMatchObject({
      kind: 'refused',
      refusal: 'request',
      envelopeJson: envelope,
    });
  });

  test('that is not the API’s gets an envelope of ours', async () => {
    const outcome = await (await start('message-html-413')).send();
    expect(outcome.kind === 'refused' ? JSON.parse(outcome.envelopeJson) : null).toMatchObject({
      type: 'error',
      error: { type: 'request_too_large' },
      request_id: null,
    });
  });

  test('of a wrong address is not taken for one of the request', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end('<html>no</html>'));
    expect(await connect(url).send()).toMatchObject({ kind: 'refused', refusal: 'strange', status: 404 });
  });

  test('that lasts is a passing one after five calls', async () => {
    const { send, admitted } = await start('message-529@9');
    expect(await send()).toMatchObject({ kind: 'refused', refusal: 'passing', status: 529 });
    expect(admitted).toHaveLength(5);
  }, 30_000);

  test('with retry-after is told at once and repeated no sooner', async () => {
    const { send, admitted, pauses } = await start('message-429=2');
    expect((await send()).kind).toBe('answered');
    expect(pauses).toEqual([2_000]);
    expect((admitted[1] ?? 0) - (admitted[0] ?? 0)).toBeGreaterThanOrEqual(1_990);
  });
});

test('where nobody listens the call is unreachable after its repeats', async () => {
  const { send, admitted } = connect('http://127.0.0.1:1');
  expect(await send()).toMatchObject({
    kind: 'unreachable',
    error: { name: 'ProviderError', retryable: true },
  });
  expect(admitted).toHaveLength(5);
}, 30_000);

describe('a halt', () => {
  test('lets a call that is under way come to its end', async () => {
    const { send, halt, admitted } = await start('message-slow=0.5');
    const outcome = send({ admit: async () => void admitted.push(setTimeout(() => halt.abort(), 200) && 0) });
    expect((await outcome).kind).toBe('answered');
    expect(halt.signal.aborted).toBe(true);
  });

  test('ends the wait before a repeat at once', async () => {
    const { send, halt, truth } = await start('message-429=60');
    const startedMs = performance.now();
    expect(await send({ onPause: () => setTimeout(() => halt.abort(), 100) })).toEqual({ kind: 'withheld' });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect((await truth()).messages).toHaveLength(1);
  });

  test('before the first call leaves it unsent', async () => {
    const { send, halt, truth } = await start();
    halt.abort();
    expect(await send()).toEqual({ kind: 'withheld' });
    expect((await truth()).messages).toHaveLength(0);
  });
});

test('an interruption drops the call and is not taken for an answer', async () => {
  const { send, abort, admitted } = await start('message-slow=60');
  const reason = new Error('stop');
  const outcome = send({
    admit: async () => void admitted.push(setTimeout(() => abort.abort(reason), 100) && 0),
  });
  await expect(outcome).rejects.toBe(reason);
});
