import { StoreError } from '../core/errors.ts';
import { DAMAGED_STORE, STORE_REFUSALS, type StoreRefusal } from '../core/store-remedies.ts';
import { diskTroubleAt } from './disk-trouble.ts';

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
      return refused('full', path);
    case 'SQLITE_CORRUPT':
      return {
        code: 'store_damaged',
        message: `the store is damaged: ${path}`,
        why: `SQLite says: ${error.message}`,
        next: DAMAGED_STORE,
      };
    case 'SQLITE_NOTADB':
      return {
        code: 'store_foreign',
        message: `the store is damaged, or not one of batchctl: ${path}`,
        why: 'its first page is not that of a SQLite database: it is destroyed, or another file stands in its place',
        next: 'put a copy of it back; a file that is not ours move away, or choose another workspace with -C',
      };
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
      return refused(diskTroubleAt(path) ?? 'readonly', path);
    case 'SQLITE_CANTOPEN': {
      const trouble = diskTroubleAt(path);
      if (trouble !== null) return refused(trouble, path);
      return {
        code: 'store_io',
        message: `the store could not be opened: ${path}`,
        why: `the operating system refused (${error.code}); something else in its place does that, or too many open files`,
        next: 'see what stands there and raise the limit of open files (ulimit -n), then start the same command again',
      };
    }
    case 'SQLITE_IOERR':
    case 'SQLITE_NOLFS':
    case 'SQLITE_PROTOCOL': {
      const trouble = diskTroubleAt(path);
      if (trouble !== null) return refused(trouble, path);
      return {
        code: 'store_io',
        message: `the store could not be read or written: ${path}`,
        why: `the operating system refused (${error.code}); a network file system or a failing disk does that`,
        next: 'keep the workspace on a local disk, then start the same command again',
      };
    }
    default:
      return null;
  }
}

function refused(kind: StoreRefusal, path: string) {
  return { message: `the store could not be ${VERBS[kind]}: ${path}`, ...STORE_REFUSALS[kind] };
}

const VERBS = { full: 'written', readonly: 'written', denied: 'used' } as const;
