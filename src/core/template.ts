import { Context, Drop, Liquid, type Template as LiquidTemplate } from 'liquidjs';
import {
  explainParseError,
  explainRenderError,
  spacedNameProblem,
  TemplateError,
} from './template-errors.ts';

export { TemplateError } from './template-errors.ts';

type Values = Readonly<Record<string, unknown>>;

/** What a template may name: the record's columns, and variables of ours beside them (`files:`). */
export interface TemplateScope {
  readonly fields: Values;
  /** Null-prototype. A column of the same name wins. */
  readonly variables: Values;
}

/** Literal text, or the value of one name. */
export type TemplatePart =
  /** `json` is the text as it stands inside a JSON string. */
  | { readonly kind: 'literal'; readonly text: string; readonly json: string }
  | { readonly kind: 'value'; readonly name: string };

/** A parsed template; render it as often as there are records. */
export interface Template {
  /** What messages call it: `prompt`, or the file it came from. */
  readonly name: string;
  /** The text itself where nothing in it depends on a record, else null. */
  readonly constant: string | null;
  /** The whole template as a list, if it is nothing but text and plain `{{ column }}`; null when it needs Liquid. */
  readonly parts: readonly TemplatePart[] | null;
  /** Throws TemplateError. Values are data: a `{{` in them is never rendered. */
  render(scope: TemplateScope): string;
}

export interface TemplateOptions {
  /**
   * Records may lack a column (JSONL, JSON): then `{% if note %}` and `{{ note | default: "-" }}` may ask for one
   * that is not there. Everywhere else a missing column is an error.
   */
  readonly optionalColumns: boolean;
}

const engines = { strict: createEngine(false), optional: createEngine(true) };

/** What stands for a text that is not there yet. Not empty: a prompt of nothing else is no empty prompt. */
export const ANY_TEXT = '…';

/** Stands for data that is not there yet: it has every key, is true, and is a list of one thing of its own kind. */
class AnyValue extends Drop {
  override liquidMethodMissing(): unknown {
    return this;
  }
  override valueOf(): unknown {
    return new AnyList(this);
  }
  override toString(): string {
    return ANY_TEXT;
  }
}

/** Liquid makes text of a list by `map` and `join`, which would never end here. */
class AnyList extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
  override map<T>(toText: (value: unknown, index: number, list: unknown[]) => T): T[] {
    return [toText(ANY_TEXT, 0, this)];
  }
  toJSON(): string {
    return ANY_TEXT;
  }
}

// Filters such as `where` ask whether a thing has a key before they read it.
export const anyValue: unknown = new Proxy(new AnyValue(), { has: (_value, key) => typeof key === 'string' });

// Words that are values of their own in Liquid.
const LITERALS = new Set(['true', 'false', 'nil', 'null', 'empty', 'blank']);

const PLAIN_OUTPUT = /\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g;

/** Parses a template. Throws TemplateError when it is not valid Liquid or asks for a tag or filter there is not. */
export function compileTemplate(text: string, name: string, options: TemplateOptions): Template {
  if (!text.includes('{{') && !text.includes('{%'))
    return { name, constant: text, parts: null, render: () => text };
  const spaced = spacedNameProblem(text, name);
  if (spaced !== null) throw spaced;
  const engine = options.optionalColumns ? engines.optional : engines.strict;
  let parsed: LiquidTemplate[];
  try {
    parsed = engine.parse(text);
  } catch (cause) {
    throw explainParseError(cause, name, {
      tags: Object.keys(engine.tags),
      filters: Object.keys(engine.filters),
    });
  }
  const parts = plainParts(text);
  const byLiquid = (scope: TemplateScope): string => renderByLiquid(engine, parsed, name, scope);
  const render =
    parts === null ? byLiquid : (scope: TemplateScope) => renderParts(parts, scope) ?? byLiquid(scope);
  return { name, constant: null, parts, render };
}

/** The text of a value in a template: null is nothing, lists and objects are JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A value by its name as templates see it; undefined when there is none. */
export function lookUp(scope: TemplateScope, name: string): unknown {
  if (name === 'record') return scope.fields;
  return name in scope.fields ? scope.fields[name] : scope.variables[name];
}

