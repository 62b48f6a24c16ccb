import { describe, expect, test } from 'vitest';
import { SchemaError } from '../../src/core/schema-error.ts';
import type { JsonSchema } from '../../src/core/stage.ts';
import { findFormatProblem } from '../../src/emulator/structured-output.ts';
import { toApiSchema } from '../../src/providers/anthropic/api-schema.ts';

const text = { type: 'string' };
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
const closed = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});

describe('the part of a schema that the API takes', () => {
  test.each<[string, JsonSchema, unknown]>([
    ['closes objects', object({ a: text }, { required: ['a'] }), closed({ a: text }, { required: ['a'] })],
    [
      'has limits in descriptions',
      object({ n: { type: 'integer', minimum: 1, maximum: 9 } }),
      closed({ n: { type: 'integer', description: '{minimum: 1, maximum: 9}' } }),
    ],
    [
      'has definitions where references find them',
      object({ a: { $ref: '#/definitions/x' } }, { definitions: { x: object({ b: text }) } }),
      closed({ a: { $ref: '#/$defs/x' } }, { $defs: { x: closed({ b: text }) } }),
    ],
    [
      'names the type that the keywords mean',
      { properties: { a: { items: text }, b: { pattern: 'x' } } },
      closed({ a: { type: 'array', items: text }, b: { type: 'string', description: '{pattern: "x"}' } }),
    ],
    [
      'keeps the properties of an object that may be null',
      object({ a: { type: ['object', 'null'], properties: { b: text }, description: 'd' } }),
      closed({ a: { anyOf: [closed({ b: text }), { type: 'null' }], description: 'd' } }),
    ],
    [
      'keeps a list of plain types',
      object({ a: { type: ['string', 'null'] } }),
      closed({ a: { type: ['string', 'null'] } }),
    ],
    [
      'leaves rules between properties to the check of the answer',
      object({ a: text, b: text }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
      closed({ a: text, b: text }),
    ],
    [
      'unwraps a reference in allOf',
      object(
        { a: { allOf: [{ $ref: '#/$defs/x' }], description: 'd' } },
        { $defs: { x: object({ b: text }) } },
      ),
      closed({ a: { $ref: '#/$defs/x' } }, { $defs: { x: closed({ b: text }) } }),
    ],
    [
      'keeps choices of objects',
      object({ a: { oneOf: [object({ b: text }), object({ c: text })] } }),
      closed({ a: { anyOf: [closed({ b: text }), closed({ c: text })] } }),
    ],
    ['keeps a property called $ref', object({ $ref: text }), closed({ $ref: text })],
  ])('%s', (_, schema, expected) => {
    expect(toApiSchema(schema)).toEqual(expected);
    expect(findFormatProblem(toApiSchema(schema))).toBeNull();
  });

  test('leaves the schema itself as it is', () => {
    const schema = object({ n: { type: 'integer', minimum: 1 } }, { definitions: { x: text } });
    const before = JSON.stringify(schema);
    toApiSchema(schema);
    expect(JSON.stringify(schema)).toBe(before);
  });
});

describe('what the API cannot take is refused with its place', () => {
  const tree = object({ name: text, children: { type: 'array', items: { $ref: '#/$defs/tree' } } });
  test.each<[string, JsonSchema, string, string]>([
    ['true', true, '#', 'says nothing'],
    [
      'a recursion',
      object({ t: { $ref: '#/$defs/tree' } }, { $defs: { tree } }),
      '#/$defs/tree/properties/children/items',
      'contains itself',
    ],
    ['a recursion to the root', object({ next: { $ref: '#' } }), '#/properties/next', 'contains itself'],
    [
      'a recursion over two references',
      object(
        { a: { $ref: '#/$defs/a' } },
        { $defs: { a: object({ b: { $ref: '#/$defs/b' } }), b: object({ a: { $ref: '#/$defs/a' } }) } },
      ),
      '#/$defs/a/properties/b',
      'contains itself',
    ],
    [
      'another file',
      object({ a: { $ref: 'https://example.com/a.json' } }),
      '#/properties/a',
      'leads to another schema',
    ],
    ['a reference to nowhere', object({ a: { $ref: '#/$defs/gone' } }), '#/properties/a', 'leads nowhere'],
    ['anything', object({ 'a/b': {} }), '#/properties/a~1b', 'may be anything'],
    [
      'free keys',
      object({ a: { type: 'object', additionalProperties: text } }),
      '#/properties/a',
      'always be empty',
    ],
    ['objects as choices', object({ a: { enum: [{ b: 1 }] } }), '#/properties/a', 'fixed value'],
    [
      'a schema for each item',
      object({ a: { type: 'array', items: [text] } }),
      '#/properties/a/items',
      'one for all',
    ],
    [
      'an object made of several',
      { allOf: [object({ a: text }), object({ b: text })] },
      '#/allOf',
      'write one object',
    ],
    [
      'choices that add properties',
      object({ kind: text }, { oneOf: [{ properties: { a: text } }, { properties: { b: text } }] }),
      '#/oneOf',
      'write each object',
    ],
  ])('%s', (_, schema, place, problem) => {
    let error: unknown = null;
    try {
      toApiSchema(schema);
    } catch (cause) {
      error = cause;
    }
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ place, problem: expect.stringContaining(problem) });
  });
});
