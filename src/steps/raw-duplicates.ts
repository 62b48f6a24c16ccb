import type { JobFiles, Line, RangeReader } from '../core/ports/files.ts';
import { LINE_HEAD_BYTES, MAX_LINE_BYTES, parseResultLine } from '../core/result-line.ts';

/**
 * Tells a repeated result line from a conflicting one. Only places are remembered, 16 bytes a request; the first line is
 * read again from the file when a second one comes, which is rare.
 */
export class RawDuplicates {
  readonly #files: JobFiles;
  readonly #path: string;
  readonly #offsets: Float64Array;
  readonly #lengths: Float64Array;
  #reader: RangeReader | null = null;
  count = 0;
  conflicting = 0;

  constructor(files: JobFiles, path: string, requests: number) {
    this.#files = files;
    this.#path = path;
    this.#offsets = new Float64Array(requests);
    this.#lengths = new Float64Array(requests);
  }

  /** The first line of a request. */
  note(index: number, line: Line): void {
    this.#offsets[index] = line.offset;
    this.#lengths[index] = line.length;
  }

  /** A further line of it. White space is not content. */
  isSame(index: number, line: Line): boolean {
    this.count += 1;
    this.#reader ??= this.#files.open(this.#path);
    const firstLength = this.#lengths[index] ?? 0;
    const first = this.#reader.read(this.#offsets[index] ?? 0, shownBytes(firstLength));
    const isSame = firstLength === line.length ? first === line.text : compact(first) === compact(line.text);
    if (!isSame) this.conflicting += 1;
    return isSame;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = null;
  }
}

/** Of a line beyond the parser's limit only the head is there to be compared, and its length. */
function shownBytes(length: number): number {
  return length > MAX_LINE_BYTES ? LINE_HEAD_BYTES : length;
}

function compact(line: string): string {
  return parseResultLine(line) === null ? line : JSON.stringify(JSON.parse(line));
}
