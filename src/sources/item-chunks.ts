import type { SourceItem } from '../core/record.ts';

const CHUNK_ITEMS = 1000;
// Some records hold books: a chunk is also full when its texts are.
const CHUNK_CHARACTERS = 4_000_000;

/** Gathers items until there are enough for a chunk. */
export interface ItemChunks {
  /** `characters` is how much text the item holds, roughly. Returns the chunk that it fills, else null. */
  add(item: SourceItem, characters: number): readonly SourceItem[] | null;
  /** What is left. */
  rest(): readonly SourceItem[];
}

export function createItemChunks(): ItemChunks {
  let items: SourceItem[] = [];
  let held = 0;
  return {
    add(item, characters) {
      items.push(item);
      held += characters;
      if (items.length < CHUNK_ITEMS && held < CHUNK_CHARACTERS) return null;
      const full = items;
      items = [];
      held = 0;
      return full;
    },
    rest: () => items,
  };
}
