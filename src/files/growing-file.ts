import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type GrowingFile, growingPath } from '../core/ports/files.ts';
import { diskError, errnoOf } from './job-disk-error.ts';
import { syncFolder, writeAll } from './write-atomic.ts';

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
const LF = 0x0a;
const LOOK_BACK_BYTES = 1 << 16;

/** `path` is absolute, its folder exists; `shown` is the path as messages name it. `before` may forbid to give it its name. */
export function openGrowingFile(
  path: string,
  shown: string,
  mode: number,
  before: () => void = () => undefined,
): GrowingFile {
  const growing = growingPath(path);
  let fd: number | null = attempt(() => openAtLastLine(path, growing, mode));
  let isDirty = false;

  function attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw diskError(error, 'write', shown);
    }
  }

  function opened(): number {
    if (fd === null) throw new Error(`${shown} is closed`);
    return fd;
  }

  function sync(): void {
    if (!isDirty) return;
    attempt(() => fsyncSync(opened()));
    isDirty = false;
  }

  function close(): void {
    if (fd === null) return;
    const open = fd;
    try {
      sync();
    } finally {
      fd = null;
      closeSync(open);
    }
  }

  return {
    append(line) {
      attempt(() => appendWhole(opened(), Buffer.from(`${line}\n`)));
      isDirty = true;
    },
    sync,
    finish() {
      // Also what an earlier run wrote, which a power loss could still take.
      isDirty = true;
      close();
      before();
      attempt(() => {
        renameSync(growing, path);
        syncFolder(dirname(path));
      });
    },
    close,
  };
}

/** A kill between the final name and the record of it leaves a file under its final name that still grows. */
function openAtLastLine(path: string, growing: string, mode: number): number {
  let isNew = false;
  try {
    closeSync(openSync(growing, O_RDWR | (O_NOFOLLOW ?? 0)));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    isNew = !isRenamed(path, growing);
  }
  const fd = openSync(growing, O_RDWR | O_CREAT | O_APPEND | (O_NOFOLLOW ?? 0), mode);
  try {
    cutTornLine(fd);
    if (isNew) syncFolder(dirname(growing));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function isRenamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function cutTornLine(fd: number): void {
  const { size } = fstatSync(fd);
  const end = endOfLastLine(fd, size);
  if (end < size) ftruncateSync(fd, end);
}

/** Behind the last newline; 0 when there is none. */
function endOfLastLine(fd: number, size: number): number {
  const buffer = Buffer.allocUnsafe(LOOK_BACK_BYTES);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - LOOK_BACK_BYTES);
    const read = readSync(fd, buffer, 0, end - start, start);
    const found = buffer.subarray(0, read).lastIndexOf(LF);
    if (found !== -1) return start + found + 1;
    end = start;
  }
  return 0;
}

/** On a disk that is full half of a line may be there: it goes, so that the next one does not stand behind it. */
function appendWhole(fd: number, bytes: Uint8Array): void {
  const { size } = fstatSync(fd);
  try {
    writeAll(fd, bytes);
  } catch (error) {
    ftruncateSync(fd, size);
    throw error;
  }
}
