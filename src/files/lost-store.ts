import { statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { journalPath } from '../core/ports/files.ts';
import { DAMAGED_STORE, REBUILD_STORE } from '../core/store-remedies.ts';
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
    next: `${REBUILD_STORE}; to begin anew, move batch_requests and .batchctl away`,
  });
}

/**
 * A file that is no store, where the journals of jobs tell that there was one: it is damaged, or was replaced, and can be made
 * again. Any other error comes back as it is.
 */
export function explainForeignStore(error: unknown, root: string): unknown {
  if (!(error instanceof StoreError) || error.code !== 'store_foreign') return error;
  const jobs = listJobFolders(root).filter((jobId) => sizeOf(join(root, journalOf(jobId))) > 0);
  if (jobs.length === 0) return error;
  const { cause } = error;
  const isNoDatabase = cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_NOTADB';
  return new StoreError(error.message, {
    code: isNoDatabase ? 'store_damaged' : error.code,
    why: `${error.why}; batch_requests has the journals of ${jobs.length === 1 ? `job ${jobs[0]}` : `${jobs.length} jobs`}`,
    // A rebuild leaves another program's database where it is.
    next: isNoDatabase ? DAMAGED_STORE : `move the file away; then ${REBUILD_STORE}`,
    cause,
  });
}

const journalOf = (jobId: string): string => journalPath(`batch_requests/${jobId}`);

/** A journal with a seal in it. Read only where there is no store. */
function sentJournal(root: string): string | null {
  for (const jobId of listJobFolders(root)) {
    const path = journalOf(jobId);
    if (scanLines(join(root, path), (line) => line.includes('"sealed_at":"'))) return path;
  }
  return null;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
