import { describe, expect, test } from 'vitest';
import { createBatch, emulate, request, resultOf, untilEnded } from './fixture.ts';

const tool = {
  name: 'save',
  input_schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
};
const MESSAGES = [{ role: 'user', content: 'hello' }];

describe('a row is refused when its turn comes, not before', () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    ['no messages', { messages: undefined }, 'invalid_request_error', 'messages: Field required'],
    ['an unknown model', { model: 'claude-nope' }, 'not_found_error', 'model: claude-nope'],
    [
      'a dated id that never was',
      { model: 'claude-opus-5-20260723' },
      'not_found_error',
      'model: claude-opus-5-20260723',
    ],
    [
      'no tokens',
      { max_tokens: 0 },
      'invalid_request_error',
      'max_tokens: must be greater than or equal to 1',
    ],
    [
      'too many tokens',
      { max_tokens: 9_999_999, model: 'claude-haiku-4-5' },
      'invalid_request_error',
      'max_tokens: 9999999 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5',
    ],
    [
      'an unknown field',
      { colour: 'red' },
      'invalid_request_error',
      'colour: Extra inputs are not permitted',
    ],
    [
      'a wrong role',
      { messages: [{ role: 'me', content: '' }] },
      'invalid_request_error',
      "messages.0.role: Input should be 'user' or 'assistant' or 'system'",
    ],
    [
      'a block without text',
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'invalid_request_error',
      'messages.0.content.0.text: Field required',
    ],
  ])('%s', async (_, params, type, message) => {
    const result = await resultOf(params);
    expect(result).toEqual({
      type: 'errored',
      error: {
        type: 'error',
        error: { type, message, details: { error_visibility: 'user_facing' } },
        request_id: null,
      },
    });
  });

  test.each<[string, Record<string, unknown>]>([
    ['stream', { stream: true }],
    ['fast mode', { speed: 'fast' }],
    ['threads', { store: true }],
    [
      'an unreachable image',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'url', url: 'https://x.invalid/a.png' } }],
          },
        ],
      },
    ],
    ['manual thinking on an adaptive model', { thinking: { type: 'enabled', budget_tokens: 2048 } }],
    [
      'disabled thinking on a model that always thinks',
      { model: 'claude-opus-5-5', thinking: { type: 'disabled' } },
    ],
    [
      'a forced tool where none may be forced',
      { model: 'claude-sonnet-5-5', tools: [tool], tool_choice: { type: 'any' } },
    ],
    ['a prefilled answer', { messages: [...MESSAGES, { role: 'assistant', content: 'Sure' }] }],
    [
      'an open schema',
      { output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: {} } } } },
    ],
    [
      'a schema with a minimum',
      { output_config: { format: { type: 'json_schema', schema: { type: 'integer', minimum: 1 } } } },
    ],
    ['a recursive schema', { output_config: { format: { type: 'json_schema', schema: { $ref: '#' } } } }],
    [
      'five cache breakpoints',
      { system: Array(5).fill({ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }) },
    ],
  ])('%s', async (_, params) => {
    expect(await resultOf(params)).toMatchObject({
      type: 'errored',
      error: { error: { type: 'invalid_request_error' } },
    });
  });
});

test.each(['temperature', 'top_p', 'top_k'])(
  '%s errors a row of version 2026-10-21, and none of 2023-06-01',
  async (name) => {
    const params = { model: 'claude-haiku-4-5', [name]: 1 };
    expect(await resultOf(params)).toMatchObject({
      type: 'errored',
      error: { error: { type: 'invalid_request_error' } },
    });
    expect((await resultOf(params, { 'anthropic-version': '2023-06-01' }))?.type).toBe('succeeded');
  },
);

test('300,000 output tokens need the beta header of the create', async () => {
  const params = { max_tokens: 300_000 };
  expect((await resultOf(params))?.type).toBe('errored');
  expect(
    (await resultOf(params, { 'anthropic-beta': 'files-api-2025-04-14, output-300k-2026-03-24' }))?.type,
  ).toBe('succeeded');
});

test('counts of an ended batch tell errored rows from succeeded ones', async () => {
  const emulator = await emulate();
  const id = await createBatch(emulator, [request('a'), request('b', { max_tokens: 0 }), request('c')]);
  expect((await untilEnded(emulator, id)).request_counts).toEqual({
    processing: 0,
    succeeded: 2,
    errored: 1,
    canceled: 0,
    expired: 0,
  });
});
