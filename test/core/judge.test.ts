import { describe, expect, test } from 'vitest';
import { judgeLongLine, judgeResult } from '../../src/core/judge.ts';

const message = (more: object) => ({
  type: 'succeeded',
  message: {
    model: 'claude-haiku-5-5',
    content: [{ type: 'text', text: 'hi' }],
    stop_reason: 'end_turn',
    ...more,
  },
});
const errored = (type: string) => ({
  type: 'errored',
  error: { type: 'error', error: { type, message: 'because' }, request_id: 'req_1' },
});

describe('the status and failure of a result', () => {
  test.each([
    ['end_turn', null],
    ['stop_sequence', null],
    ['tool_use', null],
    ['a_new_reason', null],
    ['constructor', null],
    ['refusal', 'refused'],
    ['max_tokens', 'truncated'],
    ['model_context_window_exceeded', 'truncated'],
    ['pause_turn', 'paused'],
  ])('of an answer that stopped for %s', (stop_reason, failure) => {
    expect(judgeResult(message({ stop_reason }))).toMatchObject({
      status: 'succeeded',
      failure,
      stopReason: stop_reason,
      text: 'hi',
    });
  });

  test.each([
    ['invalid_request_error', 'invalid_request'],
    ['not_found_error', 'not_found'],
    ['authentication_error', 'auth'],
    ['permission_error', 'auth'],
    ['billing_error', 'auth'],
    ['rate_limit_error', 'rate_limited'],
    ['overloaded_error', 'overloaded'],
    ['api_error', 'api_error'],
    ['timeout_error', 'api_error'],
    ['constructor', 'api_error'],
  ])('of the error %s', (type, failure) => {
    expect(judgeResult(errored(type))).toMatchObject({
      status: 'errored',
      failure,
      error: { type, message: 'because', requestId: 'req_1' },
      text: null,
      usage: null,
    });
  });

  test.each([
    ['canceled', 'canceled', 'canceled'],
    ['expired', 'expired', 'expired'],
  ])('of %s', (type, status, failure) => {
    expect(judgeResult({ type })).toMatchObject({ status, failure, error: null, text: null });
  });

  test.each([
    ['a type nobody knows', { type: 'paused_by_moon' }, 'unknown:paused_by_moon'],
    ['no type', {}, 'unknown:none'],
    ['a type that is no word', { type: 7 }, 'unknown:7'],
    ['no result', undefined, 'malformed_result'],
    ['a result that is a list', [], 'malformed_result'],
    ['a success without a message', { type: 'succeeded' }, 'malformed_result'],
    ['an error without an envelope', { type: 'errored' }, 'malformed_result'],
    ['an error without an error', { type: 'errored', error: { type: 'error' } }, 'malformed_result'],
    ['an error without a type', { type: 'errored', error: { error: {} } }, 'unknown_error'],
  ])('of %s is errored, with a name and without a crash', (_name, result, type) => {
    expect(judgeResult(result)).toMatchObject({ status: 'errored', failure: 'api_error', error: { type } });
  });
});

describe('the text of an answer', () => {
  test('is its text blocks joined, whatever stands before them', () => {
    const content = [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'x' },
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    expect(judgeResult(message({ content }))).toMatchObject({ text: 'ab', hasOtherBlocks: false });
  });

  test.each([
    ['a tool call', [{ type: 'tool_use', id: 't', name: 'n', input: {} }], '', true],
    ['a block nobody knows', [{ type: 'hologram' }, { type: 'text', text: 'x' }], 'x', true],
    ['a block that is no object', [null, 'x'], '', true],
    ['a text block without text', [{ type: 'text' }], '', true],
    ['no blocks', [], '', false],
    ['content that is no list', 'text', '', false],
  ])('of %s', (_name, content, text, hasOtherBlocks) => {
    expect(judgeResult(message({ content }))).toMatchObject({ text, hasOtherBlocks, status: 'succeeded' });
  });
});

test('usage is taken as the API counts it, and what is absent or odd counts nothing', () => {
  const usage = {
    input_tokens: 21,
    output_tokens: 40,
    cache_creation_input_tokens: 3,
    cache_read_input_tokens: null,
  };
  expect(judgeResult(message({ usage })).usage).toEqual({
    input: 21,
    output: 40,
    cacheCreation: 3,
    cacheRead: 0,
  });
  expect(judgeResult(message({ usage: { input_tokens: -1, output_tokens: 'x' } })).usage).toEqual({
    input: 0,
    output: 0,
    cacheCreation: 0,
    cacheRead: 0,
  });
  expect(judgeResult(message({})).usage).toBeNull();
});

test.each([
  [
    { category: 'cyber', explanation: 'no' },
    { type: 'refusal:cyber', message: 'no', requestId: null },
  ],
  [
    { category: null, explanation: 'no' },
    { type: 'refusal', message: 'no', requestId: null },
  ],
  [{ category: 'bio' }, { type: 'refusal:bio', message: 'the model refused', requestId: null }],
  [null, null],
])('a refusal with the details %j says why', (stop_details, error) => {
  expect(judgeResult(message({ stop_reason: 'refusal', stop_details })).error).toEqual(error);
});

test.each([
  ['{"custom_id":"a","result":{"type":"succeeded","message":{', 'succeeded', 'invalid_output'],
  ['{"custom_id":"a","result":{"type":"expired"', 'expired', 'expired'],
  ['{"custom_id":"a", "result": { "type": "new"', 'errored', 'api_error'],
  ['{"custom_id":"a"', 'errored', 'api_error'],
])('a line too long to parse is judged by its head: %s', (head, status, failure) => {
  expect(judgeLongLine(head)).toMatchObject({ status, failure, text: null });
});
