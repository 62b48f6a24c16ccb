import type { ZodType } from 'zod';
import type { JsonSchema } from '../core/stage.ts';

/** The JSON Schema that a module's export is or makes, or why there is none. */
export type ModuleSchema =
  | { readonly ok: true; readonly schema: JsonSchema }
  | { readonly ok: false; readonly why: string };

/** An export is a JSON Schema, or a Zod 4 schema of whichever copy of zod the module has. */
export async function schemaOfExport(
  exports: Readonly<Record<string, unknown>>,
  name: string,
): Promise<ModuleSchema> {
  const value = exports[name];
  if (value === undefined) {
    const names = Object.keys(exports).filter((one) => one !== 'module.exports');
    const there = names.length === 0 ? 'nothing' : names.join(', ');
    return { ok: false, why: `it has no export "${name}"; it exports ${there}` };
  }
  if (typeof value === 'boolean') return { ok: true, schema: value };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { ok: false, why: `its export "${name}" is neither a JSON Schema nor a Zod schema` };
  try {
    return asJson(await convert(value), name);
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : 'it threw';
    return { ok: false, why: `its export "${name}" cannot be written as JSON Schema: ${why}` };
  }
}

async function convert(value: object): Promise<unknown> {
  // Since zod 4.2 a schema writes itself; an older one is read by our copy.
  const own: unknown = Reflect.get(value, 'toJSONSchema');
  if (typeof own === 'function') return inSomeDirection((io) => Reflect.apply(own, value, [{ io }]));
  if ('_zod' in value) {
    const { z } = await import('zod');
    // What has `_zod` is a schema of zod 4.
    return inSomeDirection((io) => z.toJSONSchema(value as ZodType, { io }));
  }
  if ('_def' in value) throw new Error('it is a schema of Zod 3; Zod 4 writes JSON Schema');
  return value;
}

/** A value with a transform has no schema of what comes out; then what goes in is what the model is asked for. */
function inSomeDirection(write: (io: 'input' | 'output') => unknown): unknown {
  try {
    return write('output');
  } catch {
    return write('input');
  }
}

/** What a module made may hold functions and hidden keys; the job keeps JSON. */
function asJson(value: unknown, name: string): ModuleSchema {
  const plain: unknown = JSON.parse(JSON.stringify(value) ?? 'null');
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain))
    return { ok: false, why: `its export "${name}" does not make a JSON Schema` };
  return { ok: true, schema: plain as JsonSchema }; // an object, just looked at
}
