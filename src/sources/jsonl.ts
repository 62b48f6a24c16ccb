import { JsonTextError, parseExact } from '../core/json-exact.ts';
import type { RecordSource, SourceItem } from '../core/record.ts';
import { toFields } from './fields.ts';
import { readSourceLines } from './source-lines.ts';
import type { SourcePlace } from './source-path.ts';

/** `source: {jsonl: FILE}`: a JSON object a line, a record a line. */
export function openJsonl(file: string, place: SourcePlace): RecordSource {
  return { items: (signal) => readSourceLines(file, place, readRecord, signal) };
}

function readRecord(text: string, at: { readonly file: string; readonly line: number }): SourceItem {
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    return { kind: 'problem', problem: `${error.problem} (column ${error.offset + 1})`, at };
  }
  const fields = toFields(value);
  if (fields === null)
    return { kind: 'problem', problem: 'a record must be a JSON object, {"column": value}', at };
  return { kind: 'record', fields, at };
}
