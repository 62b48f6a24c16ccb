import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { NewFile } from '../core/ports/files.ts';
import { diskError } from './job-disk-error.ts';
import { openNew, removeIfThere, syncFolder, temporaryPath, writeAll } from './write-atomic.ts';

// One write call a megabyte: below 64 KiB the calls cost more than the bytes, above this nothing is gained
// (measured with 250 MB of 2.5 KB lines, 2026-11).
const BUFFER_BYTES = 1 << 20;

/** `path` is absolute, its folder exists; `shown` is the path as messages name it. */
export function openNewFile(path: string, shown: string, mode: number): NewFile {
  const temporary = temporaryPath(path);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;
  let written = 0;
  let finished: { readonly bytes: number; readonly sha256: string } | null = null;
  let fd: number | null = attempt(() => openNew(temporary, mode));

  function attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw diskError(error, 'write', shown);
    }
  }

  function put(bytes: Uint8Array): void {
    if (fd === null) throw new Error(`${shown} is closed`);
    const open = fd;
    hash.update(bytes);
    attempt(() => writeAll(open, bytes));
    written += bytes.length;
  }

  function flush(): void {
    if (used === 0) return;
    const bytes = buffer.subarray(0, used);
    used = 0;
    put(bytes);
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
      // A UTF-16 unit takes three bytes at most, so the cheap bound decides before anything is counted.
      if (text.length * 3 > BUFFER_BYTES - used) {
        if (text.length * 3 > BUFFER_BYTES) {
          this.writeBytes(Buffer.from(text));
          return;
        }
        flush();
      }
      used += buffer.write(text, used);
    },
    writeBytes(bytes) {
      if (bytes.length > BUFFER_BYTES - used) flush();
      if (bytes.length > BUFFER_BYTES) {
        put(bytes);
        return;
      }
      buffer.set(bytes, used);
      used += bytes.length;
    },
    finish() {
      if (finished !== null) return finished;
      flush();
      attempt(() => {
        if (fd === null) throw new Error(`${shown} was discarded`);
        fsyncSync(fd);
        close();
        renameSync(temporary, path);
        syncFolder(dirname(path));
      });
      finished = { bytes: written, sha256: hash.digest('hex') };
      return finished;
    },
    discard() {
      if (finished !== null) return;
      close();
      attempt(() => removeIfThere(temporary));
    },
  };
}
