import { openRowReader } from './row-reader.ts';
import type { RowTable } from './row-table.ts';

/**
 * The first custom_id that comes a second time; null when all differ. Equal hashes are looked for in the table and only
 * those few rows are read again: a set of 100,000 ids would be a good part of the memory that a create may take.
 */
export function findDuplicateId(path: string, rows: RowTable): string | null {
  const repeated = repeatedHashes(rows.hashes);
  if (repeated.size === 0) return null;
  const reader = openRowReader(path, rows);
  try {
    const seen = new Set<string>();
    for (const [index, hash] of rows.hashes.entries()) {
      if (!repeated.has(hash)) continue;
      const { customId } = reader.read(index);
      if (seen.has(customId)) return customId;
      seen.add(customId);
    }
    return null;
  } finally {
    reader.close();
  }
}

function repeatedHashes(hashes: Uint32Array): ReadonlySet<number> {
  const sorted = hashes.toSorted();
  return new Set(sorted.filter((hash, index) => index > 0 && hash === sorted[index - 1]));
}
