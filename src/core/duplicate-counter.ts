import { hash } from 'node:crypto';

const FIRST_ROOM = 1_024;
/** Of a SHA-256: as many as are an exact number in JavaScript. Two of 1,000,000 requests meet by chance once in 9,000 jobs. */
const HASH_BITS = 52;

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
    const hex = hash('sha256', paramsJson, 'hex').slice(0, HASH_BITS / 4);
    this.#hashes[this.#size] = Number.parseInt(hex, 16);
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
