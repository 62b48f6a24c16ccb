import { posix } from 'node:path';
import { InputError, UsageError } from '../core/errors.ts';
import { inputFailure } from '../core/input-failure.ts';
import { JsonTextError, parseExact } from '../core/json-exact.ts';
import type { RecordSource, SourceItem } from '../core/record.ts';
import { compileTemplate, type Template, TemplateError } from '../core/template.ts';
import { findInvalidUtf8 } from '../core/utf8.ts';
import { toFields } from './fields.ts';
import { globFiles } from './glob-files.ts';
import { readSourceBytes } from './source-file.ts';
import type { SourcePlace } from './source-path.ts';

export interface DirSource {
  readonly glob: string;
  /** Template of the path of a JSON file beside each text file. */
  readonly meta: string | null;
}

// A request has at most 32 MB, so a longer text fits in none.
const MAX_TEXT_BYTES = 32_000_000;

const CHUNK_ITEMS = 100;
const CHUNK_CHARACTERS = 4_000_000;

/** `source: {dir: {glob, meta}}`: a record a text file, sorted by path, with `stem`, `name`, `path` and `text`. */
export function openDir(source: DirSource, place: SourcePlace): RecordSource {
  return { items: (signal) => readFiles(source, place, signal) };
}

async function* readFiles(
  source: DirSource,
  place: SourcePlace,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const meta = compileMeta(source.meta);
  let items: SourceItem[] = [];
  let characters = 0;
  for (const path of await globFiles(source.glob, place)) {
    const item = await readRecord(path, meta, place, signal);
    items.push(item);
    if (item.kind === 'record') characters += String(item.fields['text']).length;
    if (items.length === CHUNK_ITEMS || characters > CHUNK_CHARACTERS) {
      yield items;
      items = [];
      characters = 0;
    }
  }
  if (items.length > 0) yield items;
}

function compileMeta(meta: string | null): Template | null {
  try {
    return meta === null ? null : compileTemplate(meta, 'source.dir.meta', { optionalColumns: false });
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause;
    throw new UsageError(cause.message, {
      code: 'template_syntax',
      next: 'mend "source.dir.meta" in the job file',
      cause,
    });
  }
}

async function readRecord(
  path: string,
  meta: Template | null,
  place: SourcePlace,
  signal: AbortSignal,
): Promise<SourceItem> {
  const at = { file: path, line: null };
  const name = posix.basename(path);
  const fields: Record<string, unknown> = Object.create(null);
  Object.assign(fields, { stem: posix.parse(path).name, name, path });
  try {
    fields['text'] = await readText(path, place, signal);
    if (meta !== null) {
      const metaPath = posix.join(
        posix.dirname(path),
        meta.render({ fields, variables: Object.create(null) }),
      );
      const problem = addMeta(fields, await readMeta(metaPath, place, signal), metaPath);
      if (problem !== null) return { kind: 'problem', problem, at };
    }
    return { kind: 'record', fields, at };
  } catch (error) {
    if (error instanceof TemplateError) return { kind: 'problem', problem: error.message, at };
    if (!(error instanceof InputError) || error.code === 'source_changed') throw error;
    const [first] = error.problems;
    const about =
      first === undefined || first.file === path
        ? ''
        : `${first.file}${first.line === null ? '' : `:${first.line}`}: `;
    return { kind: 'problem', problem: `${about}${first?.problem ?? error.message}`, at };
  }
}

async function readText(path: string, place: SourcePlace, signal: AbortSignal): Promise<string> {
  const bytes = await readSourceBytes(path, place, MAX_TEXT_BYTES, 'split the text', signal);
  const invalid = findInvalidUtf8(bytes);
  if (invalid === -1) return bytes.toString('utf8');
  const line = bytes.subarray(0, invalid).toString('latin1').split('\n').length;
  throw inputFailure({
    code: 'source_encoding',
    file: path,
    line,
    problem: `not UTF-8 at line ${line}, byte ${invalid}; convert it: iconv -f WINDOWS-1252 -t UTF-8`,
  });
}

async function readMeta(path: string, place: SourcePlace, signal: AbortSignal): Promise<unknown> {
  const text = await readText(path, place, signal);
  try {
    return parseExact(text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const line = text.slice(0, error.offset).split('\n').length;
    throw inputFailure({ code: 'bad_json', file: path, line, problem: error.problem });
  }
}

/** Adds the keys of a sidecar as columns; says what keeps them from being added, or null. */
function addMeta(fields: Record<string, unknown>, meta: unknown, path: string): string | null {
  const columns = toFields(meta);
  if (columns === null) return `${path}: the meta file must hold a JSON object`;
  for (const [column, value] of Object.entries(columns)) {
    if (column in fields) return `${path}: the key "${column}" would hide the column of that name; rename it`;
    fields[column] = value;
  }
  return null;
}
