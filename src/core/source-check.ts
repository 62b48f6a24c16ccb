import { type Axis, combinationsProblem, parseAxis } from './axes.ts';
import type { JobFileProblem } from './job-file-problems.ts';
import {
  type CommandSource,
  type CsvSource,
  type ModuleSource,
  type RequestsSource,
  type Source,
  STDIN,
} from './source.ts';
import { SOURCE_KINDS, type SourceInput } from './source-schema.ts';

type Input<K extends keyof SourceInput> = NonNullable<SourceInput[K]>;
type Mapping<K extends keyof SourceInput> = Extract<Input<K>, { readonly file: unknown }>;

/** The one source that a job file names; null with the problems added. */
export function toSource(source: SourceInput, problems: JobFileProblem[]): Source | null {
  const kinds = Object.keys(source);
  if (kinds.length !== 1) {
    const problem = `"source" must have exactly one kind of ${SOURCE_KINDS.join(', ')}; it has ${kinds.length === 0 ? 'none' : kinds.join(' and ')}`;
    problems.push({ path: ['source'], problem });
    return null;
  }
  const refuse = (key: string, problem: string): void => {
    problems.push({ path: ['source', ...key.split('.')], problem: `"source.${key}" ${problem}` });
  };
  const { csv, jsonl, json, text, axes, dir, sqlite, parquet, module, command, requests } = source;
  if (csv !== undefined) return toCsv(csv, refuse);
  if (jsonl !== undefined) return { kind: 'jsonl', paths: toPaths('jsonl', jsonl, refuse) };
  if (json !== undefined) return { kind: 'json', paths: toPaths('json', json, refuse) };
  if (text !== undefined) {
    const { file, split = 'line' } = withFile<Mapping<'text'>>(text);
    return { kind: 'text', paths: toPaths('text', file, refuse), split };
  }
  if (parquet !== undefined) {
    const { file, columns = null } = withFile<Mapping<'parquet'>>(parquet);
    const paths = toPaths('parquet', file, refuse);
    if (paths.includes(STDIN)) refuse('parquet', 'cannot be read from standard input; its end comes first');
    return { kind: 'parquet', paths, columns };
  }
  if (sqlite !== undefined) return { kind: 'sqlite', path: sqlite.file, query: sqlite.query };
  if (module !== undefined) return toModule(module);
  if (command !== undefined) return toCommand('command', command, refuse);
  if (requests !== undefined) return toRequests(requests, refuse);
  if (typeof dir === 'string') return { kind: 'dir', glob: dir, meta: null };
  if (dir !== undefined) return { kind: 'dir', glob: dir.glob, meta: dir.meta ?? null };
  return axes === undefined ? null : toAxes(axes, problems);
}

type Refuse = (key: string, problem: string) => void;

type Files = string | readonly string[];

/** The long form of a kind that may be written as its files alone. */
function withFile<T extends { readonly file: Files }>(
  value: Files | T,
): Partial<T> & { readonly file: Files } {
  if (typeof value === 'object' && 'file' in value) return value;
  // `file` is there, and every other key of a part of T may be absent.
  return { file: value } as Partial<T> & { readonly file: Files };
}

function toPaths(key: string, files: Files, refuse: Refuse): readonly string[] {
  const paths = [files].flat();
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) refuse(key, `names ${twice === STDIN ? 'standard input' : twice} twice`);
  return paths;
}

function toCsv(csv: Input<'csv'>, refuse: Refuse): CsvSource {
  const { file, delimiter = ',', encoding = null, quote = '"' } = withFile<Mapping<'csv'>>(csv);
  if (/[\r\n]/.test(delimiter)) refuse('csv.delimiter', 'cannot hold a line break');
  if (quote !== false && (/[\r\n]/.test(quote) || delimiter.includes(quote)))
    refuse('csv.quote', 'cannot be a line break or part of the delimiter');
  const paths = toPaths('csv', file, refuse);
  return { kind: 'csv', paths, delimiter, encoding, quote: quote === false ? null : quote };
}

function toModule(module: Input<'module'>): ModuleSource {
  return typeof module === 'string'
    ? { kind: 'module', path: module, exportName: null }
    : { kind: 'module', path: module.file, exportName: module.export ?? null };
}

function toCommand(key: string, [program = '', ...args]: readonly string[], refuse: Refuse): CommandSource {
  if (program.trim() === '') refuse(key, 'names no program');
  if ([program, ...args].some((part) => part.includes('\0'))) refuse(key, 'holds a NUL character');
  return { kind: 'command', command: [program, ...args] };
}

function toRequests(requests: Input<'requests'>, refuse: Refuse): RequestsSource | null {
  if (typeof requests === 'string' || Array.isArray(requests))
    return { kind: 'requests', from: { kind: 'files', paths: toPaths('requests', requests, refuse) } };
  const { command, module } = requests;
  if (command !== undefined && module === undefined)
    return { kind: 'requests', from: toCommand('requests.command', command, refuse) };
  if (module !== undefined && command === undefined) return { kind: 'requests', from: toModule(module) };
  refuse('requests', 'must be a path, a list of paths, {command} or {module}');
  return null;
}

function toAxes(axes: Input<'axes'>, problems: JobFileProblem[]): Source {
  const parsed: Axis[] = [];
  for (const [name, value] of Object.entries(axes)) {
    const axis = parseAxis(value);
    if (axis.ok) parsed.push({ name, values: axis.values });
    else problems.push({ path: ['source', 'axes', name], problem: `"source.axes.${name}" ${axis.problem}` });
  }
  if (parsed.length === 0 && problems.length === 0)
    problems.push({ path: ['source', 'axes'], problem: '"source.axes" has no axis' });
  const tooMany = combinationsProblem(parsed);
  if (tooMany !== null) problems.push({ path: ['source', 'axes'], problem: `"source.axes" ${tooMany}` });
  return { kind: 'axes', axes: parsed };
}
