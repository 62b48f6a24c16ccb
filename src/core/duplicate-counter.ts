import { shortHash } from './short-hash.ts';

const FIRST_ROOM = 1_024;

/** Counts requests that ask word for word what an earlier one asks. Holds 8 bytes a request. */
export class DuplicateCounter {
  #hashes = new Float64Array(FIRST_ROOM);
  #size = 0;

  add(paramsJson: string): void {
    if (this.#size === this.#hashes.length) {
      const room = new Float64Array(2 * this.#size);
      room.set(this.#hashes);
      this.#hashes = room;
    }
    this.#hashes[this.#size] = shortHash(paramsJson);
    this.#size += 1;
  }

  /** So many could be left out, and each question would still be asked once. */
  count(): number {
    const sorted = this.#hashes.subarray(0, this.#size).sort();
    let again = 0;
    for (let at = 1; at < sorted.length; at += 1) if (sorted[at] === sorted[at - 1]) again += 1;
    return again;
  }
}
