import { checkAfterRun } from './after-run.ts';
import type { JobFile } from './job-file.ts';
import { describeProblems, type JobFileProblem } from './job-file-problems.ts';
import { keyProblems, nameProblems } from './job-file-rules.ts';
import { jobFileSchema } from './job-file-schema.ts';
import { RETRIED_BY_DEFAULT } from './retry-rule.ts';
import { toSource } from './source-check.ts';
import { toSpending } from './spending-check.ts';
import { toStages } from './stage-check.ts';

/** What the file itself does not say. */
export interface JobFilePlace {
  /** Relative to the workspace, with `/`. */
  readonly path: string;
  readonly dir: string;
}

export type CheckedJobFile =
  | { readonly ok: true; readonly job: JobFile }
  | { readonly ok: false; readonly problems: readonly JobFileProblem[] };

// `latest` means the newest job wherever a command takes an id.
const RESERVED_NAMES = new Set(['latest']);

/** Checks a job file as YAML gave it and turns it into a JobFile, or says everything that is wrong with it. */
export function checkJobFile(input: unknown, place: JobFilePlace): CheckedJobFile {
  const parsed = jobFileSchema.safeParse(input);
  if (!parsed.success) return { ok: false, problems: describeProblems(parsed.error, input) };
  const file = parsed.data;
  const name = file.name ?? nameOfFile(place.path);
  const problems: JobFileProblem[] = [...keyProblems(file), ...checkAfterRun(file)];
  if (RESERVED_NAMES.has(name))
    problems.push({
      path: ['name'],
      problem: `"${name}" means the newest job in commands; choose another name`,
    });
  const source = toSource(file.source, problems);
  const stages = toStages(file, problems);
  const spending = toSpending(file, problems);
  if (source !== null) problems.push(...nameProblems(file, source, stages));
  if (problems.length > 0 || source === null) return { ok: false, problems };
  return {
    ok: true,
    job: {
      name,
      ...place,
      apiVersion: file.api_version ?? '2026-10-21',
      betas: file.betas ?? [],
      source,
      files: file.files ?? {},
      select: Object.fromEntries(
        Object.entries(file.select ?? {}).map(([column, value]) => [column, [value].flat().map(String)]),
      ),
      id: file.id ?? null,
      groupBy: file.group_by ?? null,
      stages,
      spending,
      private: file.private ?? false,
      retry:
        file.retry === undefined
          ? null
          : { attempts: file.retry.attempts, on: file.retry.on ?? RETRIED_BY_DEFAULT },
      onEnd: file.on_end ?? null,
      git: file.git === undefined ? null : { message: file.git.commit, per: file.git.per ?? 'job' },
    },
  };
}

/** A job's name from the name of its file: `a/Round reports.job.yaml` gives `Round-reports`. */
export function nameOfFile(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1).replace(/\.job\.ya?ml$|\.[^.]*$/, '');
  const name = base
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return name === '' ? 'job' : name;
}
