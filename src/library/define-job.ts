import { UsageError } from '../core/errors.ts';
import { escapeText } from '../core/escape.ts';
import type { JobFile } from '../core/job-file.ts';
import { checkJobFile } from '../core/job-file-check.ts';
import type { JobDefinition, Values } from './job-definition.ts';

/** A definition after validation, and the values that came with it. */
export interface DefinedJob {
  readonly jobFile: JobFile;
  readonly given: Values<unknown> | undefined;
}

const DEFAULT_NAME = 'job';

// Keeps the place of `source` while the rest is checked: another kind has rules of its own.
const STAND_IN = { module: 'given' };

/** @throws UsageError `job_file_invalid` with all that is wrong in `why`. */
export function toJobFile(definition: JobDefinition): DefinedJob {
  const { records, requests, ...keys }: Partial<Record<string, unknown>> = { ...definition };
  const problems = [
    ...oneOf({ source: keys['source'], records, requests }),
    ...notIterable({ records, requests }),
  ];
  if (problems.length > 0) throw invalid(problems);
  const name = keys['name'] ?? DEFAULT_NAME;
  const source =
    records === undefined && requests === undefined
      ? keys['source']
      : requests === undefined
        ? STAND_IN
        : { requests: STAND_IN };
  const path = typeof name === 'string' ? `job ${escapeText(name)}` : DEFAULT_NAME;
  const checked = checkJobFile({ ...keys, name, source }, { path, dir: '' });
  if (!checked.ok) throw invalid(checked.problems.map(({ problem }) => problem));
  if (records === undefined && requests === undefined) return { jobFile: checked.job, given: undefined };
  const given = { kind: 'given' } as const;
  return {
    jobFile: {
      ...checked.job,
      source: requests === undefined ? given : { kind: 'requests', from: given },
    },
    // Looked at above.
    given: (records ?? requests) as Values<unknown>,
  };
}

function oneOf(places: Readonly<Record<string, unknown>>): readonly string[] {
  const said = Object.keys(places).filter((key) => places[key] !== undefined);
  if (said.length === 1) return [];
  const names = Object.keys(places).join(', ');
  return [`one of ${names} must be there; ${said.length === 0 ? 'none is' : `${said.join(' and ')} are`}`];
}

function notIterable(places: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(places).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const isList =
      typeof value === 'object' &&
      value !== null &&
      (Symbol.iterator in value || Symbol.asyncIterator in value);
    return isList ? [] : [`"${key}" must be a list, an iterable or an async iterable of objects`];
  });
}

function invalid(problems: readonly string[]): UsageError {
  return new UsageError('this is not a valid job', {
    code: 'job_file_invalid',
    why: problems.join('\n'),
    next: 'mend the job; docs/job-file.md describes every key',
  });
}
