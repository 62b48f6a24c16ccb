import {
  chmodSync,
  type Dirent,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { STORE_REFUSALS } from '../core/store-remedies.ts';
import { isInside } from './confined-path.ts';
import { errnoOf } from './job-disk-error.ts';

/** Where batchctl keeps its own state, inside the workspace. */
export const STATE_DIR = '.batchctl';

/** The nearest folder from `start` upward that holds `.batchctl/`; null when there is none. */
export function findWorkspace(start: string): string | null {
  let folder = resolve(start);
  for (;;) {
    if (isFolder(join(folder, STATE_DIR))) return folder;
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

export function statePath(root: string, name: string): string {
  return join(root, STATE_DIR, name);
}

/**
 * Whether a file of that name stands in `.batchctl/`. The folder is its owner's alone, and to nobody else may that look like a
 * workspace without jobs.
 *
 * @throws StoreError `store_denied`
 */
export function isStateThere(root: string, name: string): boolean {
  return inStateDir(root, () => statSync(statePath(root, name), { throwIfNoEntry: false }) !== undefined);
}

function inStateDir<T>(root: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    throw denied(join(root, STATE_DIR), error);
  }
}

function denied(folder: string, cause: unknown): StoreError {
  const { code, why, next } = STORE_REFUSALS.denied;
  const owner = ownerOf(folder);
  const isOwn = owner === process.geteuid?.();
  return new StoreError(`${folder} may not be read`, {
    code,
    why: isOwn
      ? `you own it, and have taken your own rights to it (${errnoOf(cause)})`
      : `${owner === null ? '' : `it belongs to user ${owner}; `}${why} (${errnoOf(cause)})`,
    next: isOwn ? `chmod 700 ${folder}, then start the same command again` : next,
    cause,
  });
}

function ownerOf(path: string): number | null {
  try {
    return lstatSync(path).uid;
  } catch {
    return null;
  }
}

/**
 * Makes `.batchctl/` with mode 0700 and a .gitignore of its own, and returns its path. What others may read there is
 * tightened, and told once, since afterwards it is tight: state names prompts and batches. May be called any number of times.
 *
 * @throws StoreError `store_denied` when it is somebody else's; `path_outside` when the folder, or what stands in it, is a link that leads out of the workspace. A
 * repository that somebody else made may bring one, and SQLite would write where it points.
 */
export function ensureStateDir(root: string, warn: (text: string) => void = () => undefined): string {
  const folder = join(root, STATE_DIR);
  refuseWayOut(root, folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const wasOpen = tighten(folder, 0o700);
  const entries = inStateDir(root, () => (wasOpen ? everythingIn(folder) : entriesOf(folder)));
  const opened = entries.filter((entry) => {
    if (entry.isSymbolicLink()) refuseWayOut(root, pathOf(entry));
    return tighten(pathOf(entry), entry.isDirectory() ? 0o700 : 0o600);
  });
  if (wasOpen) warn(`other users could read ${folder}; from now on you alone can`);
  else if (opened.length > 0) {
    const names = opened.map(({ name }) => name).join(', ');
    warn(`other users were let at ${names} in ${folder}; from now on you alone can read them`);
  }
  try {
    // «wx» does not follow a link that leads nowhere yet.
    writeFileSync(join(folder, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  return folder;
}

/** Takes the rights of others from a file or folder that is ours. False: it had none, or keeps them. */
function tighten(path: string, mode: number): boolean {
  if (process.platform === 'win32') return false;
  const before = lstatSync(path, { throwIfNoEntry: false });
  if (before === undefined || !(before.isFile() || before.isDirectory()) || (before.mode & 0o077) === 0)
    return false;
  try {
    chmodSync(path, mode);
  } catch (error) {
    // Somebody else's, or gone since: the work itself will say what cannot be done.
    if (!['EPERM', 'EROFS', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
    return false;
  }
  // Some file systems (FAT, shares) have no rights to take.
  return ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0o077) & 0o077) === 0;
}

function entriesOf(folder: string): readonly Dirent[] {
  return readdirSync(folder, { withFileTypes: true });
}

function everythingIn(folder: string): readonly Dirent[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true });
}

function pathOf(entry: Dirent): string {
  return join(entry.parentPath, entry.name);
}

function refuseWayOut(root: string, path: string): void {
  if (!(lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false)) return;
  if (leadsInside(root, path)) return;
  throw new StoreError(`${path} is a link that leads out of the workspace`, {
    code: 'path_outside',
    why: 'what is written there would change a file elsewhere',
    next: 'remove the link, or move the whole workspace to where it points',
  });
}

/** A link to nothing leads nowhere, so it is not inside either. */
function leadsInside(root: string, path: string): boolean {
  try {
    return isInside(realpathSync(root), realpathSync(path));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP') return false;
    throw error;
  }
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
