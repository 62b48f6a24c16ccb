import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashText } from '../../src/emulator/hash.ts';
import {
  call,
  createBatch,
  emulate,
  HEADERS,
  readJson,
  request,
  requests,
  resultsById,
  truth,
} from './fixture.ts';

const PATH = '/v1/messages/batches';
const { params } = request('any');

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  [
    'an id that comes twice',
    { requests: [request('dup'), request('other'), request('dup')] },
    "requests: custom_id's must be unique within a batch. Duplicate custom_id found: dup",
  ],
  [
    'two ids that come twice, by the first one to do so',
    { requests: ['x', 'y', 'y', 'x'].map((id) => request(id)) },
    "requests: custom_id's must be unique within a batch. Duplicate custom_id found: y",
  ],
  ['a missing id', { requests: [{ params }] }, 'requests.0.custom_id: Field required'],
  [
    'a missing id further on',
    { requests: [request('a'), request('b'), { params }] },
    'requests.2.custom_id: Field required',
  ],
  [
    'an id of 65 characters',
    { requests: [request('x'.repeat(65))] },
    'requests.0.custom_id: String should have at most 64 characters',
  ],
  [
    'an id with a space',
    { requests: [request('a b')] },
    "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
  ],
  ['an empty list', { requests: [] }, 'requests: List should have at least 1 item after validation, not 0'],
  ['no list', {}, 'requests: Field required'],
  ['missing params', { requests: [{ custom_id: 'a' }] }, 'requests.0.params: Field required'],
  [
    'more than 100,000 requests',
    { requests: Array.from({ length: 100_001 }, (_, index) => ({ custom_id: `r${index}`, params: {} })) },
    'requests: List should have at most 100000 items after validation',
  ],
];

describe('create refuses with the exact text of the API', () => {
  test.each(REFUSED)('%s', async (_, body, message) => {
    const emulator = await emulate();
    const response = await call(emulator, 'POST', PATH, body);
    expect(response.status).toBe(400);
    expect(await readJson(response)).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message },
      request_id: response.headers.get('request-id'),
    });
    expect((await truth(emulator)).batches).toEqual([]);
    expect(readdirSync(join(emulator.stateDir, 'emulator'))).toEqual([]);
  });
});

const NOT_JSON = [
  '',
  '{',
  'x',
  '{"requests":[',
  '{"requests":[{}',
  '{"requests":[{"a":tru}]}',
  '{"requests":[]}x',
  '{"requests":[{}]',
];

test.each(NOT_JSON)('create says of %j that it is not JSON', async (body) => {
  const response = await call(await emulate(), 'POST', PATH, body);
  expect(response.status).toBe(400);
  expect(await readJson(response)).toMatchObject({
    error: { message: expect.stringMatching(/^The request body is not valid JSON: /) },
  });
});

test('an id of exactly 64 characters is taken, and params of any kind', async () => {
  const emulator = await emulate();
  const id = await createBatch(emulator, [{ custom_id: 'x'.repeat(64), params: { nonsense: true } }]);
  expect((await resultsById(emulator, id)).get('x'.repeat(64))).toMatchObject({ type: 'errored' });
});

test('two ids that only share their hash are two ids', async () => {
  const ids = ['ge3t21hwme', '1s9g0ih93zp'];
  expect(new Set(ids.map((id) => hashText(id))).size).toBe(1);
  const emulator = await emulate();
  const id = await createBatch(
    emulator,
    ids.map((one) => request(one)),
  );
  expect([...(await resultsById(emulator, id)).keys()].toSorted()).toEqual(ids.toSorted());
});

test('the same POST twice makes two batches', async () => {
  const emulator = await emulate();
  expect(await createBatch(emulator)).not.toBe(await createBatch(emulator));
  expect((await truth(emulator)).batches).toHaveLength(2);
});

