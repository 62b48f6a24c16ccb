import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SourceItem } from '../core/record.ts';

const CHUNK_ITEMS = 1000;
// Some records hold books: a chunk is also full when its texts are.
const CHUNK_CHARACTERS = 4_000_000;

export interface SizedItem {
  readonly item: SourceItem;
  /** How much text it holds, roughly. */
  readonly characters: number;
}

/**
 * Items by chunks. Between two chunks it lets signals and timers in, which would wait to the end where items come without
 * waiting.
 */
export async function* inChunks(
  items: AsyncIterable<SizedItem> | Iterable<SizedItem>,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  let chunk: SourceItem[] = [];
  let held = 0;
  for await (const { item, characters } of items) {
    chunk.push(item);
    held += characters;
    if (chunk.length < CHUNK_ITEMS && held < CHUNK_CHARACTERS) continue;
    await nextTurn();
    signal.throwIfAborted();
    yield chunk;
    chunk = [];
    held = 0;
  }
  if (chunk.length > 0) yield chunk;
}
