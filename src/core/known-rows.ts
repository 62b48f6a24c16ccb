import { shortHash } from './short-hash.ts';

const NONE = -1;

/**
 * What is here of the results of a shard, to be held against another download of them: a hash of each row's line, 8 bytes a
 * request.
 */
export class KnownRows {
  readonly #hashes: Float64Array;
  #distinct = 0;

  /** `size`: requests of the shard. */
  constructor(size: number) {
    this.#hashes = new Float64Array(size).fill(NONE);
  }

  /** Rows that have a line. */
  get distinct(): number {
    return this.#distinct;
  }

  /** The first line of a row; by the place of its seq among those of the shard. */
  note(index: number, text: string): void {
    if (!this.has(index)) this.#distinct += 1;
    this.#hashes[index] = shortHash(text);
  }

  has(index: number): boolean {
    return (this.#hashes[index] ?? NONE) !== NONE;
  }

  isSame(index: number, text: string): boolean {
    return this.#hashes[index] === shortHash(text);
  }
}

/** Another download, while its lines go by. */
export class Comparison {
  readonly #known: KnownRows;
  /** Rows that were not here. */
  added = 0;
  #same = 0;

  constructor(known: KnownRows) {
    this.#known = known;
  }

  /** The first line of a row; `bytes` is null where it is too long to be held, and then it is taken for the same. */
  see(index: number, bytes: Buffer | null): void {
    if (!this.#known.has(index)) this.added += 1;
    else if (bytes === null || this.#known.isSame(index, bytes.toString('utf8'))) this.#same += 1;
  }

  /** Each row that is here came again, and as it is here. */
  get keepsAll(): boolean {
    return this.#same === this.#known.distinct;
  }
}
