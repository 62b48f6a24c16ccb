import { pick } from './hash.ts';
import { isObject, resolveRef } from './structured-output.ts';

type Schema = Readonly<Record<string, unknown>>;

// Tools may have recursive schemas; below this depth optional things are left out, which ends them.
const MAX_DEPTH = 6;
const HARD_DEPTH = 24;

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-11-20',
  'date-time': '2026-11-20T10:00:00Z',
  time: '10:00:00Z',
  duration: 'P1D',
  email: 'emulated@example.com',
  hostname: 'example.com',
  uri: 'https://example.com/emulated',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** What a made-up value is drawn from. */
export interface SchemaAnswerSource {
  readonly random: () => number;
  /** Words of the prompt, for strings. */
  readonly quote: string;
}

/** Makes a JSON value that fits a JSON Schema. Objects get their required properties first, as the API writes them. */
export function answerSchema(schema: unknown, source: SchemaAnswerSource): unknown {
  return valueFor(schema, { ...source, root: schema }, '', 0);
}

interface Context extends SchemaAnswerSource {
  readonly root: unknown;
}

function valueFor(schema: unknown, context: Context, name: string, depth: number): unknown {
  if (!isObject(schema) || depth > HARD_DEPTH) return null;
  if (typeof schema['$ref'] === 'string') {
    return valueFor(resolveRef(context.root, schema['$ref']), context, name, depth + 1);
  }
  if (Object.hasOwn(schema, 'const')) return schema['const'];
  const { random } = context;
  if (isFilled(schema['enum'])) return pick(schema['enum'], random);
  for (const keyword of ['anyOf', 'oneOf']) {
    const choices = schema[keyword];
    // Deep down the last choice: by habit that is the one that ends a recursion (`null`, a plain value).
    if (isFilled(choices)) {
      const choice = depth > MAX_DEPTH ? choices.at(-1) : pick(choices, random);
      return valueFor(choice, context, name, depth + 1);
    }
  }
  if (isFilled(schema['allOf'])) {
    return valueFor(mergeSchemas([schema, ...schema['allOf']], context.root), context, name, depth + 1);
  }
  switch (typeOf(schema, random)) {
    case 'object':
      return objectFor(schema, context, depth);
    case 'array':
      return listFor(schema, context, name, depth);
    case 'integer':
      return Math.round(numberFor(schema, random, 1));
    case 'number':
      return Math.round(numberFor(schema, random, 0.1) * 10) / 10;
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    default:
      return textFor(schema, context, name);
  }
}

function typeOf(schema: Schema, random: () => number): unknown {
  const type = schema['type'];
  if (isFilled(type)) return pick(type, random);
  if (type !== undefined) return type;
  if (isObject(schema['properties'])) return 'object';
  return schema['items'] === undefined ? 'string' : 'array';
}

function objectFor(schema: Schema, context: Context, depth: number): Record<string, unknown> {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  const optional =
    depth > MAX_DEPTH ? [] : Object.keys(properties).filter((name) => !required.includes(name));
  const value: Record<string, unknown> = {};
  for (const name of [...required, ...optional])
    value[name] = valueFor(properties[name] ?? {}, context, name, depth + 1);
  return value;
}

function listFor(schema: Schema, context: Context, name: string, depth: number): unknown[] {
  const least = limitOf(schema, 'minItems') ?? 0;
  const most = limitOf(schema, 'maxItems') ?? Math.max(least, 3);
  const wanted = depth > MAX_DEPTH ? least : 1 + Math.floor(context.random() * 3);
  const length = Math.min(Math.max(wanted, least), most);
  return Array.from({ length }, () => valueFor(schema['items'] ?? {}, context, name, depth + 1));
}

function numberFor(schema: Schema, random: () => number, step: number): number {
  const above = limitOf(schema, 'exclusiveMinimum');
  const below = limitOf(schema, 'exclusiveMaximum');
  const least = limitOf(schema, 'minimum') ?? (above === null ? null : above + step);
  const most = limitOf(schema, 'maximum') ?? (below === null ? null : below - step);
  const from = least ?? (most === null ? 1 : Math.min(1, most));
  const to = most ?? from + 99;
  const value = from + random() * (to - from);
  const multiple = limitOf(schema, 'multipleOf');
  return multiple === null ? value : Math.ceil(from / multiple) * multiple;
}

function textFor(schema: Schema, { random, quote }: Context, name: string): string {
  const format = schema['format'];
  if (typeof format === 'string' && FORMATS[format] !== undefined) return FORMATS[format];
  const start = Math.floor(random() * Math.max(1, quote.length / 2));
  const text = `[emulated] ${name === '' ? '' : `${name}: `}${quote.slice(start, start + 80).trim()}`;
  const least = limitOf(schema, 'minLength') ?? 0;
  return text.padEnd(least, '.').slice(0, limitOf(schema, 'maxLength') ?? undefined);
}

function mergeSchemas(parts: readonly unknown[], root: unknown): Schema {
  let merged: Record<string, unknown> = {};
  for (const part of parts) {
    const target = isObject(part) && typeof part['$ref'] === 'string' ? resolveRef(root, part['$ref']) : part;
    if (!isObject(target)) continue;
    const properties = { ...asObject(merged['properties']), ...asObject(target['properties']) };
    const required = [...asList(merged['required']), ...asList(target['required'])];
    merged = { ...merged, ...target, properties, required };
  }
  const { allOf: _, ...rest } = merged;
  return rest;
}

function asObject(value: unknown): Schema {
  return isObject(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function limitOf(schema: Schema, keyword: string): number | null {
  const value = schema[keyword];
  return typeof value === 'number' ? value : null;
}

function isFilled(value: unknown): value is [unknown, ...unknown[]] {
  return Array.isArray(value) && value.length > 0;
}
