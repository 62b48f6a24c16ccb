import { type Judgement, judgeLongLine, judgeResult } from '../core/judge.ts';
import { type JobFiles, type RangeReader, rawPath } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store.ts';
import { LINE_HEAD_BYTES, MAX_LINE_BYTES, parseResultLine } from '../core/result-line.ts';

/** A job of many groups has a raw file a group; no more than this are open at once. */
const MAX_OPEN = 32;

export interface Answer {
  readonly judgement: Judgement;
  /** The raw line; for one that is too long to be parsed, its head. */
  readonly line: string;
}

/** Reads the raw lines of rows from wherever they stand, keeping few files open. Close it when done. */
export class RawReaders {
  readonly #files: JobFiles;
  readonly #resultsDir: string;
  readonly #open = new Map<string, RangeReader>();

  constructor(files: JobFiles, resultsDir: string) {
    this.#files = files;
    this.#resultsDir = resultsDir;
  }

  /** Null for a row without a raw line (missing, or canceled before it was sent). */
  answerOf(row: Pick<RowView, 'stage' | 'shardNumber' | 'rawOffset' | 'rawLength'>): Answer | null {
    const { rawOffset, rawLength } = row;
    if (rawOffset === null || rawLength === null) return null;
    const isLong = rawLength > MAX_LINE_BYTES;
    const reader = this.#reader(rawPath(this.#resultsDir, row.stage, row.shardNumber));
    const line = reader.read(rawOffset, isLong ? LINE_HEAD_BYTES : rawLength);
    const judgement = isLong ? judgeLongLine(line) : judgeResult(parseResultLine(line)?.result);
    return { judgement, line };
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
