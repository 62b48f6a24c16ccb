import { type Batch, hasEnded, sumCounts } from '../core/batch.ts';
import { FENCE_REACH_MS } from '../core/doubt.ts';
import { ProviderError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { proveBatch } from './prove-batch.ts';
import type { Run } from './run.ts';
import { walkBatches } from './walk-batches.ts';

/** Its answer's clock, ours and that of `created_at` may differ by so much. */
const CLOCKS_MS = 24 * 60 * 60_000;

/**
 * The answer to a create named a batch whose results are somebody else's, whole and each time. That alone may be a mistake in
 * the results, and the shard must not go out again for it; but when the account has another batch that bears the shard's
 * nonce, the answer named the wrong one, and that other one is what was paid for.
 *
 * @returns whether another batch took its place.
 */
export async function swapBatch(
  run: Run,
  view: ShardView,
  named: Pick<Batch, 'id'>,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, report } = run.deps;
  const { shard, submission } = view;
  if (submission === null || submission.state !== 'created') return false;
  const reachMs = submission.uploadStartedMs - FENCE_REACH_MS - CLOCKS_MS;
  const walk = await walkBatches(run, () => reachMs, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof ProviderError) return null;
    throw error;
  });
  if (walk === null) return false;
  const matching = walk.batches.filter(
    (batch) => hasEnded(batch) && sumCounts(batch.counts) === shard.requests,
  );
  const known = await store.knownBatchIds(matching.map((batch) => batch.id));
  for (const batch of matching.filter((one) => !known.has(one.id))) {
    if ((await proveBatch(run, batch, shard.nonce, signal)) !== 'ours') continue;
    // Cut off in between it is a doubt like any other, whose batch is in the list.
    await store.disown(submission.id, named.id);
    await store.addCandidate(submission.id, batch);
    await store.adopt(submission.id, batch.id, 'nonce');
    report({
      kind: 'problem',
      text: `the API named ${named.id} as the batch of shard ${shard.number}, which is somebody else's; ${batch.id} is ours, its results prove it`,
    });
    return true;
  }
  return false;
}
