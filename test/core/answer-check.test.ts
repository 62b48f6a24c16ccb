import { describe, expect, test } from 'vitest';
import { compileAnswerCheck } from '../../src/core/answer-check.ts';
import { judgeResult } from '../../src/core/judge.ts';
import { resultRow } from '../../src/core/result-row.ts';
import { SchemaError } from '../../src/core/schema-error.ts';
import type { JsonSchema } from '../../src/core/stage.ts';

const report = {
  type: 'object',
  properties: {
    title: { type: 'string', minLength: 2 },
    day: { type: 'string', format: 'date' },
    kind: { enum: ['note', 'report'] },
    items: {
      type: 'array',
      items: { type: 'object', properties: { 'unit price': { type: 'number' } }, required: ['unit price'] },
    },
  },
  required: ['title'],
  additionalProperties: false,
};

async function problemOf(schema: JsonSchema, text: string): Promise<string | null> {
  const checked = (await compileAnswerCheck(schema))(text);
  return checked.ok ? null : checked.problem;
}

describe('an answer that does not fit', () => {
  test.each([
    ['{}', 'the answer has no "title"'],
    ['{"title":"x"}', 'title must NOT have fewer than 2 characters'],
    ['{"title":7}', 'title must be of type string'],
    ['{"title":"ab","day":"2026-02-30"}', 'day is not a valid date'],
    ['{"title":"ab","kind":"poem"}', 'kind must be one of "note", "report"'],
    ['{"title":"ab","more":1}', 'the answer has "more", which the schema does not know'],
    [
      '{"title":"ab","items":[{"unit price":1},{"unit price":"2"}]}',
      'items[1]["unit price"] must be of type number',
    ],
    ['[]', 'the answer must be of type object'],
    ['', 'the answer has no text'],
    ['  \n', 'the answer has no text'],
    [
      '{"title":"ab"',
      'the answer is not valid JSON: it ends early, with 1 of { or [ still open, at character 14',
    ],
    ['Sure! {}', 'the answer is not valid JSON: a value is missing, at character 1'],
    [
      '{"title":"ab"} done',
      'the answer is not valid JSON: something follows after the end of the value, at character 16',
    ],
  ])('%s is told with its place', async (text, problem) => {
    expect(await problemOf(report, text)).toBe(problem);
  });

  test('in many places is told in five of them, and how many more there are', async () => {
    const items = Array.from({ length: 8 }, () => ({}));
    const problem = await problemOf(report, JSON.stringify({ title: 'ab', items }));
    expect(problem?.split('; ')).toHaveLength(6);
    expect(problem).toMatch(/^items\[0\] has no "unit price"; .*; and 3 more$/);
  });

  test('because of its depth is no reason to run out of stack', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(await problemOf({ type: 'array' }, deep)).toContain('nested deeper than 200 levels');
  });
});

describe('an answer that fits', () => {
  test.each([
    ['numbers that a double cannot hold', '{"n":12345678901234567890,"m":1.0,"e":1e2}'],
    ['the order of its keys', '{"10":1,"2":2,"b":3,"a":4}'],
    ['escapes', '{"a":"\\u00e9\\n\\/"}'],
  ])('keeps %s', async (_, text) => {
    expect((await compileAnswerCheck({ type: 'object' }))(text)).toEqual({ ok: true, jsonText: text });
  });

  test('is put on one line, with its texts as they are', async () => {
    const check = await compileAnswerCheck({ type: 'object' });
    expect(check('\n{\r\n  "a": [1,\n\t2],\n  "b": "x  \\n  y"\n}\n')).toEqual({
      ok: true,
      jsonText: '{"a": [1,2],"b": "x  \\n  y"}',
    });
  });

  test('with half a character in it can still be written as UTF-8', async () => {
    const checked = (await compileAnswerCheck({ type: 'string' }))('"\ud800"');
    expect(checked).toEqual({ ok: true, jsonText: '"\\ud800"' });
  });
});

