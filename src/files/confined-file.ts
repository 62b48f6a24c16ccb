import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import type { InputError } from '../core/errors.ts';
import { errnoOf, errnoWords, inputFailure } from '../core/input-failure.ts';
import { confinePath, isInside } from './confined-path.ts';

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
    return { path: confined.path, bytes: kind.size };
  } catch (error) {
    throw dressErrno(error, refused);
  }
}

/**
 * Opens a file that was found in the workspace, and looks once more at what is open: by its name, or a folder's in its path,
 * a link may stand now that leads elsewhere, and then its bytes to the API. The caller closes the handle.
 *
 * @throws InputError with the code of `refused`.
 */
export async function openConfinedFile(
  { path }: ConfinedFile,
  { root }: Pick<JobPlace, 'root'>,
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
  let isFine = false;
  try {
    isFine = (await handle.stat()).isFile() && (await standsInside(handle, path, root));
    if (!isFine) throw swapped(refused);
    return handle;
  } catch (error) {
    throw dressErrno(error, refused);
  } finally {
    if (!isFine) await handle.close();
  }
}

/** Linux says where an open file stands. Elsewhere its name is followed again, and must lead to it, inside. */
async function standsInside(handle: FileHandle, path: string, root: string): Promise<boolean> {
  const realRoot = await realpath(root);
  const place = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => null);
  if (place !== null) return isInside(realRoot, place);
  const real = await realpath(path);
  const [named, opened] = [await stat(real), await handle.stat()];
  return isInside(realRoot, real) && named.dev === opened.dev && named.ino === opened.ino;
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
