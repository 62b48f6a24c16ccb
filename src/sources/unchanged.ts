import type { BigIntStats } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { inputFailure } from '../core/input-failure.ts';

/** A file that was opened, and what it was then. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** Its real path. */
  readonly path: string;
  /** As the user wrote it. */
  readonly file: string;
  readonly before: BigIntStats;
}

/**
 * Throws InputError `source_changed` when size, time or identity differ from what they were at the start: half of an
 * old file and half of a new one is no data.
 */
export async function refuseChange({ handle, path, file, before }: OpenFile): Promise<void> {
  const [after, named] = await Promise.all([
    handle.stat({ bigint: true }),
    stat(path, { bigint: true }).catch(() => null),
  ]);
  const same = (other: BigIntStats | null): boolean =>
    other !== null &&
    other.size === before.size &&
    other.mtimeNs === before.mtimeNs &&
    other.ino === before.ino &&
    other.dev === before.dev;
  if (same(after) && same(named)) return;
  throw inputFailure({
    code: 'source_changed',
    file,
    problem: 'it changed while it was read',
    next: 'wait until nothing writes to it, then run the same command again',
  });
}
