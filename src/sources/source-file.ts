import { inputFailure } from '../core/input-failure.ts';
import { foreignContent, hasByteOrderMark } from '../core/utf8.ts';
import { isGzip, unzip } from './gzip.ts';
import { openSourceBytes, type SourceBytes } from './source-bytes.ts';
import type { SourcePlace } from './source-path.ts';

/** Text that is open for one pass from its first byte to its last. */
export interface SourceFile {
  /** What problems call it. */
  readonly file: string;
  /** Null where it is not known before the end. */
  readonly sizeBytes: number | null;
  /** The bytes after a byte order mark, unpacked, in fresh buffers. Once only. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Of the first byte of `chunks` in the unpacked bytes: 3 after a byte order mark, else 0. */
  readonly startOffset: number;
  /** The bytes begin like UTF-16LE; only where that was allowed. */
  readonly isUtf16: boolean;
  close(): Promise<void>;
}

export interface TextOptions {
  /** UTF-16LE is let through as it is instead of being refused. */
  readonly allowUtf16?: boolean;
}

/**
 * Opens a text file inside the workspace, or standard input, packed with gzip or not. Throws what openSourceBytes does,
 * and `source_encoding` (zip, UTF-16 and other things that are not UTF-8 text).
 */
export async function openSourceFile(
  file: string,
  place: SourcePlace,
  signal: AbortSignal,
  options: TextOptions = {},
): Promise<SourceFile> {
  return openText(await openSourceBytes(file, place, signal), options);
}

// The longest signature: that of an SQLite database.
const HEAD_BYTES = 16;

/** Looks at the first bytes and makes text of what follows. Closes the bytes when it throws. */
export async function openText(bytes: SourceBytes, options: TextOptions = {}): Promise<SourceFile> {
  let opened: Peeked | null = null;
  try {
    opened = await peek(bytes.chunks);
    const isPacked = isGzip(opened.head);
    if (isPacked) opened = await peek(unzip(opened.chunks, bytes.file));
    const { head, chunks } = opened;
    const foreign = foreignContent(head);
    const isUtf16 = foreign?.what === 'UTF-16LE' && options.allowUtf16 === true;
    if (foreign !== null && !isUtf16) {
      throw inputFailure({
        code: 'source_encoding',
        file: bytes.file,
        problem: `it is ${foreign.what}, not UTF-8 text`,
        next: foreign.next(bytes.file),
      });
    }
    const startOffset = hasByteOrderMark(head) ? 3 : 0;
    return {
      file: bytes.file,
      sizeBytes: isPacked ? null : bytes.sizeBytes,
      chunks: startOffset === 0 ? chunks : dropBytes(chunks, startOffset),
      startOffset,
      isUtf16,
      close: bytes.close,
    };
  } catch (error) {
    await opened?.drop();
    await bytes.close();
    throw error;
  }
}

/** Bytes that are read whole, unpacked. Same errors as openSourceFile, and `source_too_large`. */
export async function readSourceBytes(
  file: string,
  place: SourcePlace,
  maxBytes: number,
  tooLarge: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const source = await openSourceFile(file, place, signal);
  const refuse = (size: string): Error => {
    const problem = `it has ${size} bytes, more than ${maxBytes.toLocaleString('en-US')}`;
    return inputFailure({ code: 'source_too_large', file: source.file, problem, next: tooLarge });
  };
  try {
    if (source.sizeBytes !== null && source.sizeBytes > maxBytes)
      throw refuse(source.sizeBytes.toLocaleString('en-US'));
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of source.chunks) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw refuse('too many');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    await source.close();
  }
}

interface Peeked {
  readonly head: Buffer;
  /** From the beginning. */
  readonly chunks: AsyncGenerator<Buffer>;
  /** Instead of reading on. */
  drop(): Promise<unknown>;
}

async function peek(chunks: AsyncIterable<Buffer>): Promise<Peeked> {
  const iterator = chunks[Symbol.asyncIterator]();
  const seen: Buffer[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const step = await iterator.next();
    if (step.done === true) break;
    seen.push(step.value);
    length += step.value.length;
  }
  const head = Buffer.concat(seen.map((chunk) => chunk.subarray(0, HEAD_BYTES))).subarray(0, HEAD_BYTES);
  return { head, chunks: followed(seen, iterator), drop: async () => iterator.return?.() };
}

async function* followed(seen: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* seen;
    for (;;) {
      const step = await iterator.next();
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function* dropBytes(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of chunks) {
    const rest = chunk.subarray(Math.min(left, chunk.length));
    left -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}
