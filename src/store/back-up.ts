import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { connect } from './open.ts';
import { toStoreError } from './sqlite-errors.ts';

/**
 * Copies the database as it is before its schema changes to `<file>.v<version>.bak`, which is kept until the next one. The
 * caller holds the write lock, so that nothing is written between the copy and the change.
 *
 * @throws StoreError when the copy cannot be made; then nothing may be changed.
 */
export function backUp(path: string, version: number): void {
  const copy = `${path}.v${version}.bak`;
  const temporary = `${copy}.${process.pid}.partial`;
  try {
    // VACUUM INTO fills an empty file, and takes its mode as it is.
    closeSync(openSync(temporary, 'w', 0o600));
    // A second connection: VACUUM runs in no transaction, and reads what the first one has not changed yet.
    const db = connect(path, { busyTimeoutMs: 0 });
    try {
      db.prepare('VACUUM INTO ?').run(temporary);
    } finally {
      db.close();
    }
    sync(temporary);
    renameSync(temporary, copy);
    if (process.platform !== 'win32') sync(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw refused(error, path);
  }
  sweep(path, basename(copy));
}

/** Earlier copies, and what a program left that was killed while it made one. */
function sweep(path: string, kept: string): void {
  for (const name of readdirSync(dirname(path))) {
    const isCopy = name.startsWith(`${basename(path)}.v`) && /\.bak(\.\d+\.partial)?$/.test(name);
    if (isCopy && name !== kept) rmSync(join(dirname(path), name), { force: true });
  }
}

function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function refused(error: unknown, path: string): unknown {
  const known = toStoreError(error, path);
  const isSystem = error instanceof Error && 'code' in error && typeof error.code === 'string';
  if (!(known instanceof StoreError) && !isSystem) return error;
  const isFull =
    known instanceof StoreError ? known.code === 'store_full' : isSystem && error.code === 'ENOSPC';
  const why = known instanceof StoreError ? known.why : error instanceof Error ? error.message : null;
  return new StoreError(`the store could not be brought to the layout of this batchctl: ${path}`, {
    code: isFull ? 'store_full' : known instanceof StoreError ? known.code : 'store_io',
    why: `before that a copy of it is made, which takes up to ${statSync(path).size} bytes: ${why}; nothing was changed`,
    next: isFull
      ? 'free some space, then start the same command again'
      : 'make the workspace writable for you',
    cause: error,
  });
}
