import type { Job } from '../core/job.ts';
import { journalPath, recordsPath } from '../core/ports/files.ts';
import { readPruned } from '../core/pruned.ts';
import { priceOldShards } from './cost-of-job.ts';
import type { LocalDeps } from './deps.ts';

/**
 * Removes all of a final job but its bill: the totals, the batches and the costs in the database, with the seals and the content
 * by which it is known what was sent, and the journal, from which the same comes back should the database be lost.
 *
 * What it came to is said with the event, because nothing could count it again. The records go first: where they are there,
 * nothing has gone yet.
 */
export async function pruneAnswers(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<void> {
  const { store, files } = deps;
  if (readPruned(await store.events(job.id)).answersAt === null) {
    // Of shards that an early version has applied the costs are in the answers alone.
    await priceOldShards(await store.spentOf(job.id), deps, signal);
    await store.recordPruned(job.id, { answers: true });
  }
  const dir = files.requestsDir(job.jobId);
  files.remove(recordsPath(dir));
  for await (const { name, kind } of files.entries(dir))
    if (kind !== 'folder' && `${dir}/${name}` !== journalPath(dir)) files.remove(`${dir}/${name}`);
  files.removeResults(job.jobId);
  await store.dropRows(job.id);
}