describe('the dialect', () => {
  const tuple07 = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { day: { type: 'string', format: 'date' } },
    type: 'array',
    items: [{ $ref: '#/definitions/day' }, { type: 'integer' }],
    additionalItems: false,
  };
  const tuple2020 = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: { day: { type: 'string', format: 'date' } },
    type: 'array',
    prefixItems: [{ $ref: '#/$defs/day' }, { type: 'integer' }],
    items: false,
  };

  test.each([
    ['draft-07', tuple07],
    ['draft 2020-12', tuple2020],
    ['draft 2020-12 where none is named', { ...tuple2020, $schema: undefined }],
  ])('%s is known', async (_, schema) => {
    const plain = JSON.parse(JSON.stringify(schema));
    expect(await problemOf(plain, '["2026-11-20",1]')).toBeNull();
    expect(await problemOf(plain, '["yesterday",1]')).toBe('[0] is not a valid date');
    expect(await problemOf(plain, '["2026-11-20",1,2]')).not.toBeNull();
  });

  test.each<[string, JsonSchema, string, string]>([
    ['another dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }, '#/$schema', 'draft 2020-12'],
    [
      'a wrong type',
      { properties: { a: { type: 'text' } } },
      '#/properties/a/type',
      'must be equal to one of',
    ],
    ['a list of schemas in 2020-12', { items: [{ type: 'string' }] }, '#/items', 'must be object,boolean'],
    ['a reference to nowhere', { $ref: '#/$defs/gone' }, '#', "can't resolve reference #/$defs/gone"],
    ['a reference to another file', { $ref: 'other.json' }, '#', "can't resolve reference other.json"],
    ['a broken pattern', { type: 'string', pattern: '(' }, '#', 'Invalid regular expression'],
  ])('%s is refused with its place', async (_, schema, place, problem) => {
    const error = await compileAnswerCheck(schema).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ place, problem: expect.stringContaining(problem) });
  });

  test('a pattern with an escape of other languages is taken', async () => {
    expect(await problemOf({ type: 'string', pattern: '^\\d{4}\\-\\d{2}$' }, '"2026-11"')).toBeNull();
    expect(await problemOf({ type: 'string', pattern: '^\\d{4}\\-\\d{2}$' }, '"2026/11"')).not.toBeNull();
  });
});

describe('the verdict of a row', () => {
  const result = (text: string, more: object = {}) => ({
    type: 'succeeded',
    message: { content: [{ type: 'text', text }], stop_reason: 'end_turn', ...more },
  });

  test('whose answer does not fit is invalid_output, and its text is kept', async () => {
    const check = await compileAnswerCheck(report);
    expect(judgeResult(result('{}'), check)).toMatchObject({
      status: 'succeeded',
      failure: 'invalid_output',
      text: '{}',
      jsonText: null,
      error: { type: 'invalid_output', message: 'the answer has no "title"', requestId: null },
    });
  });

  test.each([
    ['max_tokens', 'truncated'],
    ['refusal', 'refused'],
    ['pause_turn', 'paused'],
  ])('that stopped for %s stays %s, whatever its text', async (stop_reason, failure) => {
    const check = await compileAnswerCheck(report);
    expect(judgeResult(result('{', { stop_reason }), check)).toMatchObject({ failure, jsonText: null });
  });

  test('that calls a tool instead is good, without json', async () => {
    const call = {
      content: [{ type: 'tool_use', id: 't', name: 'look', input: {} }],
      stop_reason: 'tool_use',
    };
    const judgement = judgeResult({ type: 'succeeded', message: call }, await compileAnswerCheck(report));
    expect(judgement).toMatchObject({ failure: null, jsonText: null, hasOtherBlocks: true });
  });

  test('has its json digit for digit in results.jsonl', async () => {
    const text = '{"id": 12345678901234567890}';
    const judgement = judgeResult(result(text), await compileAnswerCheck({ type: 'object' }));
    const facts = {
      customId: 'a',
      stage: 'main',
      group: null,
      status: 'succeeded' as const,
      failure: null,
      attempt: 1,
      batchId: null,
      reused: false,
      why: null,
      cost: null,
      output: null,
    };
    expect(resultRow(facts, judgement, null)).toContain(`,"json":${text},"stop_reason"`);
  });
});
