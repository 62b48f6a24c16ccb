import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from './job-disk-error.ts';

/** The jobs of which the workspace has a folder of requests, by name. */
export function listJobFolders(root: string): readonly string[] {
  return entriesOf(join(root, 'batch_requests'))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();
}

/** What a folder holds; nothing where there is none. */
export function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
