const REFUSED_KEYWORDS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'maxItems',
  'uniqueItems',
];

/**
 * Why `output_config.format.schema` is refused; null when it is not, or when there is none.
 * Source: platform.claude.com/docs/en/build-with-claude/structured-outputs (what JSON Schema may say there).
 */
export function findFormatProblem(schema: unknown): string | null {
  if (schema === undefined) return null;
  const problem = findSchemaProblem(schema, schema, []);
  return problem === null ? null : `output_config.format.schema: ${problem}`;
}

function findSchemaProblem(schema: unknown, root: unknown, refs: readonly string[]): string | null {
  if (!isObject(schema)) return typeof schema === 'boolean' ? null : 'a schema must be an object';
  const ref = schema['$ref'];
  if (typeof ref === 'string') {
    if (!ref.startsWith('#')) return `external $ref '${ref}' is not supported`;
    if (refs.includes(ref)) return 'recursive schemas are not supported';
    const target = resolveRef(root, ref);
    return target === undefined
      ? `$ref '${ref}' does not resolve`
      : findSchemaProblem(target, root, [...refs, ref]);
  }
  const keyword = REFUSED_KEYWORDS.find((name) => Object.hasOwn(schema, name));
  if (keyword !== undefined) return `property '${keyword}' is not supported`;
  const minItems = schema['minItems'];
  if (minItems !== undefined && minItems !== 0 && minItems !== 1)
    return "'minItems' values other than 0 or 1 are not supported";
  const isObjectSchema = schema['type'] === 'object' || isObject(schema['properties']);
  if (isObjectSchema && schema['additionalProperties'] !== false) {
    return "For 'object' type, 'additionalProperties' must be explicitly set to false";
  }
  for (const inner of innerSchemas(schema)) {
    const problem = findSchemaProblem(inner, root, refs);
    if (problem !== null) return problem;
  }
  return null;
}

/** What a local `$ref` such as `#/$defs/item` names; undefined when there is nothing. */
export function resolveRef(root: unknown, ref: string): unknown {
  const path = ref.slice(1).split('/').slice(1);
  return path.reduce<unknown>((value, part) => {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    return isObject(value) ? value[key] : undefined;
  }, root);
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function innerSchemas(schema: Readonly<Record<string, unknown>>): unknown[] {
  const properties = isObject(schema['properties']) ? Object.values(schema['properties']) : [];
  const items = schema['items'] === undefined ? [] : [schema['items']];
  const choices = ['anyOf', 'allOf', 'oneOf'].flatMap((name) =>
    Array.isArray(schema[name]) ? schema[name] : [],
  );
  return [...properties, ...items, ...choices];
}
