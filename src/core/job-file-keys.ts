import { jobFileJsonSchema } from './job-file-schema.ts';

/** The part of a JSON Schema that says which keys there are. */
interface KeySchema {
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly items?: KeySchema;
  /** Of a mapping that may have any key: what each of them holds. */
  readonly additionalProperties?: KeySchema | boolean;
  readonly anyOf?: readonly KeySchema[];
}

let root: KeySchema | undefined;

/** The keys that a job file knows at a place, in the order of the documentation; empty where any key may stand. */
export function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  // Made from the zod schema, so that there is no second list to keep; zod writes the four keywords as above.
  root ??= jobFileJsonSchema() as KeySchema;
  let schemas = expand(root);
  for (const key of path) schemas = schemas.flatMap((schema) => stepInto(schema, key));
  return [...new Set(schemas.flatMap(({ properties = {} }) => Object.keys(properties)))];
}

function stepInto(schema: KeySchema, key: PropertyKey): readonly KeySchema[] {
  const { properties = {}, items, additionalProperties: any } = schema;
  const own = Object.hasOwn(properties, key) ? properties[String(key)] : any;
  const next = typeof key === 'number' ? items : own;
  return typeof next === 'object' ? expand(next) : [];
}

function expand(schema: KeySchema): readonly KeySchema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(expand)];
}
