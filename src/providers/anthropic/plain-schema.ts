import { SchemaError } from '../../core/schema-error.ts';
import { escapePointer } from './schema-refs.ts';

/** An object of a JSON Schema. */
export type Node = Readonly<Record<string, unknown>>;

const COMBINERS = ['anyOf', 'oneOf', 'allOf'] as const;
// They mean nothing to a model; the rest that the SDK does not know goes into descriptions.
const SILENT = ['$id', '$comment', '$anchor', '$schema', 'definitions'] as const;

/**
 * A schema in the form that the SDK's subset can be made of: types are named, definitions stand in `$defs`, and lists of
 * types with objects or lists among them are spread out. Constraints that no subset can hold are left to the check of
 * the answer.
 *
 * @throws SchemaError for what has no place in the subset at all.
 */
export function plainSchema(root: Node): Node {
  const defs = { ...asNode(root['definitions']), ...asNode(root['$defs']) };
  const plain = plainNode(root, '#');
  if (Object.keys(defs).length === 0) return plain;
  const plainDefs = Object.entries(defs).map(([name, schema]) => {
    const where = Object.hasOwn(asNode(root['$defs']), name) ? '$defs' : 'definitions';
    return [name, plainNode(schema, `#/${where}/${escapePointer(name)}`)] as const;
  });
  return { ...plain, $defs: Object.fromEntries(plainDefs) };
}

function plainNode(schema: unknown, place: string): Node {
  if (!isNode(schema)) throw tooOpen(place);
  const node: Record<string, unknown> = { ...schema };
  for (const keyword of SILENT) delete node[keyword];
  delete node['$defs'];
  const ref = node['$ref'];
  if (typeof ref === 'string')
    return { $ref: ref.startsWith('#/definitions/') ? ref.replace('definitions', '$defs') : ref };
  refuseLists(node, place);
  combine(node, place);
  if (typeof node['$ref'] === 'string') return { $ref: node['$ref'] };
  const type = typeOf(node);
  if (Array.isArray(type)) return spread(node, type, place);
  if (type !== undefined) node['type'] = type;
  else if (!hasLiterals(node) && !COMBINERS.some((name) => name in node)) throw tooOpen(place);
  if (type === 'object') plainObject(node, place);
  if (type === 'array') plainList(node, place);
  return node;
}

/** Choices of whole schemas stay; what only narrows an object, or says nothing of its own, is checked on arrival. */
function combine(node: Record<string, unknown>, place: string): void {
  for (const name of COMBINERS) {
    const given = node[name];
    if (!Array.isArray(given)) continue;
    const own = node['properties'] !== undefined;
    const whole = given.map((one) => isNode(one) && ('$ref' in one || 'properties' in one));
    if (own && whole.includes(true))
      throw new SchemaError(
        `${place}/${name}`,
        'it adds properties to those beside it, which the API cannot do; write each object with all of them',
      );
    if (name === 'allOf' && given.length > 1 && whole.includes(true))
      throw new SchemaError(
        `${place}/${name}`,
        'it puts several objects together, which the API cannot do; write one object with all properties',
      );
    delete node[name];
    if (own || (node['type'] !== undefined && !whole.includes(true))) continue;
    if (whole.includes(true)) delete node['type'];
    const kept = name === 'allOf' ? given.filter(saysType) : given;
    const plain = kept.map((one, index) => plainNode(one, `${place}/${name}/${index}`));
    // Some generators write a reference with a description as allOf of one.
    if (name === 'allOf' && plain.length === 1) Object.assign(node, plain[0]);
    else if (plain.length > 0) node[name] = plain;
  }
}

function saysType(schema: unknown): boolean {
  if (!isNode(schema)) return false;
  const names = ['$ref', 'enum', 'const', ...COMBINERS];
  return typeOf(schema) !== undefined || names.some((name) => name in schema);
}

function plainObject(node: Record<string, unknown>, place: string): void {
  const properties = Object.entries(asNode(node['properties']));
  if (properties.length === 0 && node['additionalProperties'] !== false)
    throw new SchemaError(
      place,
      'an object without "properties" would always be empty, since the API gives no others; name them, or ask for a list of {name, value}',
    );
  node['properties'] = Object.fromEntries(
    properties.map(([name, schema]) => [
      name,
      plainNode(schema, `${place}/properties/${escapePointer(name)}`),
    ]),
  );
}

function plainList(node: Record<string, unknown>, place: string): void {
  const items = node['items'];
  // true and false say nothing that a subset can hold.
  if (items === undefined || typeof items === 'boolean') delete node['items'];
  else if (Array.isArray(items))
    throw new SchemaError(`${place}/items`, 'a schema for each item; the API takes one for all of them');
  else node['items'] = plainNode(items, `${place}/items`);
}

/** `type: [object, null]` as a choice: the SDK would send such an object without its properties. */
function spread(node: Node, types: readonly unknown[], place: string): Node {
  if (!types.includes('object') && !types.includes('array')) return { ...node, type: types };
  const { description, title, ...rest } = node;
  const choices = types.map((type) => (isNested(type) ? plainNode({ ...rest, type }, place) : { type }));
  return {
    anyOf: choices,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
  };
}

function isNested(type: unknown): boolean {
  return type === 'object' || type === 'array';
}

/** The type that is written, or that the other keywords mean. */
function typeOf(node: Node): unknown {
  const type = node['type'];
  if (Array.isArray(type) && type.length === 1) return type[0];
  if (type !== undefined || hasLiterals(node) || COMBINERS.some((name) => name in node)) return type;
  return IMPLIED.find(([, keywords]) => keywords.some((keyword) => keyword in node))?.[0];
}

const IMPLIED: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  ['object', ['properties', 'additionalProperties', 'patternProperties', 'required']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'contains']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

function hasLiterals(node: Node): boolean {
  return 'enum' in node || 'const' in node;
}

/** The API takes texts, numbers, true, false and null as choices. */
function refuseLists(node: Node, place: string): void {
  const values = [...(Array.isArray(node['enum']) ? node['enum'] : []), node['const']];
  if (values.some((value) => typeof value === 'object' && value !== null))
    throw new SchemaError(place, 'a list or an object as a fixed value, which the API does not take');
}

function tooOpen(place: string): SchemaError {
  return new SchemaError(place, 'it may be anything, which the API does not take; say its type');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asNode(value: unknown): Node {
  return isNode(value) ? value : {};
}
