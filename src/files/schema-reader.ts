import { InputError, UsageError } from '../core/errors.ts';
import { JsonTextError, parseJson, refuseDeepNesting } from '../core/json-exact.ts';
import type { SchemaReader } from '../core/ports/schemas.ts';
import type { JsonSchema, SchemaReference } from '../core/stage.ts';
import { createModuleLoader } from './load-module.ts';
import { schemaOfExport } from './module-schema.ts';
import { createTextReader } from './text-files.ts';
import { readYaml } from './yaml-document.ts';

/** Schemas named relative to the job file, confined to the workspace. That they are JSON Schemas is checked later. */
export function createSchemaReader(place: { readonly root: string; readonly dir: string }): SchemaReader {
  const texts = createTextReader(place);
  const modules = createModuleLoader(place);

  async function readModule({ module, exportName }: SchemaReference & { readonly kind: 'module' }) {
    const loaded = await modules.load(module);
    if (!loaded.ok) throw schemaError(module, loaded.why);
    const schema = await schemaOfExport(loaded.exports, exportName ?? 'default');
    if (!schema.ok) throw schemaError(module, schema.why);
    refuseDeep(module, schema.schema);
    return schema.schema;
  }

  async function readFile(file: string): Promise<JsonSchema> {
    try {
      return toSchema(file, await texts.read(file));
    } catch (cause) {
      if (!(cause instanceof InputError)) throw cause;
      throw schemaError(file, cause.problems[0]?.problem ?? cause.message, cause);
    }
  }

  return {
    read: (reference) => (reference.kind === 'module' ? readModule(reference) : readFile(reference.file)),
  };
}

function toSchema(file: string, text: string): JsonSchema {
  const value = /\.ya?ml$/i.test(file) ? fromYaml(file, text) : fromJson(file, text);
  refuseDeep(file, value);
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw schemaError(file, 'a JSON Schema is an object, and this is not one');
  return value as JsonSchema; // an object, just looked at
}

/** What compiles and writes schemas calls itself for each level. */
function refuseDeep(file: string, schema: unknown): void {
  try {
    refuseDeepNesting(schema);
  } catch (cause) {
    if (!(cause instanceof JsonTextError)) throw cause;
    throw schemaError(file, cause.problem, cause);
  }
}

function fromJson(file: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    if (!(cause instanceof JsonTextError)) throw cause;
    const before = text.slice(0, cause.offset).split('\n');
    throw schemaError(`${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`, cause.problem, cause);
  }
}

function fromYaml(file: string, text: string): unknown {
  const { problems, value } = readYaml(text);
  const [first] = problems;
  if (first === undefined) return value;
  throw schemaError(first.line === null ? file : `${file}:${first.line}`, `not valid YAML: ${first.problem}`);
}

function schemaError(place: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`${place} cannot be used as the schema of the answers`, {
    code: 'schema_file',
    why,
    next: 'mend the file or "schema" in the job file; docs/results.md says what it may name',
    cause,
  });
}
