/** A value that JSON cannot say: at which column or key, and why. */
export class PlainValueError extends Error {
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.name = 'PlainValueError';
    this.problem = `the value of "${path}" ${problem}`;
  }
}

export interface PlainFields {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Of all texts in it. */
  readonly characters: number;
}

// As for JSON (json-exact.ts): JSON.stringify runs out of stack near 9,000 levels.
const MAX_DEPTH = 200;

/**
 * Columns from a program's values as columns of JSON, copied: a bigint becomes a number where a double holds it and its
 * digits as text where not, a Date its ISO text, NaN null (which is how data frames say «missing»), an infinite number
 * its name. What is undefined is left out. Throws PlainValueError for bytes, functions, symbols, cycles and other
 * objects that are no data.
 */
export function toPlainFields(columns: Iterable<readonly [string, unknown]>): PlainFields {
  const count = { characters: 0 };
  const fields: Record<string, unknown> = Object.create(null);
  for (const [name, value] of columns) {
    const plain = toPlain(value, name, 0, count);
    if (plain !== undefined) fields[name] = plain;
  }
  return { fields, characters: count.characters };
}

interface Count {
  characters: number;
}

function toPlain(value: unknown, path: string, depth: number, count: Count): unknown {
  switch (typeof value) {
    case 'string':
      count.characters += value.length;
      return value;
    case 'number':
      return plainNumber(value);
    case 'bigint':
      return plainInteger(value);
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      return value === null ? null : plainObject(value, path, depth, count);
    default:
      throw new PlainValueError(path, `is a ${typeof value}, which is no data`);
  }
}

function plainObject(value: object, path: string, depth: number, count: Count): unknown {
  if (depth >= MAX_DEPTH) throw new PlainValueError(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value) || isNumberArray(value))
    return Array.from(value, (item: unknown) => toPlain(item, path, depth + 1, count) ?? null);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer || ArrayBuffer.isView(value))
    throw new PlainValueError(path, 'is bytes, not text');
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new PlainValueError(path, 'is a date that there is not');
    return value.toISOString();
  }
  const toJson: unknown = Reflect.get(value, 'toJSON');
  if (typeof toJson === 'function') return toPlain(toJson.call(value), path, depth + 1, count);
  if (!isPlainObject(value))
    throw new PlainValueError(path, `is a ${value.constructor.name}, which JSON cannot say`);
  const plain: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    count.characters += key.length;
    const inner = toPlain(item, `${path}.${key}`, depth + 1, count);
    if (inner !== undefined) plain[key] = inner;
  }
  return plain;
}

/** Numbers of one width, such as an embedding. Bytes are not: they may be anything. */
function isNumberArray(value: object): value is ArrayLike<unknown> {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Uint8ClampedArray)
  );
}

/** An object literal, also of another realm. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function plainNumber(value: number): number | string | null {
  if (Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : String(value);
}

function plainInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
