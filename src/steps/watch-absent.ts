import { hasEnded } from '../core/batch.ts';
import { mayBeOurs } from '../core/doubt.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { keepDuplicates } from './keep-duplicates.ts';
import { proveBatch } from './prove-batch.ts';
import type { Run } from './run.ts';
import type { Walk } from './walk-batches.ts';

/**
 * Looks for submissions of this job that were judged absent, or refused after their tail, in a listing that was made
 * anyway. One that appears before its shard went out again is in doubt again; one that appears later is a second payment,
 * proven by its results, reported, and brought to disk beside the answers that count.
 *
 * @returns how many second payments are known better than before.
 */
export async function watchAbsent(
  run: Run,
  views: readonly ShardView[],
  walk: Walk,
  signal: AbortSignal,
): Promise<number> {
  let news = 0;
  const { store, provider, report } = run.deps;
  const claimed = new Set(views.flatMap((view) => view.candidates.map((candidate) => candidate.batchId)));
  const all = await store.watched(provider.account, run.time.nowMs());
  const inDoubtAgain = new Set<number>();
  for (const watched of all) {
    const view = views.find((one) => one.shard.id === watched.shardId);
    // One attempt of a shard is in doubt at a time.
    if (view === undefined || inDoubtAgain.has(watched.shardId)) continue;
    const strange = await findStrange(
      run,
      all.filter((one) => one.shardId === watched.shardId),
    );
    // What only the user's word has rejected may still prove to be ours.
    const old = new Map(
      (await store.candidates(watched.id)).map(({ batchId, verdict, rejectedBy }) => [
        batchId,
        rejectedBy === 'user' ? 'provisional' : verdict,
      ]),
    );
    const matching = walk.batches.filter((batch) =>
      mayBeOurs(batch, { submission: watched, requests: watched.requests }),
    );
    const taken = await store.knownBatchIds(matching.map((batch) => batch.id));
    for (const batch of matching.filter((one) => !taken.has(one.id))) {
      const verdict = old.get(batch.id);
      if (verdict === undefined && (claimed.has(batch.id) || strange.has(batch.id))) continue;
      if (verdict === undefined) {
        await store.addCandidate(watched.id, batch);
        if (view.shard.state === 'built') {
          await store.doubtSubmission(watched.id, {
            reason: `${batch.id} appeared late`,
            status: null,
            requestId: null,
          });
          inDoubtAgain.add(watched.shardId);
          break;
        }
        if (!hasEnded(batch)) {
          const text = `${batch.id} may be a second copy of shard ${view.shard.number}; it is checked when it ends`;
          report({ kind: 'problem', text });
          continue;
        }
      } else if (verdict !== 'provisional' || !hasEnded(batch)) continue;
      const proof = await proveBatch(run, batch, view.shard.nonce, signal);
      if (proof === 'foreign') await store.rejectCandidate(watched.id, batch.id);
      if (proof === 'ours') {
        await store.recordLateDuplicate(watched.id, batch.id);
        news += 1;
        report({ kind: 'late_duplicate', shard: view.shard.number, batchId: batch.id });
      }
    }
  }
  return news + (await keepDuplicates(run, views, signal));
}

/**
 * Batches that the results have shown to be somebody else's in the search for one of these attempts. The nonce is the
 * shard's, so what is not the batch of one attempt is not that of another, and need not be waited for again.
 */
export async function findStrange(
  { deps: { store } }: Run,
  attempts: readonly { readonly id: number }[],
): Promise<ReadonlySet<string>> {
  const strange = new Set<string>();
  for (const { id } of attempts) {
    for (const { batchId, rejectedBy } of await store.candidates(id))
      if (rejectedBy === 'results') strange.add(batchId);
  }
  return strange;
}
