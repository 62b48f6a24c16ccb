import type { z } from 'zod';
import { knownKeysAt } from './job-file-keys.ts';
import { expectedAt } from './job-file-values.ts';
import { didYouMean, nearestName } from './nearest.ts';

/** One thing that is wrong in a job file: the key it is at, and a sentence about it. */
export interface JobFileProblem {
  readonly path: readonly PropertyKey[];
  readonly problem: string;
}

type Issue = z.core.$ZodIssue;

/** One sentence for each thing that zod found, in the words of the job file. `input` is what was parsed. */
export function describeProblems(error: z.ZodError, input: unknown): readonly JobFileProblem[] {
  const problems = error.issues.flatMap((issue) => describe(issue, [], input));
  // A mistyped key is one mistake, though its right name is missing too.
  const meant = new Set(problems.flatMap((problem) => meantPath(problem.path, input) ?? []));
  return problems.filter(({ path }) => !meant.has(path.join('.')) || valueAt(input, path) !== undefined);
}

/** `stage "notes": ` in front of what is said about a key of a stage of a list; the keys are then told from there. */
export function stageLabel(name: unknown, index: number): string {
  return `stage ${typeof name === 'string' && name !== '' ? `"${name}"` : index + 1}: `;
}

function describe(issue: Issue, base: readonly PropertyKey[], input: unknown): readonly JobFileProblem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], problem: unknownKey(key, path, input) }));
    case 'invalid_union': {
      // The branch that got further than the type is the one the user meant.
      const meant = issue.errors.find((issues) => !issues.some(isOtherType));
      const empty = meant?.some((inner) => inner.path.length === 0 && inner.code === 'too_small') ?? false;
      if (meant !== undefined && !empty) return meant.flatMap((inner) => describe(inner, path, input));
      return [{ path, problem: wrongValue(path, input) }];
    }
    case 'invalid_value': {
      const guess = didYouMean(String(valueAt(input, path)), issue.values.map(String));
      return [{ path, problem: `${wrongValue(path, input)}${guess}` }];
    }
    case 'custom':
      return [{ path, problem: issue.message }];
    default:
      return [{ path, problem: wrongValue(path, input) }];
  }
}

function isOtherType(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  return (
    issue.code === 'invalid_type' ||
    // The `false` of a key that takes a path too.
    (issue.code === 'invalid_value' && !issue.values.some((value) => typeof value === 'string')) ||
    (issue.code === 'invalid_union' && issue.errors.every((issues) => issues.some(isOtherType)))
  );
}

function unknownKey(key: string, path: readonly PropertyKey[], input: unknown): string {
  const { label, keys } = tell(path, input);
  const place = keys === '' ? 'key' : `key of "${keys}"`;
  return `${label}"${key}" is not a known ${place}${rightKey(key, path)}`;
}

function rightKey(key: string, path: readonly PropertyKey[]): string {
  const known = knownKeysAt(path);
  const inStage = isStage(path);
  if (inStage && knownKeysAt([]).includes(key)) return '; it stands at the top level, for all stages';
  if (path.length === 0 && knownKeysAt(['stages', 0]).includes(key))
    return '; it stands in one of the stages';
  const guess = didYouMean(key, known);
  return guess === '' ? `; there are: ${known.join(', ')}` : guess;
}

/** The key that a mistyped one stands for. */
function meantPath(path: readonly PropertyKey[], input: unknown): string | null {
  const [parent, key] = [path.slice(0, -1), String(path.at(-1))];
  const known = knownKeysAt(parent);
  if (known.length === 0 || known.includes(key) || valueAt(input, path) === undefined) return null;
  const nearest = nearestName(key, known);
  return nearest === null ? null : [...parent, nearest].join('.');
}

function wrongValue(path: readonly PropertyKey[], input: unknown): string {
  const { label, keys } = tell(path, input);
  const found = kindOf(valueAt(input, path));
  if (keys === '') {
    const whole = label === '' ? 'the file' : label.replace(/: $/, '');
    return `${whole} must be ${expectedAt(path)}, not ${found}`;
  }
  return `${label}"${keys}" must be ${expectedAt(path)}, not ${found}`;
}

/** A path in the words of a message: of a key in a stage of a list, the stage by its name and the path within it. */
function tell(
  path: readonly PropertyKey[],
  input: unknown,
): { readonly label: string; readonly keys: string } {
  const [first, index, ...rest] = path;
  if (first !== 'stages' || typeof index !== 'number') return { label: '', keys: path.map(String).join('.') };
  const label = stageLabel(valueAt(input, ['stages', index, 'name']), index);
  return { label, keys: rest.map(String).join('.') };
}

const isStage = (path: readonly PropertyKey[]): boolean => path.length === 2 && path[0] === 'stages';

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
  if (shown.length > 40) return 'a long text';
  // Without a word of it, "25" would stand beside «such as 25».
  const isQuotedNumber = typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value);
  return isQuotedNumber ? `the text "${shown}"` : `"${shown}"`;
}
