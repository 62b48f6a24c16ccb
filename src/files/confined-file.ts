import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { InputError } from '../core/errors.ts';
import { errnoOf, errnoWords, inputFailure } from '../core/input-failure.ts';
import { confinePath } from './confined-path.ts';

/** Where paths of a job are relative to. */
export interface JobPlace {
  /** The workspace, absolute. */
  readonly root: string;
  /** The job file's folder, absolute or relative to the workspace. */
  readonly dir: string;
}

/** A regular file that stood in the workspace when it was looked at. */
export interface ConfinedFile {
  /** Its real path. */
  readonly path: string;
  readonly bytes: number;
  /** What it is, whatever its name stands for later. */
  readonly identity: { readonly dev: number; readonly ino: number };
}

/**
 * A regular file of the workspace by its path relative to the job file. Throws InputError:
 * `<subject>_outside`, `<subject>_unreadable` (with errno).
 */
export async function findConfinedFile(
  file: string,
  { root, dir }: JobPlace,
  subject: 'text' | 'attachment',
): Promise<ConfinedFile> {
  const isText = subject === 'text';
  const refused = { code: isText ? 'text_unreadable' : 'attachment_unreadable', file };
  const confined = await confinePath(root, dir, file);
  if (!confined.ok && confined.reason === 'outside') {
    throw inputFailure({
      code: isText ? 'text_outside' : 'attachment_outside',
      file,
      problem: 'it is outside the workspace',
      next: 'copy the file into the workspace',
    });
  }
  if (!confined.ok) throw unreadable(refused, confined.error);
  try {
    // Asked before opening: opening a FIFO would wait for a writer.
    const kind = await stat(confined.path);
    if (kind.isDirectory())
      throw inputFailure({ ...refused, problem: 'it is a folder, not a file (EISDIR)' });
    if (!kind.isFile()) throw inputFailure({ ...refused, problem: 'it is not a regular file' });
    return { path: confined.path, bytes: kind.size, identity: { dev: kind.dev, ino: kind.ino } };
  } catch (error) {
    throw dressErrno(error, refused);
  }
}

/**
 * Opens the file that was looked at. A link, or another file, that was put in its place since is not read: it might lead out
 * of the workspace, and then its bytes to the API. The caller closes the handle.
 *
 * @throws InputError with the code of `refused`.
 */
export async function openConfinedFile(
  { path, identity }: ConfinedFile,
  refused: Refused,
): Promise<FileHandle> {
  // Neither follows a link nor waits for the writer of a FIFO; Windows has neither flag.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  let handle: FileHandle;
  try {
    handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw errnoOf(error) === 'ELOOP' ? swapped(refused) : dressErrno(error, refused);
  }
  const { dev, ino } = await handle.stat();
  if (dev === identity.dev && ino === identity.ino) return handle;
  await handle.close();
  throw swapped(refused);
}

function swapped(refused: Refused): InputError {
  return inputFailure({
    ...refused,
    problem: 'another file was put in its place while it was read',
    next: 'run the command again once nothing writes there',
  });
}

/** The file that cannot be used, and the code of the error that says so. */
interface Refused {
  readonly code: string;
  readonly file: string;
}

/** What the system refused, as an InputError; other errors as they are. */
export function dressErrno(error: unknown, refused: Refused): unknown {
  return errnoOf(error) === null ? error : unreadable(refused, error);
}

function unreadable(refused: Refused, cause: unknown): InputError {
  return inputFailure({
    ...refused,
    problem: errnoWords(cause),
    next: `check the path; it is relative to the job file`,
    cause,
  });
}
