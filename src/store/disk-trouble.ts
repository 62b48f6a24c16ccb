import { accessSync, constants, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoreRefusal } from '../core/store-remedies.ts';

/**
 * What SQLite asks of the disk before it can read anything in WAL mode: a shared index of 32 KiB, and a page or two of the
 * log (sqlite.org/walformat.html, 2.1). With less it says «disk I/O error».
 */
const ROOM_TO_OPEN_BYTES = 64 * 1024;

/**
 * SQLite calls nearly everything that a disk refuses «disk I/O error» or «unable to open». This looks at the disk itself: why
 * it would refuse the store at this path; null where nothing is found, as on a disk that is failing.
 */
export function diskTroubleAt(path: string): StoreRefusal | null {
  const { R_OK, W_OK, X_OK } = constants;
  const refused = refusalOf(dirname(path), R_OK | W_OK | X_OK) ?? refusalOf(path, R_OK | W_OK);
  return refused ?? (isFull(dirname(path)) ? 'full' : null);
}

function refusalOf(path: string, mode: number): 'readonly' | 'denied' | null {
  try {
    accessSync(path, mode);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EROFS') return 'readonly';
    return code === 'EACCES' || code === 'EPERM' ? 'denied' : null;
  }
}

/** By its bytes or by its number of files; file systems without such a number have 0 of them. */
function isFull(folder: string): boolean {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(folder);
    const free = process.geteuid?.() === 0 ? bfree : bavail;
    return free * bsize < ROOM_TO_OPEN_BYTES || (files > 0 && ffree === 0);
  } catch {
    return false;
  }
}
