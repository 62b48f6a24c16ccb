import { glob } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { inputFailure } from '../core/input-failure.ts';
import type { SourcePlace } from './source-path.ts';

// Never the user's texts, and what batchctl writes must not become its own input.
const SKIPPED = new Set(['node_modules', '.git', '.batchctl', 'batch_requests', 'batch_results']);

/**
 * The files that match, relative to the job file with `/`, in the order of their code units: the same on every machine.
 * Throws InputError `source_outside` when the pattern leads out of the workspace.
 */
export async function globFiles(pattern: string, { root, dir }: SourcePlace): Promise<readonly string[]> {
  const from = resolve(root, dir);
  const [, fixed = ''] = /^([^*?[\]{}]*(?:\/|$))/.exec(pattern) ?? [];
  const way = relative(resolve(root), resolve(from, fixed));
  if (way === '..' || way.startsWith(`..${sep}`) || /(?:\*|\]|\}).*\/\.\.(?:\/|$)/.test(pattern)) {
    throw inputFailure({
      code: 'source_outside',
      file: pattern,
      problem: 'the glob leads out of the workspace',
      next: 'copy the files into the workspace',
    });
  }
  const paths: string[] = [];
  for await (const entry of glob(pattern, {
    cwd: from,
    withFileTypes: true,
    exclude: (found) => SKIPPED.has(found.name),
  })) {
    if (!entry.isDirectory())
      paths.push(relative(from, join(entry.parentPath, entry.name)).split(sep).join('/'));
  }
  return paths.sort();
}
