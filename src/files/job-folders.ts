import { type Dirent, lstatSync, opendirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FolderEntry } from '../core/ports/files.ts';
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

/** The same one by one, with sizes: a folder of answers may hold a million. Links are not followed. */
export async function* readFolder(folder: string): AsyncGenerator<FolderEntry> {
  for await (const entry of opendirSync(folder, { bufferSize: 256 })) {
    const { name } = entry;
    if (entry.isDirectory()) yield { name, kind: 'folder', bytes: 0 };
    else if (!entry.isFile()) yield { name, kind: 'other', bytes: 0 };
    else {
      const size = lstatSync(join(folder, name), { throwIfNoEntry: false })?.size;
      // Removed since the folder was read.
      if (size !== undefined) yield { name, kind: 'file', bytes: size };
    }
  }
}

const STAYS: ReadonlySet<string | null> = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR']);

export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!STAYS.has(errnoOf(error))) throw error;
  }
}
