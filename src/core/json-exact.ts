import { findJsonError } from './json-error.ts';

// JSON.stringify runs out of stack near 9,000 levels (Node 24, measured); data that people write has few.
const MAX_DEPTH = 200;

/** Text that is not JSON, or not usable: where, counted from 0 in characters, and why. Never quotes the text. */
export class JsonTextError extends Error {
  readonly offset: number;
  readonly problem: string;

  constructor(problem: string, offset: number) {
    super(problem);
    this.name = 'JsonTextError';
    this.problem = problem;
    this.offset = offset;
  }
}

/**
 * JSON.parse that loses no integer: a number that a double cannot hold (12345678901234567890, 1e400) becomes its
 * text as written. Decimals are doubles as usual. Nesting beyond 200 levels is refused. Throws JsonTextError.
 */
export function parseExact(text: string): unknown {
  const value = parseJson(text);
  return inspect(value, 0) ? JSON.parse(text, keepNumber) : value;
}

/** JSON.parse with errors that say where and never quote the data (V8's own do). Nesting is limited as above. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const { problem, offset } = findJsonError(text) ?? { problem: 'it cannot be read', offset: 0 };
    throw new JsonTextError(`not valid JSON: ${problem}`, offset);
  }
  return value;
}

/** Refuses deep nesting; true when a number in the value is not what was written. */
function inspect(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return !isExact(value);
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) throw new JsonTextError(`nested deeper than ${MAX_DEPTH} levels`, 0);
  let inexact = false;
  if (Array.isArray(value)) {
    for (const item of value) inexact = inspect(item, depth + 1) || inexact;
  } else {
    for (const key in value) inexact = inspect(Reflect.get(value, key), depth + 1) || inexact;
  }
  return inexact;
}

/** Throws JsonTextError when a parsed value is nested too deep to be handled. */
export function refuseDeepNesting(value: unknown): void {
  inspect(value, 0);
}

function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

// The third argument is in ES2026 and in V8 since Node 21; TypeScript's types do not have it yet.
// Source: github.com/tc39/proposal-json-parse-with-source
function keepNumber(
  this: unknown,
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  return typeof value === 'number' && !isExact(value) ? (context?.source ?? value) : value;
}

/** Whether JSON text holds an escape for half a character, which no UTF-8 reader can take. */
export function hasLoneSurrogate(json: string): boolean {
  // JSON.stringify writes pairs raw and halves as \udXXX; other writers also write pairs that way.
  if (!json.includes('\\ud') && !json.includes('\\uD')) return false;
  return !allWellFormed(JSON.parse(json));
}

function allWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(allWellFormed);
  return Object.entries(value).every(([key, item]) => key.isWellFormed() && allWellFormed(item));
}
