import { memberSpans } from './json-spans.ts';
import type { KnownText, RecordText, WrittenRecord } from './record.ts';
import { lookUp, type Template, type TemplateScope, valueText } from './template.ts';

/** A record as JSON, and the JSON of each column: texts are escaped once and used in both files. */
export interface RecordJson extends RecordText {
  readonly columns: Readonly<Record<string, string>>;
}

// Names of columns repeat in every record.
const escapedNames = new Map<string, string>();

/** Shorter lines are made again sooner than they are searched. */
const SEARCHED_CHARS = 500;

/**
 * The texts of a line of JSON that stand there as JSON.stringify would write them: it escapes nothing that need not be
 * escaped, so that is all of them when the line has neither `\/` nor an escape by number. To escape a text of 2 kB takes
 * twice as long as to parse it. The line must be valid JSON, an object; `bytes`: the same in UTF-8.
 */
export function writtenRecord(line: string, bytes: Uint8Array): WrittenRecord | undefined {
  if (line.length < SEARCHED_CHARS || line.includes('\\u') || line.includes('\\/')) return undefined;
  const columns: Record<string, string> = Object.create(null);
  let longest: KnownText | undefined;
  for (const { name, start, end } of memberSpans(line)) {
    // Of columns with the same name the last one counts.
    if (line[start] !== '"') delete columns[name];
    else {
      columns[name] = line.slice(start, end);
      if (end - start > line.length / 2) longest = knownText(line, bytes, start + 1, end - 1);
    }
  }
  return { text: line, bytes, columns, longest };
}

/** Where its bytes begin and end is counted in what stands around it, which is the shorter part. */
function knownText(line: string, bytes: Uint8Array, start: number, end: number): KnownText {
  const before = Buffer.byteLength(line.slice(0, start));
  const after = Buffer.byteLength(line.slice(end));
  return { text: line.slice(start, end), bytes: bytes.subarray(before, bytes.length - after) };
}

/** The JSON of a record, columns in their order. */
export function recordToJson(fields: Readonly<Record<string, unknown>>, written?: WrittenRecord): RecordJson {
  const columns: Record<string, string> = Object.create(null);
  let json = '{';
  for (const name in fields) {
    // undefined never comes from a source, and would not be JSON.
    const value = written?.columns[name] ?? JSON.stringify(fields[name]) ?? 'null';
    columns[name] = value;
    json += `${json === '{' ? '' : ','}${escapeName(name)}:${value}`;
  }
  json += '}';
  if (written === undefined) return { json, columns };
  const { text, bytes, longest } = written;
  // Most lines were written by a JSON.stringify. To encode one again takes five times as long as to compare it.
  return text === json ? { json, bytes, columns, longest } : { json, columns, longest };
}

function escapeName(name: string): string {
  const known = escapedNames.get(name);
  if (known !== undefined) return known;
  const escaped = JSON.stringify(name);
  // JSONL records may each bring names of their own; the names kept must not grow with them.
  if (escapedNames.size < 1000) escapedNames.set(name, escaped);
  return escaped;
}

// White space as it stands inside a JSON string.
const BLANK = /^(?:\s|\\[nrtf]|\\u000b)*$/;

/**
 * A template rendered for a record as a JSON string, quotes included; the same as JSON.stringify of its text, but
 * columns that are escaped already are not escaped again. Throws TemplateError.
 */
export function renderToJson(template: Template, scope: TemplateScope, record: RecordJson): string {
  if (template.parts === null) return JSON.stringify(template.render(scope));
  let json = '"';
  for (const part of template.parts) {
    if (part.kind === 'literal') {
      json += part.json;
      continue;
    }
    const value = lookUp(scope, part.name);
    // Rendering says which column is missing.
    if (value === undefined) return JSON.stringify(template.render(scope));
    const escaped = typeof value === 'string' ? record.columns[part.name] : undefined;
    json += (escaped ?? JSON.stringify(valueText(value))).slice(1, -1);
  }
  return `${json}"`;
}

/** Whether a JSON string, as renderToJson gives it, holds nothing but white space. */
export function isBlankJson(json: string): boolean {
  return BLANK.test(json.slice(1, -1));
}

/** The same of what a template has become; one with words of its own need not be looked at. */
export function isBlankRendering(json: string, { parts }: Template): boolean {
  const hasWords = parts?.some((part) => part.kind === 'literal' && !BLANK.test(part.json)) ?? false;
  return !hasWords && isBlankJson(json);
}
