/** What is kept of each request of a batch besides its line: enough to count outcomes without reading the lines. */
export interface RowTable {
  /** Bytes of each line, its newline not counted. */
  readonly lengths: Uint32Array;
  /** A hash of each custom_id; which rows finish early or meet a fault follows from it. */
  readonly hashes: Uint32Array;
  /** 1 where the params are ones that the API refuses when it comes to that row. */
  readonly invalid: Uint8Array;
}

/** Collects rows whose number is not known before. */
export interface RowTableBuilder {
  add(length: number, hash: number, isInvalid: boolean): void;
  finish(): RowTable;
}

/** Starts a table; nine bytes a row, so that 100,000 rows stay below a megabyte. */
export function buildRowTable(): RowTableBuilder {
  let count = 0;
  let lengths = new Uint32Array(64);
  let hashes = new Uint32Array(64);
  let invalid = new Uint8Array(64);
  return {
    add(length, hash, isInvalid) {
      if (count === lengths.length) {
        lengths = grow(lengths, new Uint32Array(count * 2));
        hashes = grow(hashes, new Uint32Array(count * 2));
        invalid = grow(invalid, new Uint8Array(count * 2));
      }
      lengths[count] = length;
      hashes[count] = hash;
      invalid[count] = isInvalid ? 1 : 0;
      count += 1;
    },
    finish: () => ({
      lengths: lengths.subarray(0, count),
      hashes: hashes.subarray(0, count),
      invalid: invalid.subarray(0, count),
    }),
  };
}

/** Packs a table into one block of bytes: lengths, hashes, invalid. */
export function packRowTable(table: RowTable): Buffer {
  return Buffer.concat([bytesOf(table.lengths), bytesOf(table.hashes), table.invalid]);
}

/** Reads what packRowTable wrote. */
export function unpackRowTable(packed: Uint8Array): RowTable {
  const count = packed.length / 9;
  // Typed arrays of numbers must begin at a multiple of 4: copied only where the bytes happen not to.
  const { buffer, byteOffset: start } = packed.byteOffset % 4 === 0 ? packed : new Uint8Array(packed);
  return {
    lengths: new Uint32Array(buffer, start, count),
    hashes: new Uint32Array(buffer, start + count * 4, count),
    invalid: new Uint8Array(buffer, start + count * 8, count),
  };
}

function bytesOf(array: Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function grow<T extends Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
