import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

// Folders that hold no job files of the user's own.
const SKIPPED = new Set(['node_modules', '.git', '.batchctl', 'batch_requests', 'batch_results']);

// Deep enough for projects, shallow enough for a home folder.
const MAX_DEPTH = 4;

/**
 * The `*.job.yaml` files of a workspace, relative to it with `/`, sorted. Looks four folders deep, follows no
 * symbolic link and passes over folders that cannot be read.
 */
export async function findJobFiles(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (dir: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, dir), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      if (entry.isDirectory() && depth < MAX_DEPTH && !SKIPPED.has(entry.name)) await walk(path, depth + 1);
      else if (entry.isFile() && /\.job\.ya?ml$/.test(entry.name)) found.push(path);
    }
  };
  await walk('', 0);
  return found.sort();
}
