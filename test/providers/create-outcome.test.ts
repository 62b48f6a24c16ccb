import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateOutcome } from '../../src/core/ports/provider.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { UPLOAD_TIMES } from '../../src/providers/anthropic/upload-fetch.ts';
import { searchAndRemove } from '../support/canary.ts';
import { providerAt } from '../support/provider-at.ts';

const ROWS = 300;
const LINE = (seq: number): string =>
  JSON.stringify({
    custom_id: `row--aaaaaaaa-${seq}`,
    params: {
      model: 'claude-haiku-5-5',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'x'.repeat(2_000) }],
    },
  });
const BODY = `{"requests":[${Array.from({ length: ROWS }, (_, index) => LINE(index + 1)).join(',')}]}`;

let stateDir: string;
let emulator: Emulator;

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'batchctl-provider-'));
  emulator = await startEmulator({ stateDir });
});

afterEach(async () => {
  await emulator.close();
  searchAndRemove(stateDir);
});

interface Sent {
  readonly outcome: CreateOutcome;
  readonly sealed: boolean;
}

async function send(
  fault: string | null,
  more: { key?: string; baseUrl?: string; stale?: boolean } = {},
): Promise<Sent> {
  if (fault !== null) {
    await fetch(`${emulator.url}/_emulator/faults`, {
      method: 'POST',
      body: JSON.stringify({ faults: [fault] }),
    });
  }
  const provider = providerAt(more.baseUrl ?? emulator.url, {
    ...(more.key === undefined ? {} : { apiKey: more.key }),
    times: { ...UPLOAD_TIMES, connectMs: 5_000, answerMs: 1_500 },
  });
  let sealed = false;
  const head = Buffer.from(BODY.slice(0, -2));
  const outcome = await provider.createBatch(
    {
      apiVersion: '2026-10-21',
      requests: ROWS,
      bodyBytes: Buffer.byteLength(BODY),
      head: async function* () {
        for (let at = 0; at < head.length; at += 16_384) yield head.subarray(at, at + 16_384);
      },
      beforeTail: async () => {
        await truth(); // a round trip, as the fence is one
        sealed = true;
        return () => more.stale !== true;
      },
      onProgress: () => {},
    },
    new AbortController().signal,
  );
  return { outcome, sealed };
}

/** What the emulator knows to be true. */
async function truth(): Promise<{
  posts: { complete: boolean }[];
  batches: { requests: number; sha256: string }[];
}> {
  const response = await fetch(`${emulator.url}/_emulator/truth`);
  return (await response.json()) as {
    posts: { complete: boolean }[];
    batches: { requests: number; sha256: string }[];
  };
}

describe('a create that is answered', () => {
  it('is created, with one POST and one batch', async () => {
    const { outcome } = await send(null);
    expect(outcome.kind).toBe('created');
    const { posts, batches } = await truth();
    expect(posts).toHaveLength(1);
    expect(batches.map((batch) => batch.requests)).toEqual([ROWS]);
  });

  it('hands the very bytes over', async () => {
    await send(null);
    const expected = createHash('sha256').update(BODY).digest('hex');
    expect((await truth()).batches[0]?.sha256).toBe(expected);
  });
});

describe('a create whose outcome nobody can know', () => {
  it.each([
    ['lost-reply', 1],
    ['create-500-created', 1],
    ['create-500', 0],
    ['create-529', 0],
    ['create-409', 0],
    ['create-408', 0],
    ['create-html-502', 0],
    ['create-html-502-created', 1],
    ['create-cut-answer', 1],
    ['create-wrong-count', 1],
    ['create-hang', 1],
    ['create-hang-not-created', 0],
  ])('%s is unknown, is not repeated, and the truth is %i batches', async (fault, batches) => {
    const { outcome, sealed } = await send(fault);
    expect(sealed).toBe(true);
    expect(outcome.kind).toBe('unknown');
    const told = await truth();
    expect(told.posts).toHaveLength(1);
    expect(told.batches).toHaveLength(batches);
  });
});

describe('a create that the API refused in its own words', () => {
  it.each([
    ['create-401', 'auth'],
    ['create-403', 'refused'],
    ['create-404', 'refused'],
    ['create-429=3', 'rate_limited'],
    ['create-429-bare', 'rate_limited'],
    ['create-spend-cap', 'spend_cap'],
    ['create-400-limit', 'spend_cap'],
    ['limit-requests=10', 'too_large'],
  ])('%s is certainly not created: %s', async (fault, refusal) => {
    const { outcome } = await send(fault);
    expect(outcome).toMatchObject({ kind: 'not_created', refusal });
    expect((await truth()).batches).toHaveLength(0);
  });

  it('tells how long to wait', async () => {
    const { outcome } = await send('create-429=12');
    expect(outcome).toMatchObject({ error: { retryAfterMs: 12_000 } });
  });

  it('is not followed to another address', async () => {
    const { outcome } = await send('create-redirect=http://127.0.0.1:1/elsewhere');
    expect(outcome).toMatchObject({ kind: 'not_created', error: { status: 307 } });
  });
});

describe('a create that breaks before its tail', () => {
  it.each(['cut-upload=0.01', 'cut-upload=0.5', 'cut-upload=0.9999'])(
    '%s is certainly not created',
    async (fault) => {
      const { outcome } = await send(fault);
      expect(outcome).toMatchObject({ kind: 'not_created', tailSent: false });
      expect((await truth()).batches).toHaveLength(0);
    },
  );

  it.each([
    ['early-answer=401', 'auth'],
    ['early-answer=429', 'rate_limited'],
    ['early-answer=529', 'overloaded'],
    ['early-413', 'too_large'],
  ])('%s is read while the upload goes on', async (fault, refusal) => {
    const { outcome, sealed } = await send(fault);
    expect(sealed).toBe(false);
    expect(outcome).toMatchObject({ kind: 'not_created', tailSent: false, refusal });
  });

  it('is not sent when too long went by since the seal', async () => {
    const { outcome } = await send(null, { stale: true });
    expect(outcome).toMatchObject({ kind: 'not_created', tailSent: false });
    expect((await truth()).batches).toHaveLength(0);
  });

  it('is not sent to a port where nobody listens', async () => {
    const { outcome } = await send(null, { baseUrl: 'http://127.0.0.1:1' });
    expect(outcome).toMatchObject({ kind: 'not_created', tailSent: false, refusal: 'broken', bytesSent: 0 });
  });

  it('with a refused key is an auth refusal that does not show the key', async () => {
    const { outcome } = await send(null, { key: 'bad-canary-key' });
    expect(outcome).toMatchObject({ kind: 'not_created', refusal: 'auth' });
    expect(JSON.stringify(outcome)).not.toContain('canary');
  });
});
