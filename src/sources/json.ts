import { inputFailure } from '../core/input-failure.ts';
import { findJsonError } from '../core/json-error.ts';
import { JsonTextError, parseExact } from '../core/json-exact.ts';
import { itemSpans, memberSpans, type Span, skipSpace } from '../core/json-spans.ts';
import type { RecordSource, SourceItem } from '../core/record.ts';
import { STDIN } from '../core/source.ts';
import { decodeUtf8 } from '../core/utf8-text.ts';
import { toFields } from './fields.ts';
import { readSeveral } from './several-files.ts';
import { readSourceBytes } from './source-file.ts';
import type { SourcePlace } from './source-path.ts';

// The text is held whole; a larger one comes near V8's limit for strings (512 MB).
const MAX_JSON_BYTES = 256_000_000;

const CHUNK_ITEMS = 1000;

/** `source: {json: FILE}`: a list of objects, {"items": [...]}, or one object. The text is read whole, its items one by one. */
export function openJson(paths: readonly string[], place: SourcePlace): RecordSource {
  return {
    items: (signal) => readSeveral(paths, place, (file) => readItems(file, place, signal), signal),
  };
}

async function* readItems(
  file: string,
  place: SourcePlace,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const text = await readJsonText(file, place, signal);
  const shown = file === STDIN ? 'stdin' : file;
  let items: SourceItem[] = [];
  let line = 1;
  let counted = 0;
  for (const span of recordSpans(text, shown)) {
    line += countLines(text, counted, span.start);
    counted = span.start;
    items.push(readItem(text, span, { file: shown, line }));
    if (items.length === CHUNK_ITEMS) {
      signal.throwIfAborted();
      yield items;
      items = [];
    }
  }
  if (items.length > 0) yield items;
}

async function readJsonText(path: string, place: SourcePlace, signal: AbortSignal): Promise<string> {
  const file = path === STDIN ? 'stdin' : path;
  const tooLarge =
    'write it as JSONL, an object a line, and use "jsonl": it is streamed (jq -c ".[]" does that)';
  const bytes = await readSourceBytes(path, place, MAX_JSON_BYTES, tooLarge, signal);
  const text = decodeUtf8(bytes, { code: 'source_encoding', file });
  // Not JSON.parse: its values of the whole text would take several times the memory of the text.
  const error = findJsonError(text);
  if (error !== null) {
    const lines = text.slice(0, error.offset).split('\n');
    const column = (lines.at(-1)?.length ?? 0) + 1;
    throw inputFailure({
      code: 'bad_json',
      file,
      line: lines.length,
      problem: `not valid JSON: ${error.problem} (column ${column})`,
      next: `mend ${file}`,
    });
  }
  return text;
}

/** Where the records stand in valid JSON. */
function recordSpans(text: string, file: string): Iterable<Span> {
  const start = skipSpace(text, 0);
  if (text[start] === '[') return itemSpans(text, start);
  if (text[start] !== '{') {
    throw inputFailure({
      code: 'bad_json',
      file,
      line: 1,
      problem: 'a JSON source is a list of objects, {"items": [...]} or one object',
      next: `mend ${file}`,
    });
  }
  const items = memberSpans(text).find((member) => member.name === 'items');
  if (items !== undefined && text[items.start] === '[') return itemSpans(text, items.start);
  return [{ start, end: text.length }];
}

function readItem(
  text: string,
  { start, end }: Span,
  at: { readonly file: string; readonly line: number },
): SourceItem {
  try {
    const fields = toFields(parseExact(text.slice(start, end)));
    if (fields !== null) return { kind: 'record', fields, at };
    return { kind: 'problem', problem: 'a record must be a JSON object, {"column": value}', at };
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    return { kind: 'problem', problem: error.problem, at };
  }
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
