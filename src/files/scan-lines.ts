import { closeSync, openSync, readSync } from 'node:fs';
import { createLineSplitter } from '../core/lines.ts';
import { MAX_LINE_BYTES } from '../core/result-line.ts';
import { errnoOf } from './job-disk-error.ts';

const CHUNK_BYTES = 1 << 18;

/**
 * Shows each line of a file to `see`, until that says true, without holding more than one of them: a file may be larger
 * than a string can be. A line beyond MAX_LINE_BYTES is passed over; a file that is not there has none.
 *
 * @returns whether `see` said true.
 */
export function scanLines(path: string, see: (line: Buffer) => boolean): boolean {
  const fd = openIfThere(path);
  if (fd === null) return false;
  try {
    const splitter = createLineSplitter(MAX_LINE_BYTES);
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (;;) {
      const bytesRead = readSync(fd, buffer, 0, CHUNK_BYTES, null);
      const lines = bytesRead === 0 ? splitter.end() : splitter.push(buffer.subarray(0, bytesRead));
      for (const { bytes } of lines) if (bytes !== null && see(bytes)) return true;
      if (bytesRead === 0) return false;
    }
  } finally {
    closeSync(fd);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
