import { statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { journalPath } from '../core/ports/files.ts';
import { listJobFolders } from './job-folders.ts';
import { scanLines } from './scan-lines.ts';
import { STATE_DIR } from './workspace.ts';

/** Each of them is written before a batch can be, or as soon as one is: files that tell of what was sent from here. */
const SENT = [`${STATE_DIR}/receipts.jsonl`, 'batch_requests/sent.jsonl'];

/**
 * A workspace from which something was sent and that has no database has lost it. A new one would take every record for
 * unsent, and its `list` would say that there was never anything.
 *
 * @throws StoreError
 */
export function refuseLostStore(root: string, storePath: string): void {
  if (sizeOf(storePath) > 0) return;
  const trace = SENT.find((path) => sizeOf(join(root, path)) > 0) ?? sentJournal(root);
  if (trace === null) return;
  throw new StoreError(`the store is gone: ${storePath}`, {
    code: 'store_gone',
    why: `${trace} tells of batches that were sent from here; a new store would know nothing of them and pay again`,
    next: 'batchctl doctor --rebuild makes it again from the files of the jobs; to begin anew, move batch_requests and .batchctl away',
  });
}

/** A journal with a seal in it. Read only where there is no store. */
function sentJournal(root: string): string | null {
  for (const jobId of listJobFolders(root)) {
    const path = journalPath(`batch_requests/${jobId}`);
    if (scanLines(join(root, path), (line) => line.includes('"sealed_at":"'))) return path;
  }
  return null;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