test('the truth knows the hash of the body, its first id and every call', async () => {
  const emulator = await emulate();
  const body = JSON.stringify({ requests: requests(2) });
  const id = (await readJson(await call(emulator, 'POST', PATH, body)))['id'];
  await call(emulator, 'GET', PATH);
  await call(emulator, 'GET', `${PATH}/${String(id)}`);
  const sha256 = createHash('sha256').update(body).digest('hex');
  expect(await truth(emulator)).toMatchObject({
    posts: [
      {
        n: 1,
        content_length: body.length,
        received_bytes: body.length,
        complete: true,
        status: 200,
        batch_id: id,
      },
    ],
    batches: [
      { id, workspace: 'wrkspc_emulator', requests: 2, foreign: false, sha256, first_custom_id: 'row-0' },
    ],
    calls: {
      'POST /v1/messages/batches': 1,
      'GET /v1/messages/batches': 1,
      'GET /v1/messages/batches/{id}': 1,
    },
  });
});

test('every answer names request, organization, workspace, rate limit and the time', async () => {
  const emulator = await emulate();
  const { headers } = await call(emulator, 'GET', PATH);
  expect(headers.get('request-id')).toMatch(/^req_/);
  expect(headers.get('anthropic-organization-id')).toBe(emulator.accountId);
  expect(headers.get('anthropic-workspace-id')).toBe('wrkspc_emulator');
  expect(headers.get('anthropic-ratelimit-requests-limit')).toMatch(/^\d+$/);
  expect(Number.isNaN(Date.parse(headers.get('date') ?? ''))).toBe(false);
});

test.each([
  ['no key', { 'anthropic-version': '2023-06-01' }],
  ['a bad Bearer key', { ...HEADERS, authorization: 'Bearer bad-key' }],
  ['a bad x-api-key', { 'x-api-key': 'bad', 'anthropic-version': '2023-06-01' }],
])('%s is answered 401 without a workspace', async (_, headers) => {
  const response = await call(await emulate(), 'GET', PATH, undefined, headers);
  expect(response.status).toBe(401);
  expect(response.headers.has('anthropic-workspace-id')).toBe(false);
  expect(await readJson(response)).toMatchObject({
    error: { type: 'authentication_error', message: 'API key is invalid.' },
  });
});

test.each(['2023-01-01', '2023-06-01', '2026-10-21'])(
  'version %s is spoken, with an x-api-key too',
  async (version) => {
    const headers = { 'x-api-key': 'k', 'anthropic-version': version };
    expect((await call(await emulate(), 'GET', PATH, undefined, headers)).status).toBe(200);
  },
);

test('a call without anthropic-version is answered 400', async () => {
  const response = await call(await emulate(), 'GET', PATH, undefined, { authorization: 'Bearer k' });
  expect(response.status).toBe(400);
});

test('a key sees the batches of its own workspace only', async () => {
  const emulator = await emulate();
  const id = await createBatch(emulator);
  const headers = { ...HEADERS, authorization: 'Bearer sk-emu-other' };
  const list = await call(emulator, 'GET', PATH, undefined, headers);
  expect(list.headers.get('anthropic-workspace-id')).toBe('wrkspc_other');
  expect(await readJson(list)).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  for (const path of [`${PATH}/${id}`, `${PATH}/${id}/results`]) {
    const response = await call(emulator, 'GET', path, undefined, headers);
    expect(response.status).toBe(404);
    expect(await readJson(response)).toMatchObject({ error: { message: `Message Batch ${id} not found.` } });
  }
});

test.each(['0', '1001', 'x'])('a list with limit %s is refused', async (limit) => {
  expect((await call(await emulate(), 'GET', `${PATH}?limit=${limit}`)).status).toBe(400);
});

test('a body with an encoding is refused', async () => {
  const headers = { ...HEADERS, 'content-encoding': 'gzip' };
  const response = await call(await emulate(), 'POST', PATH, 'x', headers);
  expect(await readJson(response)).toMatchObject({
    error: { details: { error_code: 'request_body_encoding_unsupported' } },
  });
});
