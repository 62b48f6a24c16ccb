import { stat } from 'node:fs/promises';
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

/**
 * A regular file of the workspace by its path relative to the job file: its real path and its size. Throws InputError:
 * `<subject>_outside`, `<subject>_unreadable` (with errno).
 */
export async function findConfinedFile(
  file: string,
  { root, dir }: JobPlace,
  subject: 'text' | 'attachment',
): Promise<{ readonly path: string; readonly bytes: number }> {
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
