import { type ByteLine, createLineSplitter } from './lines.ts';
import type { RequestIds } from './request-ids.ts';
import {
  customIdAtHead,
  customIdInHead,
  LINE_HEAD_BYTES,
  MAX_LINE_BYTES,
  parseResultLine,
} from './result-line.ts';
import type { ResultSeqs } from './result-seqs.ts';

const LF = 0x0a;
const CLOSING_BRACE = 0x7d;
// A custom_id has 64 characters at most, and `{"custom_id":"` and a quote stand around it.
const ID_HEAD_BYTES = 80;
/** One stray line at the head must not cost us a batch of our own, so a few are looked at. */
const FOREIGN_LINES = 20;

/** What a stream of results held, line by line. */
export interface StreamCounts {
  /** Requests of the shard with at least one line. */
  readonly distinct: number;
  /** Further lines of a request that has one. */
  readonly duplicate: number;
  /** Lines with an id that the shard did not send. */
  readonly unknown: number;
  /** Lines that are not JSON, or have no id. */
  readonly malformed: number;
}

/**
 * Checks a stream of results while it goes to disk: which requests of the shard it holds, told by their ids alone.
 * Only the head of a line is looked at when the id stands there; judging the line is for later, from the file.
 */
export class ResultsCheck {
  readonly #ids: RequestIds;
  readonly #seqs: ResultSeqs;
  readonly #splitter = createLineSplitter(MAX_LINE_BYTES, { reuse: true });
  /** Of the line that has begun and not ended, for a line that is too long to be held. */
  #head: Buffer = Buffer.alloc(0);
  #duplicate = 0;
  #unknown = 0;
  #malformed = 0;
  #foreign = 0;
  #ours = 0;

  /** `seqs` must be fresh: they are marked as lines come. */
  constructor(ids: RequestIds, seqs: ResultSeqs) {
    this.#ids = ids;
    this.#seqs = seqs;
  }

  get counts(): StreamCounts {
    return {
      distinct: this.#seqs.distinct,
      duplicate: this.#duplicate,
      unknown: this.#unknown,
      malformed: this.#malformed,
    };
  }

  /** Other people's lines and none of ours, in the first few lines or in all. */
  isForeign(atEnd: boolean): boolean {
    return this.#ours === 0 && this.#foreign >= (atEnd ? 1 : FOREIGN_LINES);
  }

  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const line of this.#splitter.push(chunk)) this.#note(line);
    const lineStart = chunk.lastIndexOf(LF) + 1;
    const before = lineStart === 0 ? this.#head : Buffer.alloc(0);
    const room = LINE_HEAD_BYTES - before.length;
    if (room > 0) this.#head = Buffer.concat([before, chunk.subarray(lineStart, lineStart + room)]);
  }

  end(): void {
    for (const line of this.#splitter.end()) this.#note(line);
  }

  #note({ bytes }: ByteLine): void {
    if (bytes !== null && isBlank(bytes)) return;
    const id = bytes === null ? customIdInHead(this.#head.toString('latin1')) : readId(bytes);
    if (id === null) {
      this.#malformed += 1;
      return;
    }
    const seq = this.#ids.seqOf(id);
    if (seq === null) this.#foreign += 1;
    else this.#ours += 1;
    const index = seq === null ? -1 : this.#seqs.indexOf(seq);
    if (index === -1) this.#unknown += 1;
    else if (!this.#seqs.mark(index)) this.#duplicate += 1;
  }
}

/** A line that does not end in `}` is cut, whatever its head says, so the head is believed only with its end. */
function readId(bytes: Buffer): string | null {
  const id = customIdAtHead(bytes.toString('latin1', 0, ID_HEAD_BYTES));
  if (id !== null && bytes.at(-1) === CLOSING_BRACE) return id;
  return parseResultLine(bytes.toString('utf8'))?.customId ?? null;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length === 0 || ((bytes[0] ?? 0) <= 0x20 && bytes.toString('latin1').trim() === '');
}
