import { readdirSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { InputError, UsageError } from '../core/errors.ts';
import { inputFailure } from '../core/input-failure.ts';
import { checkJobFile, nameOfFile } from '../core/job-file-check.ts';
import type { SourceItem, SourceRecord } from '../core/record.ts';
import { hasFixedColumns, type Source } from '../core/source.ts';
import { findWorkspace, isFolder } from '../files/workspace.ts';
import type { Context } from './context.ts';

/** The user's data, as a job file names it, and what its first records look like. */
export interface FoundSource {
  /** Of the job. */
  readonly name: string;
  /** The value of the key `source`, its path relative to the job file. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly kind: Source['kind'];
  readonly columns: readonly FoundColumn[];
  /** What was chosen, where there was a choice; a sentence. */
  readonly choice: string | null;
  /** Of the records looked at, those that cannot be read; the first one in words. */
  readonly bad: { readonly count: number; readonly first: string } | null;
}

export interface FoundColumn {
  readonly name: string;
  /** Some record may lack it, so that a template must not insist on it. */
  readonly isOptional: boolean;
}

type SourceKey = Readonly<Record<string, unknown>>;

const RECORDS_LOOKED_AT = 1_000;

/** Text and JSON files may also be compressed. */
const KINDS: readonly (readonly [RegExp, (path: string) => SourceKey])[] = [
  [/\.csv(?:\.gz)?$/i, (path) => ({ csv: path })],
  [/\.tsv(?:\.gz)?$/i, (path) => ({ csv: { file: path, delimiter: '\t' } })],
  [/\.(?:jsonl|ndjson)(?:\.gz)?$/i, (path) => ({ jsonl: path })],
  [/\.json(?:\.gz)?$/i, (path) => ({ json: path })],
  [/\.(?:txt|text|md)(?:\.gz)?$/i, (path) => ({ text: { file: path, split: 'line' } })],
  [/\.parquet$/i, (path) => ({ parquet: path })],
  [/\.(?:sqlite3?|db)$/i, (path) => ({ sqlite: { file: path, query: TABLES } })],
];

const TABLES =
  "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY type, rowid";

/**
 * Looks into the data at `from`, a path as typed, for a job file in `folder` (absolute).
 *
 * @throws UsageError for a kind of file that is not known; what its source throws where it cannot be read
 */
export async function findSource(from: string, folder: string, context: Context): Promise<FoundSource> {
  const path = resolve(context.cwd, from);
  const shown = relative(folder, path).split(sep).join('/');
  const read = (source: SourceKey): Promise<Look> => look(source, folder, context);
  const found = (source: SourceKey, seen: Look, choice: string | null = null): FoundSource => ({
    name: jobName(from),
    source,
    kind: seen.kind,
    columns: columnsOf(seen),
    choice,
    bad: seen.bad,
  });
  const source = isFolder(path) ? { dir: `${shown}/*${commonEnding(path)}` } : sourceOf(shown, from);
  if ('text' in source) {
    const lines = await read(source);
    if (!hasParagraphs(lines.records)) return found(source, lines, 'each line is a record');
    const paragraphs = { text: { file: shown, split: 'paragraph' } };
    return found(
      paragraphs,
      await read(paragraphs),
      'each paragraph is a record: blank lines stand between them',
    );
  }
  if ('sqlite' in source) {
    const [table = '', ...others] = (await read(source)).records.map(({ fields }) => String(fields['name']));
    const rows = { sqlite: { file: shown, query: `SELECT * FROM "${table.replaceAll('"', '""')}"` } };
    const choice =
      others.length === 0 ? null : `the first table was taken; there are also ${others.join(', ')}`;
    return found(rows, await read(rows), choice);
  }
  if ('csv' in source) {
    const other = { csv: { file: shown, delimiter: 'auto' } };
    try {
      return found(source, await read(source));
    } catch (error) {
      // Semicolons or tabs, perhaps.
      if (!(error instanceof InputError) || error.code !== 'csv_header') throw error;
      const seen = await read(other).catch(() => null);
      if (seen === null) throw error;
      return found(
        other,
        seen,
        'the columns are not separated by commas, so the delimiter is taken from the header',
      );
    }
  }
  const seen = await read(source);
  const isReady = 'jsonl' in source && seen.records.length > 0 && seen.records.every(isReadyMade);
  return isReady ? found({ requests: shown }, { ...seen, kind: 'requests' }) : found(source, seen);
}

interface Look {
  readonly kind: Source['kind'];
  readonly hasFixedColumns: boolean;
  readonly records: readonly SourceRecord[];
  readonly bad: FoundSource['bad'];
}

/** The first records of a source. @throws InputError when there is none that can be read */
async function look(input: SourceKey, folder: string, context: Context): Promise<Look> {
  const root = findWorkspace(folder) ?? folder;
  const dir = relative(root, folder).split(sep).join('/');
  const checked = checkJobFile(
    { model: 'any', max_tokens: 1, prompt: 'any', source: input },
    { path: 'starter.job.yaml', dir },
  );
  if (!checked.ok) throw new Error(checked.problems.map(({ problem }) => problem).join('; '));
  const { source } = checked.job;
  const records: SourceRecord[] = [];
  const problems: Extract<SourceItem, { readonly kind: 'problem' }>[] = [];
  const opened = await context.wire.source(source, { root, dir });
  for await (const items of opened.items(context.signal)) {
    for (const item of items) {
      if (item.kind === 'record') records.push(item);
      else if (item.kind === 'problem') problems.push(item);
    }
    if (records.length + problems.length >= RECORDS_LOOKED_AT) break;
  }
  const [first] = problems;
  if (first !== undefined && records.length === 0)
    throw inputFailure({ code: 'bad_records', ...first.at, problem: first.problem });
  const place = first?.at.line == null ? first?.at.file : `${first.at.file}:${first.at.line}`;
  return {
    kind: source.kind,
    hasFixedColumns: hasFixedColumns(source),
    records,
    bad: first === undefined ? null : { count: problems.length, first: `${place}: ${first.problem}` },
  };
}

function columnsOf({ records, hasFixedColumns: isFixed }: Look): readonly FoundColumn[] {
  const counts = new Map<string, number>();
  for (const { fields } of records)
    for (const name of Object.keys(fields)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, isOptional: !isFixed && count < records.length }));
}

