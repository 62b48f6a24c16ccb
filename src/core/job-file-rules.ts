import type { JobFileProblem } from './job-file-problems.ts';
import type { JobFileInput } from './job-file-schema.ts';
import { takenName } from './reserved-names.ts';
import type { Source } from './source.ts';
import { absentColumn, knownColumns } from './source-columns.ts';
import type { Stage } from './stage.ts';

// What a job with ready-made lines has no use for: each line says it itself.
const NOT_WITH_REQUESTS = [
  'model',
  'max_tokens',
  'params',
  'system',
  'prompt',
  'messages',
  'attach',
  'tools',
  'tool_choice',
  'cache',
  'schema',
  'files',
  'select',
  'id',
  'group_by',
] as const;

/** What is wrong between keys of the top level, whatever the source holds. */
export function* keyProblems(file: JobFileInput): Generator<JobFileProblem> {
  if (file.source.requests !== undefined) {
    for (const key of NOT_WITH_REQUESTS) {
      if (file[key] === undefined) continue;
      const problem = `"${key}" has no effect on ready-made requests, whose lines bring all params; remove it`;
      yield { path: [key], problem };
    }
  }
  if (file.on_end?.[0]?.trim() === '')
    yield {
      path: ['on_end', 0],
      problem: '"on_end" begins with an empty text; the first one is the program',
    };
}

/** One name for two things: variables of `files`, stages that are needed, columns. Columns that there are not. */
export function* nameProblems(
  file: JobFileInput,
  source: Source,
  stages: readonly Stage[],
): Generator<JobFileProblem> {
  const columns = knownColumns(source);
  const needed = new Set(stages.flatMap(({ needs }) => needs));
  for (const name of Object.keys(file.files ?? {})) {
    const taken =
      takenName(name) ??
      (needed.has(name) ? `"${name}" is a stage that another one needs` : null) ??
      (columns.names.includes(name)
        ? `"${name}" is a column of every record, and would hide the file`
        : null);
    if (taken !== null) yield { path: ['files', name], problem: `${taken}; give the variable another name` };
  }
  for (const [index, { name }] of stages.entries()) {
    if (!needed.has(name) || !columns.names.includes(name)) continue;
    const problem = `"${name}" is a column of every record, and would hide the answers of the stage; give the stage another name`;
    yield { path: ['stages', index, 'name'], problem };
  }
  for (const column of Object.keys(file.select ?? {})) {
    const absent = absentColumn(column, columns);
    if (absent !== null) yield { path: ['select', column], problem: `"select": ${absent}` };
  }
  const absent = file.group_by === undefined ? null : absentColumn(file.group_by, columns);
  if (absent !== null) yield { path: ['group_by'], problem: `"group_by": ${absent}` };
}
