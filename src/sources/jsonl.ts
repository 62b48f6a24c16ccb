import { JsonTextError, parseExact } from '../core/json-exact.ts';
import type { Location, RecordSource, SourceItem } from '../core/record.ts';
import { writtenRecord } from '../core/record-json.ts';
import { toFields } from './fields.ts';
import { openLines } from './line-files.ts';
import type { SourcePlace } from './source-path.ts';

/** `source: {jsonl: FILE}`: a JSON object a line, a record a line. */
export function openJsonl(paths: readonly string[], place: SourcePlace): RecordSource {
  return openLines(paths, place, readJsonRecord);
}

/** A line of JSONL as a record. */
export function readJsonRecord(text: string, at: Location, bytes: Uint8Array): SourceItem {
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
  const written = writtenRecord(text, bytes);
  return written === undefined ? { kind: 'record', fields, at } : { kind: 'record', fields, written, at };
}
