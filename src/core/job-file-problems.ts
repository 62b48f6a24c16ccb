import type { z } from 'zod';
import { didYouMean } from './nearest.ts';

/** One thing that is wrong in a job file: the key it is at, and a sentence about it. */
export interface JobFileProblem {
  readonly path: readonly PropertyKey[];
  readonly problem: string;
}

type Issue = z.core.$ZodIssue;

const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'name',
    'model',
    'max_tokens',
    'params',
    'api_version',
    'source',
    'files',
    'select',
    'id',
    'system',
    'prompt',
    'output',
    'private',
  ],
  source: ['csv', 'jsonl', 'json', 'axes', 'dir', 'requests'],
  'source.dir': ['glob', 'meta'],
  system: ['text', 'file', 'cache'],
  prompt: ['file'],
};

// What a key takes, in words; shown when something else was given.
const EXPECTED: Readonly<Record<string, string>> = {
  '': 'a mapping of keys',
  name: '1-40 letters, digits, - and _',
  model: 'the name of a model',
  max_tokens: 'a whole number of at least 1',
  params: 'a mapping of Messages parameters',
  api_version: '2026-10-21 or 2023-06-01',
  source: 'one kind and its place, such as {csv: data/products.csv}',
  'source.axes': 'a mapping such as {round: 1-4, lang: [en, de]}',
  'source.axes.*': 'a range such as 1-4 or a list such as [en, de]',
  'source.dir': 'a glob, or {glob, meta}',
  files: 'a mapping of variables to paths',
  'files.*': 'a path; the variable is letters, digits and _',
  select: 'a mapping such as {round: [1, 2]}',
  'select.*': 'a value or a list of values',
  system: 'text, or {text or file, cache}',
  'system.cache': '5m or 1h',
  prompt: 'text, or {file}',
  private: 'true or false',
};

/** One sentence for each thing that zod found, in the words of the job file. `input` is what was parsed. */
export function describeProblems(error: z.ZodError, input: unknown): readonly JobFileProblem[] {
  return error.issues.flatMap((issue) => describe(issue, [], input));
}

function describe(issue: Issue, base: readonly PropertyKey[], input: unknown): readonly JobFileProblem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], problem: unknownKey(key, path) }));
    case 'invalid_union': {
      // The branch that got further than the type is the one the user meant.
      const meant = issue.errors.find(
        (issues) => !issues.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'),
      );
      const empty = meant?.some((inner) => inner.path.length === 0 && inner.code === 'too_small') ?? false;
      if (meant !== undefined && !empty) return meant.flatMap((inner) => describe(inner, path, input));
      return [{ path, problem: wrongValue(path, input) }];
    }
    case 'custom':
      return [{ path, problem: issue.message }];
    default:
      return [{ path, problem: wrongValue(path, input) }];
  }
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const known = KNOWN_KEYS[path.map(String).join('.')] ?? [];
  const guess = didYouMean(key, known);
  const place = path.length === 0 ? 'key' : `key of "${path.map(String).join('.')}"`;
  return `"${key}" is not a known ${place}${guess === '' ? `; there are: ${known.join(', ')}` : guess}`;
}

function wrongValue(path: readonly PropertyKey[], input: unknown): string {
  const name = path.map(String).join('.');
  const general = path.length > 1 ? `${path.slice(0, -1).map(String).join('.')}.*` : name;
  const listItem = path.length > 2 ? `${path.slice(0, -2).map(String).join('.')}.*` : name;
  const expected = EXPECTED[name] ?? EXPECTED[general] ?? EXPECTED[listItem] ?? 'text';
  const found = kindOf(valueAt(input, path));
  return name === ''
    ? `the file must be ${expected}, not ${found}`
    : `"${name}" must be ${expected}, not ${found}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** What a wrong value is, without showing a long one: it may be a prompt. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const shown = String(value);
  return shown.length <= 40 ? `"${shown}"` : 'a long text';
}
