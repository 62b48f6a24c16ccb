import type { JobFiles, RangeReader } from '../core/ports/files.ts';

/** A job of many groups has a file a group; no more than this are open at once. */
const MAX_OPEN = 32;

/** Files that are read here and there, few of them open at a time. Close it when done. */
export class RangeReaders {
  readonly #files: Pick<JobFiles, 'open'>;
  readonly #open = new Map<string, RangeReader>();

  constructor(files: Pick<JobFiles, 'open'>) {
    this.#files = files;
  }

  read(path: string, offset: number, length: number): string {
    return this.#reader(path).read(offset, length);
  }

  close(): void {
    for (const reader of this.#open.values()) reader.close();
    this.#open.clear();
  }

  #reader(path: string): RangeReader {
    const held = this.#open.get(path);
    if (held !== undefined) return held;
    const oldest = this.#open.entries().next().value;
    if (this.#open.size >= MAX_OPEN && oldest !== undefined) {
      oldest[1].close();
      this.#open.delete(oldest[0]);
    }
    const reader = this.#files.open(path);
    this.#open.set(path, reader);
    return reader;
  }
}
