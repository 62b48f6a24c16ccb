import { readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../core/errors.ts';

/** Tells whether the workspace still stands where this run has opened it. */
export interface Home {
  /**
   * To be asked before anything is written by its path, or missed there: a run whose folder was moved would otherwise make it
   * anew at the old place, and write its results into that.
   *
   * @throws StoreError `workspace_moved`
   */
  require(): void;
  isThere(): boolean;
}

/** A folder is known by its device and its number there; an open file in it (the database) keeps both what they are. */
export function watchHome(root: string): Home {
  const opened = identityOf(root);
  // A disk or a share that does not answer has moved nothing: what is done next meets that too, and has its words for it.
  const isThere = (): boolean => {
    const now = identityOf(root);
    return now === opened || now === UNTOLD || opened === UNTOLD;
  };
  return {
    isThere,
    require() {
      if (isThere()) return;
      const now = findByCwd(opened);
      throw new StoreError(`the workspace is not at ${root} any more`, {
        code: 'workspace_moved',
        why: `its folder was moved or removed while this run worked in it${now === null ? '' : `; it is at ${now} now`}. Nothing more was written at the old place, and batches that were sent go on`,
        next: `batchctl -C ${now ?? 'ITS-NEW-PLACE'} resume carries on there; nothing is sent twice`,
      });
    },
  };
}

/** Of a folder that is not there, and of one that the system tells nothing about. */
const NONE = 'none';
const UNTOLD = 'untold';

function identityOf(folder: string): string {
  try {
    const found = statSync(folder, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? NONE : `${found.dev}:${found.ino}`;
  } catch {
    return UNTOLD;
  }
}

/** Who was started inside the workspace has moved with it, and Linux tells whereto. Node's own `cwd()` keeps the old name. */
function findByCwd(identity: string): string | null {
  if (identity === NONE) return null;
  try {
    for (let at = readlinkSync('/proc/self/cwd'); ; at = dirname(at)) {
      if (identityOf(at) === identity) return at;
      if (at === dirname(at)) return null;
    }
  } catch {
    return null;
  }
}
