import { UsageError } from '../core/errors.ts';
import { memberSpans } from '../core/json-spans.ts';
import { didYouMean } from '../core/nearest.ts';
import type { ExportRow } from './export-rows.ts';

/** A column of a flat export. */
export interface ExportColumn {
  /** As it is called in the export: unique. */
  readonly name: string;
  readonly from: 'record' | 'answer' | 'json';
  /** Its name where it comes from. */
  readonly key: string;
}

export interface FoundColumns {
  readonly columns: readonly ExportColumn[];
  /** Answer fields that gave way to a column of the data. */
  readonly renamed: readonly ExportColumn[];
}

const BEFORE_JSON = ['group', 'status', 'failure', 'text'] as const;
const AFTER_JSON = [
  'stop_reason',
  'model',
  'input_tokens',
  'output_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cost_microusd',
  'error',
  'attempt',
  'batch_id',
  'output',
] as const;

/** Fields of an answer that stand in a column, or a variable, of their own in every export. */
export const ANSWER_FIELDS: readonly string[] = ['custom_id', ...BEFORE_JSON, ...AFTER_JSON];

/** Records may each bring names of their own; the names that are kept must not grow with the job. */
const MAX_COLUMNS = 20_000;

/**
 * The columns of all rows: the id, the data's in the order in which they first appear, the answer's. `json.x` for each
 * field of a structured answer, `json` for one that is no object, `content` where an answer has more than text.
 *
 * @throws UsageError `too_many_columns`
 */
export async function findColumns(rows: AsyncIterable<ExportRow>): Promise<FoundColumns> {
  const data = new Set<string>();
  const json = new Set<string>();
  const more = new Set<'json' | 'content'>();
  for await (const { recordJson, resultJson } of rows) {
    for (const { name } of memberSpans(recordJson)) data.add(name);
    for (const { name, start, end } of memberSpans(resultJson)) {
      if (name === 'content') more.add('content');
      if (name !== 'json') continue;
      const value = resultJson.slice(start, end);
      if (value.startsWith('{')) for (const field of memberSpans(value)) json.add(field.name);
      else if (value !== 'null') more.add('json');
    }
    if (data.size + json.size > MAX_COLUMNS) throw tooManyColumns(`more than ${MAX_COLUMNS}`, 'this export');
  }
  return nameColumns(data, json, more);
}

function nameColumns(
  data: ReadonlySet<string>,
  json: ReadonlySet<string>,
  more: ReadonlySet<'json' | 'content'>,
): FoundColumns {
  const taken = new Set(data);
  const renamed: ExportColumn[] = [];
  const add = (from: 'answer' | 'json', key: string): ExportColumn => {
    const wanted = from === 'json' ? `json.${key}` : key;
    const column: ExportColumn = { name: freeName(wanted, taken), from, key };
    taken.add(column.name);
    if (column.name !== wanted) renamed.push(column);
    return column;
  };
  const columns = [
    add('answer', 'custom_id'),
    ...[...data].map((key): ExportColumn => ({ name: key, from: 'record', key })),
    ...BEFORE_JSON.map((key) => add('answer', key)),
    ...(more.has('json') ? [add('answer', 'json')] : []),
    ...[...json].map((key) => add('json', key)),
    ...(more.has('content') ? [add('answer', 'content')] : []),
    ...AFTER_JSON.map((key) => add('answer', key)),
  ];
  return { columns, renamed };
}

/** The data keeps its names, because whoever reads the export knows them; the answer's field gives way. */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  while (taken.has(name)) name = `answer_${name}`;
  return name;
}

/** The columns that `--columns` names, in its order. @throws UsageError `unknown_column` */
export function pickColumns(
  found: readonly ExportColumn[],
  names: readonly string[],
): readonly ExportColumn[] {
  const byName = new Map(found.map((column) => [column.name, column]));
  return names.map((name) => {
    const column = byName.get(name);
    if (column !== undefined) return column;
    const shown = [...byName.keys()].slice(0, 60);
    const rest = byName.size - shown.length;
    throw new UsageError(`there is no column "${name}"${didYouMean(name, byName.keys())}`, {
      code: 'unknown_column',
      why: `there are: ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`,
      next: 'name columns of the export, separated by commas',
    });
  });
}

export function tooManyColumns(count: string, what: string): UsageError {
  return new UsageError(`${what} would have too many columns: ${count}`, {
    code: 'too_many_columns',
    why: 'each name that any record or answer has is a column',
    next: 'name some with --columns, or use --format jsonl, which keeps each record as it is',
  });
}

/** The values of a row, a JSON text a column; null where the row has none. */
export function cellsOf(row: ExportRow, columns: readonly ExportColumn[]): readonly (string | null)[] {
  const record = membersOf(row.recordJson);
  const answer = membersOf(row.resultJson);
  const usage = objectIn(answer, 'usage');
  const error = objectIn(answer, 'error');
  const json = objectIn(answer, 'json');
  return columns.map(({ from, key }) => {
    if (from === 'record') return record.get(key) ?? null;
    if (from === 'json') return json.get(key) ?? null;
    if (key === 'error') return error.get('message') ?? null;
    if (key === 'json' && json.size > 0) return null;
    return answer.get(key) ?? usage.get(key) ?? null;
  });
}

function membersOf(text: string): ReadonlyMap<string, string> {
  return new Map(memberSpans(text).map(({ name, start, end }) => [name, text.slice(start, end)]));
}

function objectIn(members: ReadonlyMap<string, string>, name: string): ReadonlyMap<string, string> {
  const text = members.get(name);
  return text?.startsWith('{') ? membersOf(text) : NONE;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** The value of a cell where everything is text: a string itself, nothing for null, else its JSON as it was written. */
export function cellText(cell: string | null): string {
  if (cell === null || cell === 'null') return '';
  // A JSON string parses to a string.
  return cell.startsWith('"') ? String(JSON.parse(cell)) : cell;
}
