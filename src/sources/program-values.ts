import type { Location, SourceItem } from '../core/record.ts';
import { inChunks, type SizedItem } from './item-chunks.ts';
import { isPlainObject, PlainValueError, toPlainFields } from './plain-value.ts';

/** What an object of a program becomes. */
export type ReadFields = (fields: Readonly<Record<string, unknown>>, at: Location) => SourceItem;

/** Values of a program as items, by chunks; `file` is what messages call the place they came from. */
export async function* valuesToItems(
  values: AsyncIterable<unknown>,
  file: string,
  readFields: ReadFields,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  yield* inChunks(toItems(values, file, readFields), signal);
}

async function* toItems(
  values: AsyncIterable<unknown>,
  file: string,
  readFields: ReadFields,
): AsyncGenerator<SizedItem> {
  let number = 0;
  for await (const value of values) {
    number += 1;
    yield toItem(value, { file: `${file} (item ${number})`, line: null }, readFields);
  }
}

export async function* asAsync(items: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* items;
}

function toItem(value: unknown, at: Location, readFields: ReadFields): SizedItem {
  try {
    if (!isPlainObject(value)) {
      const problem = 'a record must be a plain object, {column: value}';
      return { item: { kind: 'problem', problem, at }, characters: 0 };
    }
    const { fields, characters } = toPlainFields(Object.entries(value));
    return { item: readFields(fields, at), characters };
  } catch (error) {
    // A getter or a toJSON of the program's own may throw anything.
    const problem =
      error instanceof PlainValueError ? error.problem : `it could not be read: ${String(error)}`;
    return { item: { kind: 'problem', problem, at }, characters: 0 };
  }
}
