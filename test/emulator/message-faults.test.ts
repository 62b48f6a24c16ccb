import { describe, expect, test } from 'vitest';
import { call, createBatch, emulate, messageOf, readJson, resultsById, textOf, truth } from './fixture.ts';

const PARAMS = {
  model: 'claude-haiku-5-5',
  max_tokens: 512,
  messages: [{ role: 'user', content: 'Describe row-7.' }],
};
const post = (emulator: Awaited<ReturnType<typeof emulate>>, params: unknown = PARAMS) =>
  call(emulator, 'POST', '/v1/messages', params);

describe('a message has the answer that a batch gives to the same params', () => {
  test.each([
    ['text', {}],
    ['text that is cut', { max_tokens: 20 }],
    [
      'JSON of a schema',
      {
        output_config: {
          format: {
            type: 'json_schema',
            schema: {
              type: 'object',
              properties: { title: { type: 'string' }, score: { type: 'integer' } },
              required: ['title', 'score'],
              additionalProperties: false,
            },
          },
        },
      },
    ],
    [
      'a call of a tool',
      {
        tools: [{ name: 'note', input_schema: { type: 'object', properties: { text: { type: 'string' } } } }],
        tool_choice: { type: 'any' },
      },
    ],
  ])('%s', async (_what, more) => {
    const emulator = await emulate();
    const params = { ...PARAMS, ...more };
    const results = await resultsById(emulator, await createBatch(emulator, [{ custom_id: 'a', params }]));
    const { id: _batchId, usage, ...fromBatch } = messageOf(results.get('a'));
    const { id: _id, usage: ownUsage, ...own } = await readJson(await post(emulator, params));
    expect(own).toEqual(fromBatch);
    expect(ownUsage).toEqual({ ...usage, service_tier: 'standard' });
  });

  test('and other prompts have other ones', async () => {
    const emulator = await emulate();
    const texts = new Set<string>();
    for (const content of ['Describe one.', 'Describe two.', 'Describe six.']) {
      const answer = await readJson(
        await post(emulator, { ...PARAMS, messages: [{ role: 'user', content }] }),
      );
      texts.add(textOf(answer as unknown as Parameters<typeof textOf>[0]).slice(-400));
    }
    expect(texts.size).toBe(3);
  });
});

test('the truth names each message by its prompt, its time and whether it was paid', async () => {
  const emulator = await emulate({ faults: ['message-drop', 'message-529'] });
  await expect(post(emulator)).rejects.toThrow();
  await post(emulator);
  await post(emulator);
  const { messages } = await truth(emulator);
  expect(messages.map(({ prompt, answered, status }) => [prompt, answered, status])).toEqual([
    ['Describe row-7.', true, null],
    ['Describe row-7.', false, 529],
    ['Describe row-7.', true, 200],
  ]);
  const times = messages.map((message) => Date.parse(message.at));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test.each([
  ['message-429=7', 429, 'rate_limit_error', '7'],
  ['message-429-bare', 429, 'rate_limit_error', null],
  ['message-spend-cap', 429, 'rate_limit_error', null],
  ['message-500', 500, 'api_error', null],
  ['message-529', 529, 'overloaded_error', null],
  ['message-401', 401, 'authentication_error', null],
  ['message-402', 402, 'billing_error', null],
  ['message-403', 403, 'permission_error', null],
])('%s answers %i, once', async (fault, status, type, retryAfter) => {
  const emulator = await emulate({ faults: [fault] });
  const response = await post(emulator);
  expect(response.status).toBe(status);
  expect(response.headers.get('retry-after')).toBe(retryAfter);
  expect(await response.json()).toMatchObject({ type: 'error', error: { type } });
  expect((await post(emulator)).status).toBe(200);
});

test.each([
  ['message-html-502', 502],
  ['message-html-413', 413],
])('%s answers %i without JSON', async (fault, status) => {
  const response = await post(await emulate({ faults: [fault] }));
  expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html']);
});

test('message-redirect answers 307 to its address', async () => {
  const response = await post(await emulate({ faults: ['message-redirect=http://127.0.0.1:1/x'] }));
  expect([response.status, response.headers.get('location')]).toEqual([307, 'http://127.0.0.1:1/x']);
});

test('message-cut-answer sends half of the JSON', async () => {
  const text = await (await post(await emulate({ faults: ['message-cut-answer'] }))).text();
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});

test('message-pretty sends the same message on several lines', async () => {
  const text = await (await post(await emulate({ faults: ['message-pretty'] }))).text();
  expect(text.split('\n').length).toBeGreaterThan(10);
  expect(JSON.parse(text)).toMatchObject({ type: 'message' });
});

test('message-slow answers late, and well', async () => {
  const emulator = await emulate({ faults: ['message-slow=0.3'] });
  const startedMs = performance.now();
  expect((await post(emulator)).status).toBe(200);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(290);
});

test('a message that the API refuses uses up no fault and is none in the truth', async () => {
  const emulator = await emulate({ faults: ['message-500'] });
  expect((await post(emulator, { ...PARAMS, model: 'nothing' })).status).toBe(404);
  expect((await truth(emulator)).messages).toEqual([]);
  expect((await post(emulator)).status).toBe(500);
});
