import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { StoreError } from '../core/errors.ts';
import type { FolderEntry, JobFiles, Line } from '../core/ports/files.ts';
import { openGrowingFile } from './growing-file.ts';
import { type Home, watchHome } from './home.ts';
import { diskError, errnoOf } from './job-disk-error.ts';
import { readFolder, removeIfEmpty } from './job-folders.ts';
import { readLineChunks } from './job-lines.ts';
import { openRanges } from './job-ranges.ts';
import { loadModule } from './load-module.ts';
import { openHashedFile, openNewFile } from './new-file.ts';
import { readBody } from './shard-body.ts';
import { appendLine, fileMode, removeIfThere, replaceFile, syncFolder } from './write-atomic.ts';

/**
 * The files of jobs under `root`, the workspace. Nothing is read, written or removed outside it: a path that leads out,
 * by its letters or through a link, is refused with a StoreError of code `path_outside`. Once the workspace is elsewhere, nothing
 * more is written, read or found missing: that is a StoreError of code `workspace_moved`. It costs a look at the folder, which
 * the files of single rows are spared as long as theirs is there.
 */
export function openJobFiles(root: string, home: Home = watchHome(root)): JobFiles {
  home.require();
  const realRoot = realpathSync(root);
  /** Folders known to be there and inside; a job writes many files into few folders. */
  const known = new Set<string>();

  function locate(path: string): string {
    const absolute = resolve(realRoot, path);
    if (path === '' || isAbsolute(path) || path.includes('\0') || !isInside(absolute)) throw outside(path);
    return absolute;
  }

  function isInside(absolute: string): boolean {
    const way = relative(realRoot, absolute);
    return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  }

  /** The nearest folder upward that exists decides where a link would take us, before anything is made there. */
  function leadsOutside(folder: string): boolean {
    for (let at = folder; ; at = dirname(at)) {
      if (at === realRoot) return false;
      try {
        return !isInside(realpathSync(at)) && realpathSync(at) !== realRoot;
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    }
  }

  function ensureFolder(folder: string, shown: string, isPrivate: boolean, durable: boolean): void {
    if (known.has(folder)) return;
    home.require();
    if (leadsOutside(folder)) throw outside(shown);
    const first = makeFolders(folder, isPrivate ? 0o700 : 0o777);
    if (first !== undefined && durable) {
      for (let at = folder; at.length >= first.length; at = dirname(at)) syncFolder(dirname(at));
    }
    known.add(folder);
  }

  /** Runs once more when a folder that was there has been removed meanwhile. */
  function inFolderOf<T>(
    path: string,
    options: { readonly private: boolean; readonly durable: boolean },
    action: (absolute: string) => T,
  ): T {
    const absolute = locate(path);
    const folder = dirname(absolute);
    if (options.durable) home.require();
    try {
      ensureFolder(folder, path, options.private, options.durable);
      try {
        return action(absolute);
      } catch (error) {
        // What a new file throws is dressed already.
        const errno = errnoOf(error instanceof StoreError ? error.cause : error);
        if (errno !== 'ENOENT' || existsSync(folder)) throw error;
        known.clear();
        ensureFolder(folder, path, options.private, options.durable);
        return action(absolute);
      }
    } catch (error) {
      throw diskError(error, 'write', path);
    }
  }

  /** What opens a file that will be durable, for paths in the workspace. */
  function opening<T>(open: (absolute: string, shown: string, mode: number, before: () => void) => T) {
    return (path: string, options: { readonly private: boolean }): T =>
      inFolderOf(path, { ...options, durable: true }, (absolute) =>
        open(absolute, path, fileMode(options.private), home.require),
      );
  }

  function guarded<T>(verb: string, path: string, action: (absolute: string) => T): T {
    home.require();
    return confined(verb, path, action);
  }

  function confined<T>(verb: string, path: string, action: (absolute: string) => T): T {
    const absolute = locate(path);
    try {
      if (!known.has(dirname(absolute)) && leadsOutside(dirname(absolute))) throw outside(path);
      return action(absolute);
    } catch (error) {
      throw diskError(error, verb, path);
    }
  }

  const requestsDir = (jobId: string): string => `batch_requests/${jobId}`;
  const resultsDir = (jobId: string): string => `batch_results/${jobId}`;

  async function* lines(path: string): AsyncGenerator<readonly Line[]> {
    try {
      yield* readLineChunks(guarded('read', path, (absolute) => absolute));
    } catch (error) {
      throw diskError(error, 'read', path);
    }
  }

  async function* entries(path: string): AsyncGenerator<FolderEntry> {
    const folder = guarded('read', path, (absolute) => (leadsOutside(absolute) ? null : absolute));
    if (folder === null) return;
    try {
      yield* readFolder(folder);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw diskError(error, 'read', path);
    }
  }

  function removeFolders(paths: readonly string[]): void {
    for (const path of paths) {
      guarded('remove', path, (absolute) => {
        if (dirname(dirname(absolute)) !== realRoot) throw outside(path);
        rmSync(absolute, { recursive: true, force: true });
      });
    }
    known.clear();
  }

  return {
    requestsDir,
    resultsDir,
    create: opening(openNewFile),
    createHashed: opening(openHashedFile),
    grow: opening(openGrowingFile),
    removeJob: (jobId) => removeFolders([requestsDir(jobId), resultsDir(jobId)]),
    removeResults: (jobId) => removeFolders([resultsDir(jobId)]),
    remove: (path) => guarded('remove', path, removeIfThere),
    removeIfSame: (path, text) =>
      guarded('remove', path, (absolute) => {
        const bytes = Buffer.from(text);
        const { size } = statSync(absolute);
        if (size !== bytes.length || !readFileSync(absolute).equals(bytes)) return null;
        removeIfThere(absolute);
        return size;
      }),
    removeFolder: (path) => {
      guarded('remove', path, removeIfEmpty);
      known.clear();
    },
    entries,
    exists(path) {
      const isThere = isReachable(() => confined('read', path, existsSync));
      if (!isThere) home.require();
      return isThere;
    },
    size: (path) => guarded('read', path, (absolute) => statSync(absolute).size),
    lines,
    open: (path) => guarded('read', path, (absolute) => openRanges(absolute, path)),
    body: (path, shard) => guarded('read', path, (absolute) => readBody(absolute, path, shard)),
    replace: (path, content, options) =>
      inFolderOf(path, options, (absolute) =>
        replaceFile(absolute, content, fileMode(options.private), options.durable),
      ),
    // Receipts name batches and accounts: nobody else's business.
    append: (path, line) =>
      inFolderOf(path, { private: true, durable: true }, (absolute) => appendLine(absolute, line, 0o600)),
    sha256: (path) =>
      hashFile(
        guarded('read', path, (absolute) => absolute),
        path,
      ),
    loadModule: (dir, path) => loadModule(realRoot, dir, path),
  };
}

/**
 * Makes a folder and those above it; returns the topmost that was not there. After most errors Node asks whether the folder is
 * there and answers that it is not (`MKDirpSync`, src/node_file.cc of Node 24): a disk that is full or read-only would be
 * called a missing file. The first folder made alone says what it was.
 */
function makeFolders(folder: string, mode: number): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true, mode });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    let topmost = folder;
    while (!existsSync(dirname(topmost))) topmost = dirname(topmost);
    mkdirSync(topmost, { mode });
    mkdirSync(folder, { recursive: true, mode });
    return topmost;
  }
}

async function hashFile(absolute: string, shown: string): Promise<string> {
  try {
    const file = await open(absolute, 'r');
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(1 << 20);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return hash.digest('hex');
        hash.update(buffer.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw diskError(error, 'read', shown);
  }
}

/** What leads out of the workspace, or may not be looked at, counts as not there. */
function isReachable(action: () => boolean): boolean {
  try {
    return action();
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  }
}

function outside(path: string): StoreError {
  return new StoreError(`${path} is not inside the workspace`, {
    code: 'path_outside',
    why: 'it leads out of it, by its letters or through a symbolic link',
    next: 'use a path inside the workspace, or make the whole workspace stand where the link points',
  });
}
