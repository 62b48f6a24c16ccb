import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './job-disk-error.ts';

/** The longest name of ext4, APFS and NTFS, in bytes (NTFS counts UTF-16 units, which is never less room). */
const MAX_NAME_BYTES = 255;

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;
// Windows has no O_NOFOLLOW; creating links there takes a privilege that ordinary users do not have.
const NO_FOLLOW = O_NOFOLLOW ?? 0;

export function fileMode(isPrivate: boolean): number {
  return isPrivate ? 0o600 : 0o666;
}

/** `.<name>.partial` in the same folder; the same each time, so that what a killed run left is overwritten. */
export function temporaryPath(path: string): string {
  const name = basename(path);
  const partial = `.${name}.partial`;
  const fits = Buffer.byteLength(partial) <= MAX_NAME_BYTES;
  const short = fits ? partial : `.${createHash('sha256').update(name).digest('hex').slice(0, 16)}.partial`;
  return join(dirname(path), short);
}

/** Opens a file that is not there yet for writing. A leftover, or a planted link, is removed and never followed. */
export function openNew(path: string, mode: number): number {
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    unlinkSync(path);
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  }
}

/** A write may take less than it was given, for instance just before the disk is full. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}

/** Makes the names in a folder survive a power loss. Windows cannot open folders; its file systems journal names. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces a file whole: a reader sees the old bytes or the new ones. A link in its place is replaced, not followed. */
export function replaceFile(path: string, content: string, mode: number, durable: boolean): void {
  const temporary = temporaryPath(path);
  const fd = openNew(temporary, mode);
  try {
    try {
      writeAll(fd, Buffer.from(content));
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
  if (durable) syncFolder(dirname(path));
}

/** Appends one line and fsyncs. A torn last line, left by a crash, is closed first so that it cannot swallow this one. */
export function appendLine(path: string, line: string, mode: number): void {
  const fd = openSync(path, O_RDWR | O_CREAT | O_APPEND | NO_FOLLOW, mode);
  let isNew: boolean;
  try {
    const { size } = fstatSync(fd);
    isNew = size === 0;
    const last = Buffer.alloc(1, '\n');
    if (size > 0) readSync(fd, last, 0, 1, size - 1);
    writeAll(fd, Buffer.from(`${last[0] === 0x0a ? '' : '\n'}${line}\n`));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  if (isNew) syncFolder(dirname(path));
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
  }
}