function sourceOf(shown: string, from: string): SourceKey {
  const kind = KINDS.find(([name]) => name.test(shown));
  if (kind !== undefined) return kind[1](shown);
  throw new UsageError(`init does not know what kind of data ${from} is`, {
    code: 'unknown_kind',
    why: 'it goes by the name: .csv .tsv .jsonl .ndjson .json .txt .md (also .gz), .parquet, .sqlite .db, or a folder of texts',
    next: 'rename it, or write "source" yourself: batchctl init writes a job file to begin with',
  });
}

/** Records are lines here. Paragraphs of more lines than this are a list with a stray blank line. */
const MOST_LINES = 20;

function hasParagraphs(lines: readonly SourceRecord[]): boolean {
  let blanks = 0;
  for (const [index, { at }] of lines.entries()) {
    const before = lines[index - 1]?.at.line;
    if (before != null && at.line !== null && at.line > before + 1) blanks += 1;
  }
  return blanks > 0 && lines.length / (blanks + 1) <= MOST_LINES;
}

function isReadyMade({ fields }: SourceRecord): boolean {
  const names = Object.keys(fields);
  return names.length === 2 && 'custom_id' in fields && typeof fields['params'] === 'object';
}

/** What most files of a folder end in; `.txt` of an empty one, so that the source says that nothing matches. */
function commonEnding(folder: string): string {
  const counts = new Map<string, number>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const ending = extname(entry.name);
    if (entry.isFile() && /^\.(?:txt|text|md|html?|tex|rst)$/i.test(ending))
      counts.set(ending, (counts.get(ending) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? '.txt';
}

function jobName(from: string): string {
  const name = nameOfFile(
    join('/', from)
      .replace(/[/\\]+$/, '')
      .replace(/\.gz$/i, ''),
  );
  // `latest` means the newest job in commands.
  return name === 'latest' ? 'latest-data' : name;
}
