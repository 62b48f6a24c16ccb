import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { inputFailure } from '../core/input-failure.ts';
import type { SourceItem } from '../core/record.ts';
import { STDIN } from '../core/source.ts';
import { globFiles } from './glob-files.ts';
import type { SourcePlace } from './source-path.ts';

type ReadFile = (file: string) => AsyncIterable<readonly SourceItem[]>;

/** One file after another, in the order of the list, the files of a glob sorted; each file once. */
export async function* readSeveral(
  paths: readonly string[],
  place: SourcePlace,
  readFile: ReadFile,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  for (const file of await listPaths(paths, place)) {
    signal.throwIfAborted();
    yield* readFile(file);
  }
}

/** Throws InputError `no_records` for a glob that matches nothing. */
async function listPaths(paths: readonly string[], place: SourcePlace): Promise<Iterable<string>> {
  const files = new Set<string>();
  for (const path of paths) {
    if (path === STDIN || !/[*?[\]{}]/.test(path) || (await isThere(path, place))) {
      files.add(path);
      continue;
    }
    const found = await globFiles(path, place);
    if (found.length === 0) {
      throw inputFailure({
        code: 'no_records',
        file: path,
        problem: 'no file matches the glob',
        next: 'check "source" in the job file; it is relative to it',
      });
    }
    for (const file of found) files.add(file);
  }
  return files;
}

/** A file may be called `data[1].csv`. */
async function isThere(path: string, { root, dir }: SourcePlace): Promise<boolean> {
  return stat(resolve(root, dir, path)).then(
    () => true,
    () => false,
  );
}
