import { readFile, stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { errnoWords } from '../core/input-failure.ts';
import type { JobFile } from '../core/job-file.ts';
import { checkJobFile, nameOfFile } from '../core/job-file-check.ts';
import { findInvalidUtf8, foreignContent } from '../core/utf8.ts';
import { isInside } from './confined-path.ts';
import { readYaml, readYamlValue } from './yaml-document.ts';

export interface LoadOptions {
  /** The workspace, absolute. */
  readonly root: string;
  /** `key=value` as given to --set, in order; a later one wins. */
  readonly sets?: readonly string[];
}

// Prompts may stand in it, data does not.
const MAX_JOB_FILE_BYTES = 8_000_000;

const SHOWN_PROBLEMS = 20;

/**
 * Reads, overrides and checks a job file. `path` is absolute or relative to the current folder. Throws UsageError
 * with every problem and its line in `why`; codes `job_file_unreadable`, `job_file_yaml`, `job_file_invalid`,
 * `bad_set`, `outside_workspace`.
 */
export async function loadJobFile(path: string, options: LoadOptions): Promise<JobFile> {
  const place = placeOf(path, options.root);
  const content = readYaml(await readText(path, place.path));
  if (content.problems.length > 0) {
    const lines = content.problems.map(
      ({ line, column, problem }) => `${at(place.path, line, column)}: ${problem}`,
    );
    throw new UsageError(`${place.path} is not valid YAML`, {
      code: 'job_file_yaml',
      why: joinProblems(lines),
      next: `mend ${place.path}`,
    });
  }
  const overrides = (options.sets ?? []).map(parseSet);
  const input = overrides.reduce(setValue, content.value);
  const checked = checkJobFile(input, place);
  if (checked.ok) return checked.job;
  const lines = checked.problems.map(({ path: key, problem }) => {
    const set = overrides.find((override) => override.path.every((part, index) => key[index] === part));
    return set === undefined
      ? `${at(place.path, content.lineOf(key), null)}: ${problem}`
      : `--set ${set.path.join('.')}: ${problem}`;
  });
  throw new UsageError(`${place.path} is not a valid job file`, {
    code: 'job_file_invalid',
    why: joinProblems(lines),
    next: `mend ${place.path}; docs/job-file.md describes every key`,
  });
}

/** The job of a bare `submit FILE.jsonl`: ready-made lines, named after their file. Throws as loadJobFile does. */
export async function requestsJob(path: string, options: LoadOptions): Promise<JobFile> {
  const place = { ...placeOf(path, options.root), dir: '' };
  const bare = { name: nameOfFile(place.path), source: { requests: place.path } };
  const checked = checkJobFile((options.sets ?? []).map(parseSet).reduce(setValue, bare), place);
  if (checked.ok) return checked.job;
  const why = joinProblems(checked.problems.map(({ problem }) => problem));
  throw new UsageError(`${place.path} cannot be submitted like this`, {
    code: 'job_file_invalid',
    why,
    next: 'correct what is named, or write a job file around it (batchctl init --from FILE)',
  });
}

function placeOf(path: string, root: string): { readonly path: string; readonly dir: string } {
  const absolute = resolve(path);
  if (!isInside(resolve(root), absolute)) {
    throw new UsageError(`${path} is outside the workspace`, {
      code: 'outside_workspace',
      why: `the workspace is ${root}`,
      next: 'move the file into it, or name the workspace with -C',
    });
  }
  const fromRoot = (target: string): string => relative(resolve(root), target).split(sep).join('/');
  return { path: fromRoot(absolute), dir: fromRoot(dirname(absolute)) };
}

async function readText(path: string, shown: string): Promise<string> {
  const refuse = (why: string, next: string, cause?: unknown): never => {
    throw new UsageError(`${shown} cannot be read`, { code: 'job_file_unreadable', why, next, cause });
  };
  try {
    const facts = await stat(path);
    if (!facts.isFile()) refuse('it is not a regular file', 'name a *.job.yaml file');
    if (facts.size > MAX_JOB_FILE_BYTES)
      refuse(
        `it has ${facts.size} bytes; a job file has at most ${MAX_JOB_FILE_BYTES}`,
        'put data into a source file',
      );
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    refuse(errnoWords(cause), 'check the path', cause);
  }
  const bytes = await readFile(path).catch((cause: unknown) =>
    refuse(errnoWords(cause), 'check the path', cause),
  );
  const foreign = foreignContent(bytes);
  if (foreign !== null) refuse(`it is ${foreign.what}, not UTF-8 text`, foreign.next(shown));
  const invalid = findInvalidUtf8(bytes);
  if (invalid !== -1) {
    const line = bytes.subarray(0, invalid).toString('latin1').split('\n').length;
    refuse(
      `it is not UTF-8: line ${line}, byte ${invalid}`,
      `convert it: iconv -f WINDOWS-1252 -t UTF-8 ${shown}`,
    );
  }
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
}

function parseSet(text: string): Override {
  const bad = (why: string): UsageError =>
    new UsageError(`--set ${text.split('=')[0]}: ${why}`, {
      code: 'bad_set',
      next: 'write --set key=value, for example --set max_tokens=500',
    });
  const cut = text.indexOf('=');
  if (cut === -1) throw bad('there is no "="');
  const path = text.slice(0, cut).trim().split('.');
  if (path.some((part) => part === '')) throw bad('a part of the key is empty');
  if (path.includes('__proto__')) throw bad('"__proto__" cannot be a key');
  try {
    return { path, value: readYamlValue(text.slice(cut + 1)) };
  } catch (cause) {
    throw bad(`the value is not valid: ${cause instanceof Error ? cause.message : ''}`);
  }
}

/** A copy of the value with one place in it replaced; mappings on the way are made where there are none. */
function setValue(value: unknown, { path, value: replacement }: Override): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  if (Array.isArray(value)) return setNamed(value, key, rest, replacement);
  if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    throw new UsageError(`--set …${key}: what is there is not a mapping, so it has no "${key}"`, {
      code: 'bad_set',
      next: 'set the whole key: --set prompt={file: prompts/a.md}',
    });
  }
  const entries = Object.entries(value ?? {});
  const current = entries.find(([name]) => name === key)?.[1];
  const next = setValue(current, { path: rest, value: replacement });
  // Map keeps the place of a key that is already there.
  return Object.fromEntries(new Map<string, unknown>([...entries, [key, next]]));
}

/** In the list of stages the key is the name of one: `stages.notes.model`. */
function setNamed(
  list: readonly unknown[],
  name: string,
  rest: readonly string[],
  replacement: unknown,
): unknown {
  const index = list.findIndex(
    (one) => typeof one === 'object' && one !== null && Reflect.get(one, 'name') === name,
  );
  if (index === -1) {
    throw new UsageError(`--set …${name}: there is nothing of that name in the list`, {
      code: 'bad_set',
      next: 'name a stage: --set stages.notes.model=claude-haiku-5-5',
    });
  }
  return list.map((one, at) => (at === index ? setValue(one, { path: rest, value: replacement }) : one));
}

function at(path: string, line: number | null, column: number | null): string {
  return `${path}${line === null ? '' : `:${line}`}${column === null ? '' : `:${column}`}`;
}

function joinProblems(lines: readonly string[]): string {
  const more = lines.length - SHOWN_PROBLEMS;
  return [...lines.slice(0, SHOWN_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
