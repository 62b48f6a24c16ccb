import { open } from 'node:fs/promises';
import { type ByteLine, createLineSplitter } from '../core/lines.ts';

export interface ReadLinesOptions {
  /** A longer line comes with `bytes: null`. */
  readonly maxLineBytes: number;
  readonly signal: AbortSignal;
  /** Where in the file to begin; offsets of lines still count from the beginning of the file, numbers from here. */
  readonly start?: number;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * The lines of a file of ours (records, shards, raw results) as bytes, split at LF only, a list per chunk of the file.
 * Lines are views of a fresh buffer and may be kept. Empty lines are lines. Errors of the file system pass through.
 */
export async function* readLines(
  path: string,
  options: ReadLinesOptions,
): AsyncGenerator<readonly ByteLine[]> {
  const start = options.start ?? 0;
  const shift = (lines: readonly ByteLine[]): readonly ByteLine[] =>
    start === 0 ? lines : lines.map((line) => ({ ...line, offset: line.offset + start }));
  const handle = await open(path, 'r');
  try {
    const splitter = createLineSplitter(options.maxLineBytes);
    let position = start;
    for (;;) {
      options.signal.throwIfAborted();
      const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      const lines = splitter.push(buffer.subarray(0, bytesRead));
      if (lines.length > 0) yield shift(lines);
    }
    const last = splitter.end();
    if (last.length > 0) yield shift(last);
  } finally {
    await handle.close();
  }
}
