import { isKnownError, StoreError } from '../core/errors.ts';
import { errnoOf } from '../files/job-disk-error.ts';

/** Refusals of the disk, in words. Other codes keep their own. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than this system allows',
  EROFS: 'the file system is read-only',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk answered with an error',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'symbolic links lead to each other',
};

/** The same of SQLite, for databases beside the store, which tells its own. */
const DATABASE_REASONS: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk is full; what was committed before is safe',
  SQLITE_READONLY: 'the file, its folder or its file system is read-only',
  SQLITE_PERM: 'permission was denied',
  SQLITE_CANTOPEN: 'it could not be opened: its folder is read-only or not yours, or too many files are open',
  SQLITE_IOERR: 'the disk is full, or answered with an error',
};

/**
 * A system call or a database call that failed without anybody having put it in words becomes a StoreError; everything
 * else comes back as it was.
 */
export function explainSystemError(thrown: unknown): unknown {
  if (isKnownError(thrown) || !(thrown instanceof Error)) return thrown;
  const { code, path, syscall } = thrown as NodeJS.ErrnoException; // optional fields, each looked at below
  // Node loads a module when it is first needed, and says in words alone that it has no handle left for it.
  if (/too many open files/i.test(thrown.message) && syscall === undefined) {
    return new StoreError('a part of batchctl could not be loaded', {
      code: 'disk_refused',
      why: thrown.message,
      next: 'raise the limit of open files (ulimit -n), then run the same command again: it carries on',
      cause: thrown,
    });
  }
  if (typeof code !== 'string') return thrown;
  if (code.startsWith('SQLITE_')) {
    const disk = DATABASE_REASONS[code.replace(/^(SQLITE_[A-Z]+).*$/, '$1')];
    return new StoreError('the database refused to work', {
      code: 'database_failed',
      why: disk === undefined ? `${code}: ${thrown.message}` : `${disk} (${code})`,
      next:
        disk === undefined
          ? 'batchctl doctor'
          : 'see that the disk has room and can be written to, then run the same command again',
      cause: thrown,
    });
  }
  const reason = REASONS[errnoOf(thrown) ?? code] ?? (isNameless(code, syscall) ? thrown.message : undefined);
  if (reason === undefined || syscall === undefined) return thrown;
  return new StoreError(path === undefined ? `${syscall} failed` : `${path} could not be used`, {
    code: 'disk_refused',
    why: `${reason} (${isNameless(code, syscall) ? '' : `${code} `}from ${syscall})`,
    next: 'put that right, then run the same command again: it carries on',
    cause: thrown,
  });
}

/** Of what libuv has no name for, and of most errors of `rmSync` in Node 24, which have an empty code. */
function isNameless(code: string, syscall: string | undefined): boolean {
  return code.startsWith('Unknown system error') || (code === '' && syscall === 'rm');
}
