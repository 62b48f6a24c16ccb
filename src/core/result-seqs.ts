/**
 * Which requests of one shard have been seen in its results: a bit a request, never a map of ids. Seqs may have gaps
 * (shards by group, retries).
 */
export class ResultSeqs {
  readonly size: number;
  readonly #seqs: readonly number[];
  readonly #first: number;
  readonly #isContiguous: boolean;
  readonly #seen: Uint8Array;
  #distinct = 0;

  /** `seqs` in ascending order. */
  constructor(seqs: readonly number[]) {
    this.size = seqs.length;
    this.#seqs = seqs;
    this.#first = seqs[0] ?? 0;
    this.#isContiguous = (seqs.at(-1) ?? -1) - this.#first + 1 === seqs.length;
    this.#seen = new Uint8Array(Math.ceil(seqs.length / 8));
  }

  get distinct(): number {
    return this.#distinct;
  }

  /** The place of a seq among those of the shard, or -1. */
  indexOf(seq: number): number {
    if (this.#isContiguous) {
      const index = seq - this.#first;
      return index >= 0 && index < this.size ? index : -1;
    }
    let [low, high] = [0, this.size - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#seqs[middle] ?? 0;
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  isMarked(index: number): boolean {
    return index >= 0 && ((this.#seen[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** False when it was marked before. */
  mark(index: number): boolean {
    const [byte, bit] = [index >> 3, 1 << (index & 7)];
    const held = this.#seen[byte] ?? 0;
    if ((held & bit) !== 0) return false;
    this.#seen[byte] = held | bit;
    this.#distinct += 1;
    return true;
  }
}
