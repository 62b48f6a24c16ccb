/** Keeps some of many, evenly spread over however many come: every one at first, then every second, and so on. */
export class SpreadSample<T> {
  readonly #most: number;
  readonly #sizeOf: (one: T) => number;
  readonly #maxSize: number;
  #kept: T[] = [];
  #size = 0;
  #step = 1;
  #seen = 0;

  /** `most` is kept, and twice that for a while; with `maxSize` never more than that of what `sizeOf` adds up. */
  constructor(most: number, maxSize = Number.POSITIVE_INFINITY, sizeOf: (one: T) => number = () => 0) {
    this.#most = most;
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
  }

  /** Whether the next one is to be given to `keep`; to be asked once for each. */
  wantsNext(): boolean {
    this.#seen += 1;
    return (this.#seen - 1) % this.#step === 0;
  }

  keep(one: T): void {
    this.#kept.push(one);
    this.#size += this.#sizeOf(one);
    while (this.#kept.length > 2 * this.#most || (this.#size > this.#maxSize && this.#kept.length > 0)) {
      this.#kept = this.#kept.length === 1 ? [] : this.#kept.filter((_, index) => index % 2 === 0);
      this.#step *= 2;
      this.#size = this.#kept.reduce((sum, kept) => sum + this.#sizeOf(kept), 0);
    }
  }

  kept(): readonly T[] {
    return this.#kept;
  }
}
