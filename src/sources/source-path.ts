import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { InputError } from '../core/errors.ts';
import { errnoOf, errnoWords, inputFailure } from '../core/input-failure.ts';

/** Where the paths of a source start, and what they must not leave. */
export interface SourcePlace {
  /** The workspace, absolute. */
  readonly root: string;
  /** The job file's folder, absolute or relative to the workspace. */
  readonly dir: string;
  /** Standard input, for the path `-`; absent where there is none to read. */
  readonly stdin?: () => StandardInput;
  /** What a program of a source finds in its environment; absent: what this process has. */
  readonly programEnv?: NodeJS.ProcessEnv;
  /** The values of a source of the kind `given`; absent where the program that had them is gone. */
  readonly given?: Iterable<unknown> | AsyncIterable<unknown>;
}

/** What is needed of a process's standard input. */
export interface StandardInput extends AsyncIterable<Buffer> {
  /** Somebody has begun to read it. */
  readonly readableDidRead: boolean;
  /** A terminal, where nobody types records. */
  readonly isTTY?: boolean;
}

/** The real path of a source file, every link resolved; throws InputError `source_outside` or `source_unreadable`. */
export async function confine(file: string, { root, dir }: SourcePlace): Promise<string> {
  if (file.includes('\0')) throw unreadable(file, new Error('its name holds a NUL character'));
  const wanted = resolve(root, dir, file);
  const outside = (): InputError =>
    inputFailure({
      code: 'source_outside',
      file,
      problem: 'it is outside the workspace',
      why: `the workspace is ${root}; a symbolic link may not lead out of it either`,
      next: 'copy the file into the workspace',
    });
  if (!isInside(resolve(root), wanted)) throw outside();
  try {
    const real = await realpath(wanted);
    if (!isInside(await realpath(root), real)) throw outside();
    return real;
  } catch (error) {
    throw isErrno(error) ? unreadable(file, error) : error;
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Opens a regular file and nothing else; throws InputError `source_unreadable`. */
export async function openRegular(
  path: string,
  file: string,
): Promise<{ handle: FileHandle; before: BigIntStats }> {
  try {
    // Asked before opening: opening a FIFO would wait for a writer.
    const kind = await stat(path);
    if (kind.isDirectory())
      throw inputFailure({
        code: 'source_unreadable',
        file,
        problem: 'it is a folder, not a file (EISDIR)',
        next: 'name a file, or use "dir" with a glob',
      });
    if (!kind.isFile())
      throw inputFailure({
        code: 'source_unreadable',
        file,
        problem: 'it is not a regular file (a pipe, a device or a socket)',
        next: 'write the data to a file first',
      });
    const handle = await open(path, constants.O_RDONLY);
    return { handle, before: await handle.stat({ bigint: true }) };
  } catch (error) {
    throw isErrno(error) ? unreadable(file, error) : error;
  }
}

/** A failed system call on a source file as an InputError that names its errno. */
export function unreadable(file: string, cause: unknown): InputError {
  return inputFailure({
    code: 'source_unreadable',
    file,
    problem: errnoWords(cause),
    next: `check the path and its permissions: ls -l ${file}`,
    cause,
  });
}

function isErrno(error: unknown): boolean {
  return errnoOf(error) !== null;
}
