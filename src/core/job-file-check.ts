import { type Axis, parseAxis } from './axes.ts';
import type { JobFile, PromptText, Source, SystemPrompt } from './job-file.ts';
import { describeProblems, type JobFileProblem } from './job-file-problems.ts';
import { type JobFileInput, jobFileSchema } from './job-file-schema.ts';

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

// What a job with ready-made lines has no use for: each line says it itself.
const NOT_WITH_REQUESTS = [
  'model',
  'max_tokens',
  'params',
  'system',
  'prompt',
  'files',
  'select',
  'id',
] as const;

// Parameters with a key of their own in the job file.
const OWN_KEYS: Readonly<Record<string, string>> = {
  model: 'model',
  max_tokens: 'max_tokens',
  system: 'system',
  messages: 'prompt',
};

/** Checks a job file as YAML gave it and turns it into a JobFile, or says everything that is wrong with it. */
export function checkJobFile(input: unknown, place: JobFilePlace): CheckedJobFile {
  const parsed = jobFileSchema.safeParse(input);
  if (!parsed.success) return { ok: false, problems: describeProblems(parsed.error, input) };
  const file = parsed.data;
  const name = file.name ?? nameOfFile(place.path);
  const problems: JobFileProblem[] = [...acrossKeys(file)];
  if (RESERVED_NAMES.has(name))
    problems.push({
      path: ['name'],
      problem: `"${name}" means the newest job in commands; choose another name`,
    });
  const source = toSource(file, problems);
  if (problems.length > 0 || source === null) return { ok: false, problems };
  return {
    ok: true,
    job: {
      name,
      ...place,
      apiVersion: file.api_version ?? '2026-10-21',
      source,
      model: file.model ?? null,
      maxTokens: file.max_tokens ?? null,
      params: file.params ?? {},
      files: file.files ?? {},
      select: Object.fromEntries(
        Object.entries(file.select ?? {}).map(([column, value]) => [column, [value].flat().map(String)]),
      ),
      id: file.id ?? null,
      system: toSystem(file.system),
      prompt: toText(file.prompt),
      output: file.output ?? null,
      private: file.private ?? false,
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

function* acrossKeys(file: JobFileInput): Generator<JobFileProblem> {
  const kinds = Object.keys(file.source);
  if (kinds.length !== 1) {
    const problem = `"source" must have exactly one kind of csv, jsonl, json, axes, dir, requests; it has ${kinds.length === 0 ? 'none' : kinds.join(' and ')}`;
    yield { path: ['source'], problem };
  }
  if (file.source.requests !== undefined) {
    for (const key of NOT_WITH_REQUESTS) {
      if (file[key] !== undefined)
        yield {
          path: [key],
          problem: `"${key}" has no effect on ready-made requests, whose lines bring all params; remove it`,
        };
    }
  } else {
    for (const key of ['model', 'max_tokens', 'prompt'] as const) {
      if (file[key] === undefined) yield { path: [key], problem: `"${key}" is missing` };
    }
  }
  for (const key of Object.keys(file.params ?? {})) {
    const own = OWN_KEYS[key];
    if (own !== undefined)
      yield {
        path: ['params', key],
        problem: `"params.${key}" has a key of its own; write it as "${own}" at the top level`,
      };
  }
  const system = file.system;
  if (typeof system === 'object' && (system.text === undefined) === (system.file === undefined)) {
    yield { path: ['system'], problem: '"system" must have either "text" or "file"' };
  }
  if (file.files !== undefined && Object.hasOwn(file.files, 'record')) {
    yield {
      path: ['files', 'record'],
      problem: '"record" already holds all columns; give the variable another name',
    };
  }
}

function toSource(file: JobFileInput, problems: JobFileProblem[]): Source | null {
  const { csv, jsonl, json, axes, dir, requests } = file.source;
  if (csv !== undefined) return { kind: 'csv', path: csv };
  if (jsonl !== undefined) return { kind: 'jsonl', path: jsonl };
  if (json !== undefined) return { kind: 'json', path: json };
  if (requests !== undefined) return { kind: 'requests', path: requests };
  if (typeof dir === 'string') return { kind: 'dir', glob: dir, meta: null };
  if (dir !== undefined) return { kind: 'dir', glob: dir.glob, meta: dir.meta ?? null };
  if (axes === undefined) return null;
  const parsed: Axis[] = [];
  for (const [name, value] of Object.entries(axes)) {
    const axis = parseAxis(value);
    if (axis.ok) parsed.push({ name, values: axis.values });
    else problems.push({ path: ['source', 'axes', name], problem: `"source.axes.${name}" ${axis.problem}` });
  }
  if (parsed.length === 0 && problems.length === 0)
    problems.push({ path: ['source', 'axes'], problem: '"source.axes" has no axis' });
  return { kind: 'axes', axes: parsed };
}

function toText(value: string | { readonly file: string } | undefined): PromptText | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'file', file: value.file };
}

function toSystem(value: JobFileInput['system']): SystemPrompt | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return { content: { kind: 'text', text: value }, cache: null };
  const { text, file, cache } = value;
  const content: PromptText =
    file === undefined ? { kind: 'text', text: text ?? '' } : { kind: 'file', file };
  return { content, cache: cache ?? null };
}
