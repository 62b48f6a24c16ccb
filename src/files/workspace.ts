import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

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
 * Makes `.batchctl/` with mode 0700 and a .gitignore of its own, and returns its path. A folder that others may read is
 * tightened: job state names prompts and batches. May be called any number of times.
 */
export function ensureStateDir(root: string): string {
  const folder = join(root, STATE_DIR);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  const ignore = join(folder, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return folder;
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
