import type { ErrorObject, ValidateFunction } from 'ajv';
import { describeMisfit } from './answer-misfit.ts';
import { JsonTextError, parseJson, refuseDeepNesting } from './json-exact.ts';
import { foldJson } from './json-text.ts';
import { SchemaError } from './schema-error.ts';
import type { JsonSchema } from './stage.ts';

/** Holds the text of an answer against the schema of its stage. Never throws. */
export type AnswerCheck = (text: string) => CheckedAnswer;

export type CheckedAnswer =
  /** The JSON as it was written, on one line: numbers that a double cannot hold keep their digits. */
  | { readonly ok: true; readonly jsonText: string }
  /** What is wrong, with the place in the answer. */
  | { readonly ok: false; readonly problem: string };

/** Shards of one job share their schema, and compiling one takes longer than judging a thousand answers. */
const compiled = new Map<string, AnswerCheck>();
const MAX_COMPILED = 16;

/**
 * Makes the check of a JSON Schema: draft 2020-12, or draft-07 where `$schema` says so.
 *
 * @throws SchemaError when it is not a schema.
 */
export async function compileAnswerCheck(schema: JsonSchema): Promise<AnswerCheck> {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const check = checkWith(await compile(schema));
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(key, check);
  return check;
}

function checkWith(validate: ValidateFunction): AnswerCheck {
  return (text) => {
    if (text.trim() === '') return { ok: false, problem: 'the answer has no text' };
    try {
      const value = parseJson(text);
      refuseDeepNesting(value);
      if (!validate(value)) return { ok: false, problem: describeMisfit(validate.errors ?? []) };
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error;
      return { ok: false, problem: `the answer is ${error.problem}, at character ${error.offset + 1}` };
    }
    return { ok: true, jsonText: foldJson(text) };
  };
}

const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const DRAFT_2020 = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

async function compile(schema: JsonSchema): Promise<ValidateFunction> {
  const dialect = typeof schema === 'object' ? schema['$schema'] : undefined;
  const is07 = typeof dialect === 'string' && DRAFT_07.test(dialect);
  if (dialect !== undefined && !is07 && !(typeof dialect === 'string' && DRAFT_2020.test(dialect))) {
    throw new SchemaError('#/$schema', 'it names neither draft 2020-12 nor draft-07, which are known here');
  }
  const { default: addFormats } = await import('ajv-formats');
  const options = {
    strict: false,
    allErrors: true,
    // Otherwise it writes to the console.
    logger: false as const,
    code: { regExp: Object.assign(toRegExp, { code: 'new RegExp' }) },
  };
  const ajv = is07
    ? new (await import('ajv')).Ajv(options)
    : new (await import('ajv/dist/2020.js')).Ajv2020(options);
  addFormats.default(ajv);
  try {
    if (ajv.validateSchema(schema) !== true) throw misshapen(ajv.errors ?? []);
    return ajv.compile(schema);
  } catch (cause) {
    if (cause instanceof SchemaError) throw cause;
    throw new SchemaError('#', cause instanceof Error ? firstLine(cause.message) : 'it cannot be compiled');
  }
}

/** JSON Schema means Unicode patterns; those written for other languages may have escapes that these refuse (`\-`). */
function toRegExp(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return new RegExp(pattern);
  }
}

function misshapen(errors: readonly ErrorObject[]): SchemaError {
  const [first] = errors;
  return new SchemaError(`#${first?.instancePath ?? ''}`, `it ${first?.message ?? 'is not a JSON Schema'}`);
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.slice(0, 200) ?? '';
}
