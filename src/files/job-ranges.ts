import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StoreError } from '../core/errors.ts';
import type { RangeReader } from '../core/ports/files.ts';
import { diskError } from './job-disk-error.ts';

const WINDOW_BYTES = 256 * 1024;

/**
 * Reads ranges as text. Ranges that follow one another, as they do when results come in input order, are served from
 * one window; for a jump only the range itself is read, so that a random order does not read a hundred times the file.
 */
export function openRanges(path: string, shown: string): RangeReader {
  let fd: number | null = attempt(() => openSync(path, 'r'));
  const size = attempt(() => fstatSync(fd ?? -1).size);
  let window = Buffer.alloc(0);
  let windowOffset = 0;
  let windowLength = 0;
  let lastEnd = 0;

  function attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw diskError(error, 'read', shown);
    }
  }

  function fill(offset: number, length: number): void {
    if (fd === null) throw new Error(`${shown} is closed`);
    const open = fd;
    if (window.length < length) window = Buffer.allocUnsafe(Math.max(length, WINDOW_BYTES));
    windowOffset = offset;
    windowLength = 0;
    attempt(() => {
      while (windowLength < length) {
        const read = readSync(open, window, windowLength, length - windowLength, offset + windowLength);
        if (read === 0) throw tooShort(shown, offset + windowLength);
        windowLength += read;
      }
    });
  }

  return {
    read(offset, length) {
      const isHeld = offset >= windowOffset && offset + length <= windowOffset + windowLength;
      if (!isHeld) {
        const follows = offset >= lastEnd && offset - lastEnd < 64;
        const wanted = follows ? Math.max(length, Math.min(WINDOW_BYTES, size - offset)) : length;
        fill(offset, wanted);
      }
      lastEnd = offset + length;
      const start = offset - windowOffset;
      const text = window.toString('utf8', start, start + length);
      // A window grown for one long line is not kept.
      if (window.length > 16 * WINDOW_BYTES) {
        window = Buffer.alloc(0);
        windowLength = 0;
      }
      return text;
    },
    close() {
      if (fd === null) return;
      closeSync(fd);
      fd = null;
    },
  };
}

function tooShort(shown: string, bytes: number): StoreError {
  return new StoreError(`${shown} is shorter than it was`, {
    code: 'file_short',
    why: `it ends at byte ${bytes}`,
    next: 'run batchctl verify to see what is gone; results can be downloaded again for 29 days',
  });
}
