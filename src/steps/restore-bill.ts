import { StoreError } from '../core/errors.ts';
import type { JournalJob } from '../core/journal.ts';
import type { RestoredFacts } from '../core/ports/restoring.ts';
import type { PrunedTotals } from '../core/pruned.ts';
import type { RestoreDeps, RestoredReport } from './restore-job.ts';

/** A job whose answers were pruned, as it was left: without rows, with what they came to, and with all that was sent. */
export async function restoreBill(
  facts: RestoredFacts & { readonly job: { readonly final: NonNullable<JournalJob['final']> } },
  totals: PrunedTotals,
  remarks: readonly string[],
  { restoring }: Pick<RestoreDeps, 'restoring'>,
): Promise<RestoredReport> {
  const { job, shards } = facts;
  const { store } = restoring;
  const known = new Set(totals.shards.map(({ nonce }) => nonce));
  const lost = shards.find(({ state, nonce }) => state !== 'split' && !known.has(nonce));
  if (lost !== undefined) throw totalsGone(job.job_id, lost.number);
  const restored = await restoring.begin(job, shards);
  await restoring.settle(restored, facts);
  await restoring.setTotals(restored, shards, totals);
  await restoring.finish(restored.id, job.final);
  const { state } = await store.jobById(restored.id);
  return { jobId: job.job_id, state, views: await store.shards(restored.id), isReopened: false, remarks };
}

function totalsGone(jobId: string, shard: number): StoreError {
  return new StoreError(`job ${jobId} cannot be made again`, {
    code: 'journal_gone',
    why: `its rows were pruned, and its journal does not say what shard ${shard} came to`,
    next: 'put the journal back from a copy, then batchctl doctor --rebuild again',
  });
}
