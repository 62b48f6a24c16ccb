import { describe, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import {
  call,
  createBatch,
  emulate,
  freshFolder,
  HEADERS,
  readJson,
  requests,
  resultsById,
  truth,
  untilEnded,
} from './fixture.ts';

const PATH = '/v1/messages/batches';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Creates a batch of three rows; null when the connection broke instead of an answer. */
async function create(
  emulator: { readonly url: string; readonly accountId: string },
  signal?: AbortSignal,
): Promise<Answer | null> {
  try {
    const response = await fetch(`${emulator.url}${PATH}`, {
      method: 'POST',
      headers: HEADERS,
      redirect: 'manual',
      body: JSON.stringify({ requests: requests(3) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch {
    return null;
  }
}

const REFUSALS: readonly (readonly [fault: string, status: number, type: string, created: boolean])[] = [
  ['create-500', 500, 'api_error', false],
  ['create-500-created', 500, 'api_error', true],
  ['create-529', 529, 'overloaded_error', false],
  ['create-409', 409, 'conflict_error', false],
  ['create-408', 408, 'timeout_error', false],
  ['create-429=12', 429, 'rate_limit_error', false],
  ['create-429-bare', 429, 'rate_limit_error', false],
  ['create-spend-cap', 429, 'rate_limit_error', false],
  ['create-400-limit', 400, 'invalid_request_error', false],
  ['create-401', 401, 'authentication_error', false],
  ['create-403', 403, 'permission_error', false],
  ['create-404', 404, 'not_found_error', false],
];

describe('a create is refused once, and the next one is not', () => {
  test.each(REFUSALS)('%s', async (fault, status, type, created) => {
    const emulator = await emulate({ faults: [fault] });
    const answer = await create(emulator);
    expect(answer?.status).toBe(status);
    expect(JSON.parse(answer?.text ?? '')).toMatchObject({ type: 'error', error: { type } });
    const { batches, posts } = await truth(emulator);
    expect(batches).toHaveLength(created ? 1 : 0);
    expect(posts).toMatchObject([{ complete: true, status, batch_id: created ? batches[0]?.id : null }]);
    expect((await create(emulator))?.status).toBe(200);
  });
});

test.each([
  ['create-html-502', 0],
  ['create-html-502-created', 1],
])('%s answers HTML', async (fault, created) => {
  const emulator = await emulate({ faults: [fault] });
  const answer = await create(emulator);
  expect(answer?.status).toBe(502);
  expect(answer?.headers.get('content-type')).toBe('text/html');
  expect((await truth(emulator)).batches).toHaveLength(created);
});

test('create-429 has a retry-after, create-429-bare and create-spend-cap have none', async () => {
  const emulator = await emulate({ faults: ['create-429=12', 'create-429-bare', 'create-spend-cap'] });
  const answers = [await create(emulator), await create(emulator), await create(emulator)];
  expect(answers.map((answer) => answer?.headers.get('retry-after'))).toEqual(['12', null, null]);
  expect(JSON.parse(answers[2]?.text ?? '')).toMatchObject({
    error: { details: { error_code: 'enforced_spend_limit_reached' } },
  });
});

test('create-401 names no workspace', async () => {
  const answer = await create(await emulate({ faults: ['create-401'] }));
  expect(answer?.headers.has('anthropic-workspace-id')).toBe(false);
});

test('create-400-limit speaks of the limit that the user has set', async () => {
  const answer = await create(await emulate({ faults: ['create-400-limit'] }));
  expect(answer?.text).toContain('You have reached your specified API usage limits');
});

test('lost-reply creates the batch and breaks the connection', async () => {
  const emulator = await emulate({ faults: ['lost-reply'] });
  expect(await create(emulator)).toBeNull();
  const { batches, posts } = await truth(emulator);
  expect(batches).toHaveLength(1);
  expect(posts).toMatchObject([{ complete: true, status: null, batch_id: batches[0]?.id }]);
});

test.each([
  ['create-hang', 1],
  ['create-hang-not-created', 0],
])('%s never answers', async (fault, created) => {
  const emulator = await emulate({ faults: [fault] });
  const giveUp = new AbortController();
  const answer = create(emulator, giveUp.signal);
  await expect.poll(async () => (await truth(emulator)).posts[0]?.complete).toBe(true);
  expect((await truth(emulator)).batches).toHaveLength(created);
  expect(await Promise.race([answer, call(emulator, 'GET', PATH).then(() => 'still waiting')])).toBe(
    'still waiting',
  );
  giveUp.abort();
  expect(await answer).toBeNull();
});

test('create-slow answers late, and well', async () => {
  const emulator = await emulate({ faults: ['create-slow=0.3'] });
  const began = performance.now();
  expect((await create(emulator))?.status).toBe(200);
  expect(performance.now() - began).toBeGreaterThan(290);
});

test('create-redirect points elsewhere and creates nothing', async () => {
  const emulator = await emulate({ faults: ['create-redirect=http://127.0.0.1:9/other'] });
  const answer = await create(emulator);
  expect(answer?.status).toBe(307);
  expect(answer?.headers.get('location')).toBe('http://127.0.0.1:9/other');
  expect((await truth(emulator)).batches).toEqual([]);
});

test('create-cut-answer is a 200 that cannot be parsed, of a batch that exists', async () => {
  const emulator = await emulate({ faults: ['create-cut-answer'] });
  const answer = await create(emulator);
  expect(answer?.status).toBe(200);
  expect(() => JSON.parse(answer?.text ?? '')).toThrow(SyntaxError);
  expect((await truth(emulator)).batches).toHaveLength(1);
});

test('create-wrong-count answers counts that are one short', async () => {
  const emulator = await emulate({ faults: ['create-wrong-count'] });
  expect(JSON.parse((await create(emulator))?.text ?? '')).toMatchObject({
    request_counts: { processing: 2 },
  });
});

test('create-repeat-id answers with the id of an earlier batch', async () => {
  const emulator = await emulate();
  const earlier = await createBatch(emulator);
  await call(emulator, 'POST', '/_emulator/faults', { faults: ['create-repeat-id'] });
  expect(await createBatch(emulator)).toBe(earlier);
  expect((await truth(emulator)).batches).toHaveLength(2);
});

test('limit-requests answers 413 above it', async () => {
  const emulator = await emulate({ faults: ['limit-requests=2'] });
  expect((await create(emulator))?.status).toBe(413);
  await createBatch(emulator, requests(2));
});

test('queue refuses what would not fit beside unfinished batches, and says when to come again', async () => {
  const emulator = await emulate({ faults: ['queue=5'], batchSeconds: 30 });
  await createBatch(emulator, requests(3));
  const answer = await create(emulator);
  expect(answer?.status).toBe(429);
  expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThan(20);
  await createBatch(emulator, requests(2));
});

test('colleague puts foreign batches of the same size right before and after ours', async () => {
  const emulator = await emulate({ faults: ['colleague=2'] });
  const id = await createBatch(emulator);
  const { batches } = await truth(emulator);
  expect(batches.map((batch) => batch.foreign)).toEqual([true, true, false, true, true]);
  expect(batches.map((batch) => batch.requests)).toEqual([3, 3, 3, 3, 3]);
  const listed = await readJson(await call(emulator, 'GET', PATH));
  const ids = (listed['data'] as { id: string }[]).map((batch) => batch.id);
  expect(ids.indexOf(id)).toBe(2);
  const { ended_at } = await untilEnded(emulator, id);
  for (const foreign of ids.filter((one) => one !== id)) {
    const batch = await untilEnded(emulator, foreign);
    expect(Date.parse(batch.ended_at ?? '') - Date.parse(ended_at ?? '')).toBeLessThan(5);
    const ours = requests(3).map((row) => row.custom_id);
    expect([...(await resultsById(emulator, foreign)).keys()].filter((row) => ours.includes(row))).toEqual(
      [],
    );
  }
});

test('colleague shows foreign batches also where ours is not created', async () => {
  const emulator = await emulate({ faults: ['colleague=1', 'create-500'] });
  expect((await create(emulator))?.status).toBe(500);
  expect((await truth(emulator)).batches.map((batch) => batch.foreign)).toEqual([true, true]);
});

test('faults take turns in the order given, each as often as it says', async () => {
  const emulator = await emulate({ faults: ['create-500@2', 'create-529'] });
  const statuses: (number | undefined)[] = [];
  for (let index = 0; index < 4; index += 1) statuses.push((await create(emulator))?.status);
  expect(statuses).toEqual([500, 500, 529, 200]);
});

test('a used-up fault stays used up after a restart with the same faults, and comes back with other ones', async () => {
  const stateDir = freshFolder();
  const first = await startEmulator({ stateDir, faults: ['create-500'] });
  expect((await create(first))?.status).toBe(500);
  await first.close();
  expect((await create(await emulate({ stateDir, faults: ['create-500'] })))?.status).toBe(200);
  expect((await create(await emulate({ stateDir, faults: ['create-500', 'no-date'] })))?.status).toBe(500);
});

test('faults are replaced and cleared at run time, and a wrong one is named', async () => {
  const emulator = await emulate({ faults: ['create-500'] });
  const post = (faults: string[]) =>
    fetch(`${emulator.url}/_emulator/faults`, { method: 'POST', body: JSON.stringify({ faults }) });
  const wrong = await post(['create-50']);
  expect(wrong.status).toBe(400);
  expect(await wrong.text()).toContain('create-500');
  expect((await post(['create-529', 'create-529'])).status).toBe(200);
  expect((await create(emulator))?.status).toBe(529);
  await fetch(`${emulator.url}/_emulator/faults`, { method: 'DELETE' });
  expect((await create(emulator))?.status).toBe(200);
});
