import { type Axis, combinations } from '../core/axes.ts';
import type { RecordSource, SourceItem } from '../core/record.ts';

const CHUNK_ITEMS = 1000;

/** `source: {axes: {teg: 10-17, round: 1-4}}`: a record for every combination, the first axis slowest. */
export function openAxes(axes: readonly Axis[]): RecordSource {
  return { items: (signal) => makeRecords(axes, signal) };
}

async function* makeRecords(
  axes: readonly Axis[],
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  let items: SourceItem[] = [];
  for (const values of combinations(axes)) {
    const fields: Record<string, unknown> = Object.create(null);
    let shown = '';
    for (const [index, axis] of axes.entries()) {
      fields[axis.name] = values[index];
      shown += `${index === 0 ? '' : ', '}${axis.name}=${values[index]}`;
    }
    items.push({ kind: 'record', fields, at: { file: `axes (${shown})`, line: null } });
    if (items.length === CHUNK_ITEMS) {
      signal.throwIfAborted();
      yield items;
      items = [];
    }
  }
  if (items.length > 0) yield items;
}
