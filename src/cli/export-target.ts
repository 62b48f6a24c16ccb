import { statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { diskError } from '../files/job-disk-error.ts';
import { isFolder } from '../files/workspace.ts';
import type { Output } from './output.ts';

/** Where a text goes: stdout, or a file that appears under its name when it is whole. */
export interface TextTarget {
  /** True once the reader has gone: what is written after that is dropped. */
  readonly isClosed: boolean;
  write(text: string): Promise<void>;
  finish(): Promise<void>;
  /** Removes what was written; does nothing after `finish`, nor where there is nothing to remove. */
  discard(): Promise<void>;
}

export function stdoutTarget(output: Output): TextTarget {
  return {
    get isClosed() {
      return output.isClosed;
    },
    write: (text) => output.data(text),
    finish: async () => undefined,
    discard: async () => undefined,
  };
}

/**
 * `path` is absolute. A device or a pipe is written as it is; anything else under a temporary name beside it.
 *
 * @throws UsageError where no file can stand; StoreError, from every method, when the disk refuses
 */
export async function fileTarget(path: string, options: { readonly private: boolean }): Promise<TextTarget> {
  refuseNoPlace(path);
  const isDirect = statSync(path, { throwIfNoEntry: false })?.isFile() === false;
  const place = isDirect ? path : join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  let isClosed = false;
  let file: FileHandle | null = null;

  const guarded = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      // The reader of a named pipe has gone.
      if (error instanceof Error && 'code' in error && error.code === 'EPIPE') isClosed = true;
      else throw diskError(error, 'write', path);
      return undefined;
    }
  };
  const close = async (): Promise<void> => {
    const opened = file;
    file = null;
    await opened?.close();
  };

  const mode = options.private ? 0o600 : 0o666;
  file = (await guarded(() => open(place, isDirect ? 'w' : 'wx', mode))) ?? null;
  return {
    get isClosed() {
      return isClosed;
    },
    async write(text) {
      if (!isClosed) await guarded(async () => file?.writeFile(text));
    },
    async finish() {
      await guarded(async () => {
        await close();
        if (!isDirect) await rename(place, path);
      });
    },
    async discard() {
      await close();
      if (!isDirect) await rm(place, { force: true });
    },
  };
}

/** @throws UsageError for a folder, and for a file in a folder that is not there */
export function refuseNoPlace(path: string): void {
  if (isFolder(path)) {
    throw new UsageError(`${path} is a folder`, { code: 'not_a_file', next: 'name a file in it with -o' });
  }
  if (!isFolder(dirname(path))) {
    throw new UsageError(`${dirname(path)} is not a folder`, {
      code: 'not_a_folder',
      next: 'make it first, or name another file with -o',
    });
  }
}
