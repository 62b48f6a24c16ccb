import type { Job } from '../core/job.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { type UnsentDocument, unsentDocument, unsentShards } from '../core/unsent.ts';
import type { LocalDeps } from './deps.ts';

/** What of the job is not sent, and whether it waits for room, as the store has it. A key that is absent where all is sent. */
export async function describeUnsent(
  job: Job,
  views: readonly ShardView[],
  { store }: Pick<LocalDeps, 'store'>,
): Promise<{ readonly unsent?: UnsentDocument }> {
  const wait = unsentShards(job, views).length === 0 ? null : await store.roomWait(job.id);
  const unsent = unsentDocument(job, views, wait);
  return unsent === null ? {} : { unsent };
}
