import { expect, test } from 'vitest';
import { MarkReader } from '../../src/core/measure-marks.ts';
import { measureRequest } from '../../src/core/measure-request.ts';

const user = (content: unknown): object => ({ role: 'user', content });

/** `{"model":"claude-haiku-5-5","max_tokens":400,` */
const HEAD_BYTES = 45;

function paramsOf(more: object): string {
  return JSON.stringify({ model: 'claude-haiku-5-5', max_tokens: 400, messages: [user('hello')], ...more });
}

test('a quarter of the bytes after model and max_tokens, rounded up, are the local tokens', () => {
  const paramsJson = paramsOf({});
  expect(measureRequest(paramsJson)).toEqual({
    model: 'claude-haiku-5-5',
    isUs: false,
    maxTokens: 400,
    // "messages":[{"role":"user","content":"hello"}]} has 47 bytes.
    tokens: 12,
    marks: [],
  });
  // 50 bytes with «abababab»; «ä» has two bytes and «語» three, so that four times both have 12 more.
  const [latin, other] = ['ab', 'ä語'].map((text) => paramsOf({ messages: [user(text.repeat(4))] }));
  expect(measureRequest(other ?? '').tokens - measureRequest(latin ?? '').tokens).toBe(3);
});

test('model, max_tokens and region are read at the top only, in any order of the keys', () => {
  const tools = [
    { name: 't', input_schema: { properties: { model: 1, max_tokens: 7, inference_geo: 'eu' } } },
  ];
  const text = 'say "model": "x", "max_tokens": 9';
  const ready = `{ "messages" : [${JSON.stringify(user(text))}], "tools":${JSON.stringify(tools)}, "inference_geo" : "us", "max_tokens" : 12 , "model" : "claude-opus-5" }`;
  expect(measureRequest(ready)).toMatchObject({ model: 'claude-opus-5', maxTokens: 12, isUs: true });
  expect(measureRequest('{"messages":[]}')).toMatchObject({ model: null, maxTokens: 0, isUs: false });
  expect(measureRequest(paramsOf({ inference_geo: 'us' }))).toMatchObject({ isUs: true, maxTokens: 400 });
});

test('a picture in base64 counts as a picture, not as text, with and without the renderer saying so', () => {
  const data = 'A'.repeat(400_000);
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
  const paramsJson = paramsOf({ messages: [user([image, { type: 'text', text: 'what is it?' }])] });
  // The text around the data is about 60 tokens; a picture 1,600.
  const { tokens } = measureRequest(paramsJson);
  expect(tokens).toBe(1_600 + Math.ceil((paramsJson.length - HEAD_BYTES - 400_000) / 4));
  const json = JSON.stringify(image);
  expect(measureRequest(paramsJson, { bytes: json.length, approxTokens: 1_600 }).tokens).toBeLessThanOrEqual(
    tokens,
  );
});

test.each([
  ['image', { type: 'url', url: 'https://example.org/a.png' }, 1_600],
  ['image', { type: 'file', file_id: 'file_011' }, 1_600],
  ['document', { type: 'url', url: 'https://example.org/a.pdf' }, 30_000],
])('of a file that is only named, %s by %j, the tokens are guessed', (type, source, tokens) => {
  const paramsJson = paramsOf({ messages: [user([{ type, source }])] });
  const text = Math.ceil((paramsJson.length - HEAD_BYTES) / 4);
  expect(measureRequest(paramsJson).tokens).toBe(text + tokens);
});

const cached = (text: string, ttl?: '1h'): object => ({
  type: 'text',
  text,
  cache_control: { type: 'ephemeral', ...(ttl && { ttl }) },
});

test('each cache mark has the tokens since the one before, in the order tools, system, messages', () => {
  const system = [cached('s'.repeat(2_000), '1h')];
  const messages = [user([cached('m'.repeat(1_000)), { type: 'text', text: 'rest' }])];
  const tools = [{ name: 't', description: 'd'.repeat(400) }];
  const { marks } = measureRequest(paramsOf({ messages, system, tools }));
  const bytes = [JSON.stringify(tools[0]), JSON.stringify(system[0])].join('').length;
  expect(marks.map(({ ttl, tokensUpTo }) => [ttl, tokensUpTo])).toEqual([
    ['1h', Math.ceil(bytes / 4)],
    ['5m', Math.ceil((bytes + JSON.stringify(cached('m'.repeat(1_000))).length) / 4)],
  ]);
  expect(marks[1]?.tokens).toBe((marks[1]?.tokensUpTo ?? 0) - (marks[0]?.tokensUpTo ?? 0));
});

test('a mark at the top level stands at the end of the prompt', () => {
  const [mark, ...more] = measureRequest(paramsOf({ cache_control: { type: 'ephemeral', ttl: '1h' } })).marks;
  expect([mark?.ttl, mark?.tokensUpTo, more]).toEqual(['1h', Math.ceil('"hello"'.length / 4), []]);
});

test('requests that share the text up to a mark share its hash, whatever stands after it', () => {
  const marks = new MarkReader();
  const read = (more: object) => marks.read(paramsOf({ system: [cached('shared')], messages: [], ...more }));
  const [first] = read({});
  expect(read({ temperature: 1 })[0]?.hash).toBe(first?.hash);
  expect(read({ system: [cached('other')] })[0]?.hash).not.toBe(first?.hash);
});

test('what the API reads before the mark counts, also where it stands behind it in the text', () => {
  const marks = new MarkReader();
  const read = (tool: string) =>
    marks.read(
      `{"model":"m","max_tokens":1,"messages":[${JSON.stringify(user([cached('same')]))}],"tools":[{"name":"${tool}"}]}`,
    )[0]?.hash;
  expect(read('a')).not.toBe(read('b'));
  expect(read('b')).toBe(read('b'));
});

test('a block whose text follows its mark is read anew for each request', () => {
  const marks = new MarkReader();
  const read = (text: string) =>
    marks.read(
      `{"system":[{"type":"text","cache_control":{"type":"ephemeral"},"text":"${text}"}],"messages":[]}`,
    )[0]?.hash;
  expect(read('one')).not.toBe(read('two'));
});
