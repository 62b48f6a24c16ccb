import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { REBUILD_MARKER } from '../core/ports/restoring.ts';

/** Whether a rebuild was cut off while it moved the files of the store at this path, or is at it. */
export function isRebuildCutOff(storePath: string): boolean {
  return existsSync(join(dirname(storePath), REBUILD_MARKER));
}

/**
 * What stands there then is not the store: a new one in its place would know nothing of what was sent.
 *
 * @throws StoreError
 */
export function refuseCutOff(storePath: string): void {
  if (!isRebuildCutOff(storePath)) return;
  throw new StoreError(`the store is being rebuilt: ${storePath}`, {
    code: 'rebuild_cut_off',
    why: 'batchctl doctor --rebuild is moving its files, or was cut off while it did',
    next: 'batchctl doctor --rebuild again; it begins anew and sends nothing',
  });
}
