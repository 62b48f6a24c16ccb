import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HashedFile, NewFile } from '../core/ports/files.ts';
import { textParts } from '../core/text-parts.ts';
import { diskError } from './job-disk-error.ts';
import { openNew, removeIfThere, syncFolder, temporaryPath, writeAll } from './write-atomic.ts';

// One write call a megabyte: below 64 KiB the calls cost more than the bytes, above this nothing is gained
// (measured with 250 MB of 2.5 KB lines, 2026-11).
const BUFFER_BYTES = 1 << 20;

// Buffers that nobody uses now: of files that take turns, each would otherwise allocate one for every few lines.
const spare: Buffer[] = [];
const MAX_SPARE = 16;
// What was put in its place meanwhile is not followed, nor made when it is gone.
const APPEND = constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);
const NO_BUFFER = Buffer.alloc(0);

/** UTF-16 units of a long text that are written at once. */
const PART_UNITS = BUFFER_BYTES / 4;

/**
 * `path` is absolute, its folder exists; `shown` is the path as messages name it. `before` may forbid what is done by the path
 * later on.
 */
export function openNewFile(
  path: string,
  shown: string,
  mode: number,
  before: () => void = () => undefined,
  /** Takes in all that is written. */
  hash: Hash | null = null,
): NewFile {
  const temporary = temporaryPath(path);
  let buffer: Buffer = NO_BUFFER;
  let used = 0;
  let written = 0;
  let finished: { readonly bytes: number } | null = null;
  let fd: number | null = attempt(() => openNew(temporary, mode));
  let isParked = false;

  function attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw diskError(error, 'write', shown);
    }
  }

  function put(bytes: Uint8Array): void {
    const open = fd ?? reopen();
    hash?.update(bytes);
    attempt(() => writeAll(open, bytes));
    written += bytes.length;
  }

  function reopen(): number {
    if (!isParked) throw new Error(`${shown} is closed`);
    isParked = false;
    before();
    const reopened = attempt(() => openSync(temporary, APPEND, mode));
    fd = reopened;
    return reopened;
  }

  function flush(): void {
    if (used === 0) return;
    const bytes = buffer.subarray(0, used);
    used = 0;
    put(bytes);
  }

  function takeBuffer(): void {
    if (buffer === NO_BUFFER) buffer = spare.pop() ?? Buffer.allocUnsafe(BUFFER_BYTES);
  }

  function leaveBuffer(): void {
    if (buffer !== NO_BUFFER && spare.length < MAX_SPARE) spare.push(buffer);
    buffer = NO_BUFFER;
    used = 0;
  }

  function close(): void {
    if (fd === null) return;
    const open = fd;
    fd = null;
    closeSync(open);
  }

  return {
    get bytes() {
      return written + used;
    },
    write(text) {
      takeBuffer();
      // A UTF-16 unit takes three bytes at most, so the cheap bound decides before anything is counted.
      if (text.length * 3 <= BUFFER_BYTES - used) {
        used += buffer.write(text, used);
        return;
      }
      flush();
      // A long one by parts: a buffer for all of it would be one more copy, and one more thing to collect.
      for (const part of textParts(text, PART_UNITS)) {
        if (PART_UNITS * 3 > BUFFER_BYTES - used) flush();
        used += buffer.write(part, used);
      }
    },
    writeBytes(bytes) {
      takeBuffer();
      if (bytes.length > BUFFER_BYTES - used) flush();
      if (bytes.length > BUFFER_BYTES) {
        put(bytes);
        return;
      }
      buffer.set(bytes, used);
      used += bytes.length;
    },
    park() {
      if (fd === null && !isParked) return;
      // What was written since the last time stands in the buffer, also where that did not need the descriptor.
      flush();
      leaveBuffer();
      if (fd === null) return;
      close();
      isParked = true;
    },
    finish() {
      if (finished !== null) return finished;
      flush();
      if (isParked) reopen();
      before();
      attempt(() => {
        if (fd === null) throw new Error(`${shown} was discarded`);
        fsyncSync(fd);
        close();
        renameSync(temporary, path);
        syncFolder(dirname(path));
      });
      leaveBuffer();
      finished = { bytes: written };
      return finished;
    },
    discard() {
      if (finished !== null) return;
      close();
      leaveBuffer();
      isParked = false;
      attempt(() => removeIfThere(temporary));
    },
  };
}

/** The same with the SHA-256 of its bytes, taken while they are written. Parameters as of `openNewFile`. */
export function openHashedFile(path: string, shown: string, mode: number, before?: () => void): HashedFile {
  const hash = createHash('sha256');
  const file = openNewFile(path, shown, mode, before, hash);
  let sha256: string | null = null;
  return {
    ...file,
    get bytes() {
      return file.bytes;
    },
    finish() {
      const { bytes } = file.finish();
      sha256 ??= hash.digest('hex');
      return { bytes, sha256 };
    },
  };
}
