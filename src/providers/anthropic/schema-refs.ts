import { SchemaError } from '../../core/schema-error.ts';

/**
 * Refuses what the API does not take of `$ref`: one that leads out of the schema, one that leads nowhere in it, and one
 * that comes back to itself.
 */
export function refuseLoops(root: unknown): void {
  visit(root, '#', { root, open: [], done: new Set() });
}

interface Visit {
  readonly root: unknown;
  /** The references that led here. */
  readonly open: readonly string[];
  readonly done: Set<string>;
}

function visit(value: unknown, place: string, state: Visit): void {
  if (typeof value !== 'object' || value === null) return;
  const ref: unknown = Reflect.get(value, '$ref');
  if (typeof ref === 'string') follow(ref, place, state);
  // Fixed values are refused if they hold anything, so whatever is an object or a list here is a schema or holds some.
  for (const [key, inner] of Object.entries(value)) visit(inner, `${place}/${escapePointer(key)}`, state);
}

function follow(ref: string, place: string, state: Visit): void {
  if (!ref.startsWith('#'))
    throw new SchemaError(place, `$ref "${ref}" leads to another schema; the API takes one that is complete`);
  if (state.open.includes(ref) || place === ref || place.startsWith(`${ref}/`))
    throw new SchemaError(place, `it contains itself through $ref "${ref}"; the API takes no recursion`);
  if (state.done.has(ref)) return;
  const target = resolve(state.root, ref);
  if (target === undefined)
    throw new SchemaError(place, `$ref "${ref}" leads nowhere; write "#/$defs/…" and put the schema there`);
  visit(target, ref, { ...state, open: [...state.open, ref] });
  state.done.add(ref);
}

function resolve(root: unknown, ref: string): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return undefined;
  return ref
    .slice(2)
    .split('/')
    .map((part) => decodePart(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? Reflect.get(value, key)
          : undefined,
      root,
    );
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
