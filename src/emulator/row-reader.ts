import { closeSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { hashText, seededRandom } from './hash.ts';
import type { StoredRow } from './row-result.ts';
import type { RowTable } from './row-table.ts';

const rowSchema = z.object({ custom_id: z.string(), params: z.unknown() });

/** Reads the requests of a batch in any order. */
export interface RowReader {
  read(index: number): StoredRow;
  close(): void;
}

/** Opens the lines of a batch; the table says where each one stands. */
export function openRowReader(path: string, table: RowTable): RowReader {
  const file = openSync(path, 'r');
  const starts = new Float64Array(table.lengths.length);
  let end = 0;
  let longest = 0;
  for (const [index, length] of table.lengths.entries()) {
    starts[index] = end;
    end += length + 1;
    longest = Math.max(longest, length);
  }
  const buffer = Buffer.allocUnsafe(longest);
  return {
    read(index) {
      const length = table.lengths[index] ?? 0;
      const got = readSync(file, buffer, 0, length, starts[index] ?? 0);
      if (got !== length) throw new Error(`${path} ends inside row ${index}`);
      const row = rowSchema.parse(JSON.parse(buffer.toString('utf8', 0, length)));
      return {
        customId: row.custom_id,
        params: row.params,
        hash: table.hashes[index] ?? 0,
        isInvalid: table.invalid[index] === 1,
      };
    },
    close: () => closeSync(file),
  };
}

/** The order in which the results of a batch come: no order at all, but the same one each time. */
export function shuffledOrder(batchId: string, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const random = seededRandom(hashText(batchId));
  for (let index = count - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    const held = order[index] ?? 0;
    order[index] = order[other] ?? 0;
    order[other] = held;
  }
  return order;
}
