import { describe, expect, test } from 'vitest';
import { canceledLine, erroredLine, succeededLine } from '../../src/core/answer-line.ts';
import { judgeResult } from '../../src/core/judge.ts';
import { parseRequestLine, tokensAtMost } from '../../src/core/request-line.ts';
import { parseResultLine } from '../../src/core/result-line.ts';

const ID = 'row-7--abcdefgh-7';

describe('a line of a shard', () => {
  test.each([
    '{"model":"m","max_tokens":10}',
    '{"a": [1, {"params": "}"}], "n": 12345678901234567890}',
    '{}',
  ])('gives back the params %j letter for letter', (paramsJson) => {
    const line = `{"custom_id":"${ID}","params":${paramsJson}}`;
    expect(parseRequestLine(line)).toEqual({ wireId: ID, nonce: 'abcdefgh', seq: 7, paramsJson });
  });

  test.each(['{"custom_id":"row-7","params":{}}', `{"custom_id":"${ID}"}`, '{}', ''])(
    '%j is none',
    (line) => {
      expect(() => parseRequestLine(line)).toThrow('not a line of a shard');
    },
  );
});

test.each([
  ['{"max_tokens":100,"a":"12345678"}', 9 + 100],
  ['{"messages":[{"max_tokens":5}]}', 8],
  ['{"max_tokens":"many"}', 6],
])('%s takes %i tokens at most', (paramsJson, tokens) => {
  expect(tokensAtMost(paramsJson)).toBe(tokens);
});

describe('a line of an answer', () => {
  const message = '{"type":"message","content":[{"type":"text","text":"a\\nb"}],"big":12345678901234567890}';

  test('holds the answer letter for letter', () => {
    expect(succeededLine(ID, message)).toBe(
      `{"custom_id":"${ID}","result":{"type":"succeeded","message":${message}}}`,
    );
  });

  test('is one line, also when the answer was several', () => {
    const pretty = JSON.stringify({ type: 'message', content: [{ type: 'text', text: 'a\nb' }] }, null, 2);
    const line = succeededLine(ID, `${pretty}\r\n`);
    expect(line).not.toMatch(/[\r\n]/);
    expect(judgeResult(parseResultLine(line)?.result).text).toBe('a\nb');
  });

  test.each([
    ['invalid_request_error', 'invalid_request'],
    ['request_too_large', 'invalid_request'],
    ['rate_limit_error', 'rate_limited'],
    ['overloaded_error', 'overloaded'],
    ['api_error', 'api_error'],
  ])('%s becomes a row of class %s', (type, failure) => {
    const envelope = JSON.stringify({ type: 'error', error: { type, message: 'No.' }, request_id: 'req_1' });
    const judged = judgeResult(parseResultLine(erroredLine(ID, envelope))?.result);
    expect(judged).toMatchObject({
      status: 'errored',
      failure,
      error: { message: 'No.', requestId: 'req_1' },
    });
  });

  test('that was never asked for is canceled', () => {
    expect(judgeResult(parseResultLine(canceledLine(ID))?.result)).toMatchObject({ status: 'canceled' });
  });
});
