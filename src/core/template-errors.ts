import { LiquidError } from 'liquidjs';
import { didYouMean } from './nearest.ts';

/** A template that cannot be parsed, or not be rendered for a record. The message is a sentence without data. */
export class TemplateError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TemplateError';
  }
}

interface Vocabulary {
  readonly tags: readonly string[];
  readonly filters: readonly string[];
}

interface Names {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, unknown>>;
}

// A name, blanks and another word: Liquid reads the first and drops the rest without a sound (10.30.1, measured).
const SPACED_NAME = /\{\{-?\s*([\p{L}_][\p{L}\p{N}_-]*(?:[ \t]+[\p{L}\p{N}_-]+)+)\s*-?\}\}/gu;
const OPERATOR = /\s(?:and|or|contains)\s/;

/** `{{ IMDB Rating }}` would give the column IMDB, or none; says how to name a column with a space. */
export function spacedNameProblem(text: string, name: string): TemplateError | null {
  if (text.includes('{% raw') || text.includes('{%- raw')) return null;
  for (const found of text.matchAll(SPACED_NAME)) {
    const column = found[1] ?? '';
    if (OPERATOR.test(column) || column.startsWith('not ')) continue;
    const line = text.slice(0, found.index).split('\n').length;
    return new TemplateError(
      `${name}, line ${line}: a column with a space in its name is written {{ record["${column}"] }}`,
    );
  }
  return null;
}

/** What Liquid's parser refused, in our words. Its own message may quote the template, which is prompt text. */
export function explainParseError(cause: unknown, name: string, known: Vocabulary): TemplateError {
  const [line, column] = positionOf(cause);
  const text = cause instanceof Error ? cause.message : '';
  const tag = /^tag "(\w*)" not found/.exec(text)?.[1];
  const filter = /^undefined filter: (\w+)/.exec(text)?.[1];
  let problem = `not valid Liquid at column ${column}`;
  if (tag !== undefined && FILE_TAGS.has(tag))
    problem = `the tag "${tag}" is not available: a template reads no other files; name them under "files"`;
  else if (tag !== undefined) problem = `there is no tag "${tag}"${didYouMean(tag, known.tags)}`;
  else if (filter !== undefined)
    problem = `there is no filter "${filter}"${didYouMean(filter, known.filters)}`;
  else if (/^output .* not closed/s.test(text)) problem = `"{{" at column ${column} is not closed with "}}"`;
  else if (/^tag .* not closed/s.test(text)) problem = `the tag at column ${column} is not closed`;
  return new TemplateError(`${name}, line ${line}: ${problem}`, cause);
}

const FILE_TAGS = new Set(['include', 'render', 'layout', 'block']);

/** Why a template could not be rendered for one record. */
export function explainRenderError(cause: unknown, name: string, names: Names): TemplateError {
  const [line] = positionOf(cause);
  if (cause instanceof TemplateError)
    return new TemplateError(`${name}, line ${line}: ${cause.message}`, cause);
  const original: unknown = cause instanceof Error ? Reflect.get(cause, 'originalError') : undefined;
  if (original instanceof TemplateError)
    return new TemplateError(`${name}, line ${line}: ${original.message}`, cause);
  const missing: unknown = original instanceof Error ? Reflect.get(original, 'variableName') : undefined;
  if (typeof missing === 'string')
    return new TemplateError(`${name}, line ${line}: ${missingColumn(missing, names)}`, cause);
  if (original instanceof RangeError)
    return new TemplateError(`${name}, line ${line}: the value is nested too deep`, cause);
  return new TemplateError(
    `${name}, line ${line}: a filter or tag cannot take the value of this record`,
    cause,
  );
}

/** `missing` is a path joined with dots; only the last part is not there, and a part may have dots itself. */
function missingColumn(missing: string, { fields, variables }: Names): string {
  const columns = Object.keys(fields);
  if (!missing.includes('.'))
    return `there is no column "${missing}"${suggestion(missing, [...columns, ...Object.keys(variables)])}`;
  if (missing.startsWith('record.')) {
    const column = missing.slice('record.'.length);
    return `there is no column "${column}"${suggestion(column, columns)}`;
  }
  const cut = missing.lastIndexOf('.');
  const parent = fields[missing.slice(0, cut)];
  const keys = typeof parent === 'object' && parent !== null ? Object.keys(parent) : [];
  return `"${missing.slice(0, cut)}" has no "${missing.slice(cut + 1)}"${suggestion(missing.slice(cut + 1), keys)}`;
}

const SHOWN_NAMES = 12;

function suggestion(name: string, known: readonly string[]): string {
  const guess = didYouMean(name, known);
  if (guess !== '' || known.length === 0) return guess;
  const more = known.length > SHOWN_NAMES ? ` and ${known.length - SHOWN_NAMES} more` : '';
  return `; there are: ${known.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}

function positionOf(cause: unknown): readonly [line: number, column: number] {
  if (!LiquidError.is(cause)) return [1, 1];
  // Every LiquidError has a token; its type says `any`.
  const token: { getPosition?: () => [number, number] } | undefined = Reflect.get(cause as object, 'token');
  return token?.getPosition?.() ?? [1, 1];
}
