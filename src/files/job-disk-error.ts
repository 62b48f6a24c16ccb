import { constants as osConstants } from 'node:os';
import { StoreError } from '../core/errors.ts';

interface DiskProblem {
  readonly code: string;
  readonly what: string;
  readonly next: string;
}

const FULL: DiskProblem = {
  code: 'disk_full',
  what: 'there is no room',
  next: 'free some space (or raise the quota or limit) and run the same command again; nothing is lost',
};
const DENIED: DiskProblem = {
  code: 'disk_denied',
  what: 'the system does not allow it',
  next: 'check who owns the folder and whether its disk is mounted for writing, then run the same command again',
};
const REFUSED: DiskProblem = {
  code: 'path_refused',
  what: 'no file of this name can stand there',
  next: 'move what stands in the way, or choose another path, then run the same command again',
};
const TOO_MANY: DiskProblem = {
  code: 'too_many_files',
  what: 'too many files are open',
  next: 'raise the limit (ulimit -n) or close other programs, then run the same command again',
};

/** Names from errno(3); what is not here is a bug or a broken disk, and is told as it came. */
const PROBLEMS: Readonly<Record<string, DiskProblem>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: FULL,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  EMFILE: TOO_MANY,
  ENFILE: TOO_MANY,
  EISDIR: REFUSED,
  ENOTDIR: REFUSED,
  ENOTEMPTY: REFUSED,
  EEXIST: REFUSED,
  ELOOP: REFUSED,
  ENAMETOOLONG: REFUSED,
  EINVAL: REFUSED,
  EIO: {
    code: 'disk_io',
    what: 'the disk failed',
    next: 'check the disk, then run the same command again',
  },
  ENOENT: {
    code: 'file_missing',
    what: 'it is not there',
    next: 'put the file back, or run batchctl verify to see what else is gone',
  },
};

/**
 * What to throw instead of an error of the system. `action` is a verb («write»), `path` as the user knows it. Anything
 * that is no error of the system comes back as it is: it is ours already, or a bug, and bugs are not to be dressed up.
 */
export function diskError(error: unknown, action: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === null || error instanceof StoreError) return error;
  const problem = PROBLEMS[errno];
  return new StoreError(`could not ${action} ${path}`, {
    code: problem?.code ?? 'disk_failed',
    why: problem === undefined ? String(error) : `${problem.what} (${errno})`,
    next: problem?.next ?? 'run the same command again',
    cause: error,
  });
}

/**
 * `ENOSPC` and the like; null for every other error. Node's own codes begin with `ERR_` and have no errno. A used-up quota
 * is none that libuv knows: Node calls it «Unknown system error -122».
 */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error && 'errno' in error && 'code' in error)) return null;
  const { code, errno } = error;
  if (errno === -osConstants.errno.EDQUOT) return 'EDQUOT';
  return typeof code === 'string' ? code : null;
}
