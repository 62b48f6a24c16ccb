/**
 * One of several works at a time, in the order in which they asked: each gives way while it waits for something that time
 * brings. Jobs of one process take turns rather than run side by side: they have one connection to the database, where one
 * reads a snapshot across its own waits, one place to ask at, and memory for one download.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the turn. @returns what ends it */
  async begin(): Promise<() => void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    return resolve;
  }
}

/** So many at once; the next one begins when one of them is over. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
