import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  createBatch,
  emulate,
  messageOf,
  request,
  requests,
  resultOf,
  resultsById,
  textOf,
} from './fixture.ts';

const tool = {
  name: 'save',
  input_schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
};
test('an answer is marked, quotes the prompt and is the same again', async () => {
  const emulator = await emulate();
  const id = await createBatch(emulator, [request('tree')]);
  const first = messageOf((await resultsById(emulator, id)).get('tree'));
  expect(textOf(first)).toMatch(/^\[emulated\].*Describe tree\./);
  expect(first).toMatchObject({
    type: 'message',
    role: 'assistant',
    stop_reason: 'end_turn',
    stop_sequence: null,
  });
  expect(first.usage.service_tier).toBe('batch');
  expect(messageOf((await resultsById(emulator, id)).get('tree'))).toEqual(first);
});

test('a small max_tokens truncates the answer', async () => {
  const message = messageOf(await resultOf({ model: 'claude-haiku-4-5', max_tokens: 5 }));
  expect(message.stop_reason).toBe('max_tokens');
  expect(message.usage.output_tokens).toBe(5);
  expect(textOf(message)).toHaveLength(20);
});

test('an answer of an always thinking model begins with an empty thinking block, which may eat all tokens', async () => {
  const message = messageOf(await resultOf({ model: 'claude-opus-5-5' }));
  expect(message.content[0]).toMatchObject({ type: 'thinking', thinking: '' });
  expect(textOf(message)).not.toBe('');
  const eaten = messageOf(await resultOf({ model: 'claude-opus-5-5', max_tokens: 8 }));
  expect(eaten.stop_reason).toBe('max_tokens');
  expect(textOf(eaten)).toBe('');
});

test('a model that does not think unless asked has no thinking block', async () => {
  expect(messageOf(await resultOf({ model: 'claude-opus-4-8' })).content.map((block) => block.type)).toEqual([
    'text',
  ]);
});

test('a stop sequence ends the text', async () => {
  const message = messageOf(await resultOf({ stop_sequences: ['Describe'] }));
  expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'Describe' });
  expect(textOf(message)).not.toContain('Describe');
});

const REQUIRED = ['kind', 'tags', 'size', 'parts', 'fixed', 'when', 'either'];

const SCHEMA: z.core.JSONSchema.JSONSchema = {
  type: 'object',
  additionalProperties: false,
  required: REQUIRED,
  properties: {
    note: { type: 'string' },
    kind: { enum: ['a', 'b'] },
    tags: { type: 'array', items: { type: 'string' }, minItems: 1 },
    size: { type: 'integer' },
    price: { type: 'number' },
    isNew: { type: 'boolean' },
    fixed: { const: 7 },
    when: { type: 'string', format: 'date' },
    either: { anyOf: [{ type: 'null' }, { type: 'integer' }] },
    parts: { type: 'array', items: { $ref: '#/$defs/part' } },
  },
  $defs: {
    part: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: { name: { type: ['string', 'null'] } },
    },
  },
};

test('the text fits the JSON schema of output_config, in each of fifty rows', async () => {
  const emulator = await emulate();
  const format = { type: 'json_schema', schema: SCHEMA };
  const rows = Array.from({ length: 50 }, (_, index) =>
    request(`r${index}`, { max_tokens: 4096, output_config: { format } }),
  );
  const results = await resultsById(emulator, await createBatch(emulator, rows));
  const schema = z.fromJSONSchema(SCHEMA);
  for (const result of results.values()) {
    const value: unknown = JSON.parse(textOf(messageOf(result)));
    expect(schema.safeParse(value)).toMatchObject({ success: true });
    expect(Object.keys(value as object).slice(0, 7)).toEqual(REQUIRED);
  }
});

test('a forced tool is used with an input that fits its schema, also a recursive one', async () => {
  const input_schema: z.core.JSONSchema.JSONSchema = {
    type: 'object',
    required: ['count', 'next'],
    properties: {
      count: { type: 'integer', minimum: 5, maximum: 6 },
      code: { type: 'string', minLength: 30, maxLength: 30 },
      next: { anyOf: [{ $ref: '#' }, { type: 'null' }] },
    },
  };
  const message = messageOf(
    await resultOf({
      max_tokens: 4096,
      tools: [tool, { name: 'tree', input_schema }],
      tool_choice: { type: 'tool', name: 'tree' },
    }),
  );
  expect(message.stop_reason).toBe('tool_use');
  const block = message.content.find((one) => one.type === 'tool_use');
  expect(block).toMatchObject({ name: 'tree', id: expect.stringMatching(/^toolu_/) });
  expect(z.fromJSONSchema(input_schema).safeParse(block?.input)).toMatchObject({ success: true });
});

test('one row of a batch writes a long marked prefix to the cache, the others read it', async () => {
  const emulator = await emulate();
  const system = [
    { type: 'text', text: 'x'.repeat(4 * 600), cache_control: { type: 'ephemeral', ttl: '1h' } },
  ];
  const rows = requests(5).map((row) => request(row.custom_id, { system }));
  const results = await resultsById(emulator, await createBatch(emulator, rows));
  const usages = [...results.values()].map((result) => messageOf(result).usage);
  expect(usages.filter((usage) => usage.cache_creation_input_tokens === 600)).toHaveLength(1);
  expect(usages.filter((usage) => usage.cache_read_input_tokens === 600)).toHaveLength(4);
  expect(
    usages.find((usage) => usage.cache_creation_input_tokens === 600)?.cache_creation
      ?.ephemeral_1h_input_tokens,
  ).toBe(600);
  expect(usages.every((usage) => usage.input_tokens < 20)).toBe(true);
});

test('with a cold cache rows that begin at once write each for themselves, unless an earlier batch has written', async () => {
  const emulator = await emulate({ faults: ['cold-cache=3'] });
  const system = (ttl: '5m' | '1h') => [
    { type: 'text', text: `${ttl}${'x'.repeat(4 * 600)}`, cache_control: { type: 'ephemeral', ttl } },
  ];
  const readers = async (ttl: '5m' | '1h') => {
    const rows = requests(5).map((row) => request(row.custom_id, { system: system(ttl) }));
    const results = await resultsById(emulator, await createBatch(emulator, rows));
    const usages = [...results.values()].map((result) => messageOf(result).usage);
    return usages.filter((usage) => (usage.cache_read_input_tokens ?? 0) > 0).length;
  };
  expect([await readers('1h'), await readers('1h')]).toEqual([2, 5]);
  // What is kept for five minutes is gone by the next batch.
  expect([await readers('5m'), await readers('5m')]).toEqual([2, 2]);
});

test('a marked prefix below the minimum of the model is not cached', async () => {
  const system = [{ type: 'text', text: 'x'.repeat(4 * 500), cache_control: { type: 'ephemeral' } }];
  const { usage } = messageOf(await resultOf({ system }));
  expect(usage).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 });
  expect(usage.input_tokens).toBeGreaterThan(500);
});