function plainParts(text: string): readonly TemplatePart[] | null {
  if (text.includes('{%')) return null;
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const found of text.matchAll(PLAIN_OUTPUT)) {
    const name = found[1] ?? '';
    const literal = text.slice(end, found.index);
    if (LITERALS.has(name) || literal.includes('{{')) return null;
    if (literal !== '') parts.push(literalPart(literal));
    parts.push({ kind: 'value', name });
    end = found.index + found[0].length;
  }
  const rest = text.slice(end);
  if (rest.includes('{{')) return null;
  if (rest !== '') parts.push(literalPart(rest));
  return parts;
}

function literalPart(text: string): TemplatePart {
  return { kind: 'literal', text, json: JSON.stringify(text).slice(1, -1) };
}

/** Null when a name is missing: Liquid then says where. */
function renderParts(parts: readonly TemplatePart[], scope: TemplateScope): string | null {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'literal') {
      text += part.text;
    } else {
      const value = lookUp(scope, part.name);
      if (value === undefined) return null;
      text += valueText(value);
    }
  }
  return text;
}

function renderByLiquid(
  engine: Liquid,
  parsed: LiquidTemplate[],
  name: string,
  scope: TemplateScope,
): string {
  const globals: Record<string, unknown> = Object.create(null);
  Object.assign(globals, scope.variables);
  globals['record'] = scope.fields;
  // Without it Liquid takes a missing column `size` for the number of variables.
  globals['size'] ??= undefined;
  const fields = 'record' in scope.fields ? withRecord(scope.fields) : scope.fields;
  try {
    // With sync rendering and no keepOutputType the result is the text.
    return String(engine.renderSync(parsed, limitedContext(engine, fields, globals)));
  } catch (cause) {
    throw explainRenderError(cause, name, scope);
  }
}

// A template that a person means has some thousand pieces, a list in a record some hundred thousand turns. Pieces are
// counted and not time, so that a slow machine, or one that was asleep, builds the same requests.
const MAX_PIECES = 1_000_000;

// Characters and items that filters and ranges make, about; a request has at most 32 MB.
const MAX_MADE = 50_000_000;

/** Where a template is rendered, with an end to `(1..1000000000)` and to texts that double themselves. */
function limitedContext(engine: Liquid, fields: Values, globals: Record<string, unknown>): Context {
  const context = new Context(fields, engine.options, { globals, sync: true }, { liquid: engine });
  let pieces = 0;
  let made = 0;
  context.renderLimit.check = () => {
    pieces += 1;
    if (pieces > MAX_PIECES) throw new TemplateError('its loops take too many turns');
  };
  context.memoryLimit.use = (count) => {
    if (Number(count) > 0) made += Number(count);
    if (made > MAX_MADE) throw new TemplateError('it makes far more text than a request can hold');
  };
  return context;
}

/** `record` always means all columns; a column of that name is at `record.record`. */
function withRecord(fields: Values): Values {
  const copy: Record<string, unknown> = Object.create(null);
  Object.assign(copy, fields);
  copy['record'] = fields;
  return copy;
}

/**
 * No file access, nothing but own properties, and the same text on every machine and day: UTC, one locale, no
 * `now`, no random filter.
 */
function createEngine(lenientIf: boolean): Liquid {
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    lenientIf,
    templates: {},
    locale: 'en-US',
    timezoneOffset: 0,
    outputEscape: (value: unknown) =>
      typeof value === 'object' && value !== null && !(value instanceof Drop)
        ? JSON.stringify(value)
        : (value as string),
  });
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag];
  engine.unregisterFilter('sample');
  for (const name of Object.keys(engine.filters).filter(
    (filter) => filter === 'date' || filter.startsWith('date_to_'),
  )) {
    const filter = engine.filters[name];
    if (typeof filter !== 'function') continue;
    engine.registerFilter(name, function (value: unknown, ...rest: unknown[]) {
      if (value === 'now' || value === 'today')
        throw new TemplateError(`"${value}" would make every build different; put the date into a column`);
      return filter.call(this, value, ...rest);
    });
  }
  return engine;
}
