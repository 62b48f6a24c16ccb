import type { JobFiles, Line } from '../core/ports/files.ts';
import { rowHead } from '../core/result-row.ts';

/** Walks results.jsonl in step with the rows it should hold. Close it when done. */
export class ResultsReader {
  readonly isThere: boolean;
  readonly #chunks: AsyncIterator<readonly Line[]>;
  #chunk: readonly Line[] = [];
  #next = 0;
  #number = 0;
  #isOver = false;

  constructor(files: JobFiles, path: string) {
    this.isThere = files.exists(path);
    this.#chunks = files.lines(path)[Symbol.asyncIterator]();
  }

  /**
   * What is wrong with the next line, which should be this row's; null when it is right. After a gap nothing matches, so
   * only the first thing that is wrong is told and the rest is not compared.
   */
  async check(row: Parameters<typeof rowHead>[0]): Promise<string | null> {
    if (this.#isOver) return null;
    const line = await this.#take();
    if (line === null) {
      this.#isOver = true;
      return `it ends before the row of ${row.customId}`;
    }
    if (line.text.startsWith(`${rowHead(row)},`)) return null;
    this.#isOver = true;
    return `line ${this.#number} is not the row of ${row.customId} as it was recorded`;
  }

  async countRest(): Promise<number> {
    if (!this.isThere) return 0;
    let count = 0;
    while (!this.#isOver && (await this.#take()) !== null) count += 1;
    return count;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #take(): Promise<Line | null> {
    while (this.#next >= this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done === true) return null;
      this.#chunk = next.value;
      this.#next = 0;
    }
    const line = this.#chunk[this.#next] ?? null;
    this.#next += 1;
    this.#number += 1;
    return line;
  }
}
