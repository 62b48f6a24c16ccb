import { StoreError } from '../core/errors.ts';

/** What better-sqlite3 throws, known by its shape: its code is SQLite's extended result code as text. */
interface SqliteError extends Error {
  readonly code: string;
}

function isSqliteError(error: unknown): error is SqliteError {
  return (
    error instanceof Error &&
    error.name === 'SqliteError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('SQLITE_')
  );
}

export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && /^SQLITE_(BUSY|LOCKED)/.test(error.code);
}

/**
 * What stopped SQLite, in the user's words. Anything that is not the disk's or another program's doing (a constraint, a
 * mistake in our SQL) comes back unchanged: that is a bug and must show its stack.
 */
export function toStoreError(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  const facts = factsOf(error, path);
  if (facts === null) return error;
  const { message, ...rest } = facts;
  return new StoreError(message, { ...rest, cause: error });
}

function factsOf(error: SqliteError, path: string) {
  const code = error.code.replace(/^(SQLITE_[A-Z]+).*$/, '$1');
  switch (code) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return {
        code: 'store_locked',
        message: `the store is busy: ${path}`,
        why: 'another program has been writing to it for longer than this one could wait',
        next: 'wait for the other batchctl to finish, then start the same command again',
      };
    case 'SQLITE_FULL':
      return {
        code: 'store_full',
        message: `the store could not be written: ${path}`,
        why: 'the disk is full; what was committed before is safe',
        next: 'free some space, then start the same command again',
      };
    case 'SQLITE_CORRUPT':
      return {
        code: 'store_damaged',
        message: `the store is damaged: ${path}`,
        why: `SQLite says: ${error.message}`,
        next: 'batchctl doctor --rebuild, or put a copy back; keep the file and its -wal; batches that were sent go on meanwhile',
      };
    case 'SQLITE_NOTADB':
      return {
        code: 'store_foreign',
        message: `not a batchctl store: ${path}`,
        why: 'it is not a SQLite database, or its first page is destroyed',
        next: 'move the file away, or choose another workspace with -C',
      };
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
      return {
        code: 'store_readonly',
        message: `the store cannot be written: ${path}`,
        why: `the file, its folder or its file system is read-only (${error.code})`,
        next: 'make the workspace writable for you, or choose another one with -C',
      };
    case 'SQLITE_CANTOPEN':
      return {
        code: 'store_io',
        message: `the store could not be opened: ${path}`,
        why: `the operating system refused (${error.code}); something else in its place does that, or too many open files`,
        next: 'see what stands there and raise the limit of open files (ulimit -n), then start the same command again',
      };
    case 'SQLITE_IOERR':
    case 'SQLITE_NOLFS':
    case 'SQLITE_PROTOCOL':
      return {
        code: 'store_io',
        message: `the store could not be read or written: ${path}`,
        why: `the operating system refused (${error.code}); a network file system or a failing disk does that`,
        next: 'keep the workspace on a local disk, then start the same command again',
      };
    default:
      return null;
  }
}
