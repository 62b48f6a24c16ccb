import { type Batch, hasEnded } from '../core/batch.ts';
import { AuthError, ProviderError } from '../core/errors.ts';
import { isGone } from '../core/gone.ts';
import type { KnownBatch, ShardView } from '../core/ports/store.ts';
import { EMPTY_TALLY } from '../core/result.ts';
import type { Run } from './run.ts';
import type { Walk } from './walk-batches.ts';

/**
 * Takes what one listing says of the job's open batches; asks for those that it did not show one by one. Counts are
 * stored, never judged: only `ended` ends the wait.
 *
 * @throws AuthError when a batch is not found and the key is not the one that made it.
 */
export async function pollBatches(
  run: Run,
  views: readonly ShardView[],
  walk: Walk,
  signal: AbortSignal,
): Promise<void> {
  const listed = new Map(walk.batches.map((batch) => [batch.id, batch]));
  for (const view of views) {
    if (view.batch === null || view.shard.state !== 'live' || hasEnded(view.batch)) continue;
    const batch = listed.get(view.batch.id) ?? (await retrieve(run, view, view.batch, signal));
    if (batch !== null) await run.deps.store.recordSeen(batch);
  }
}

async function retrieve(
  run: Run,
  view: ShardView,
  known: KnownBatch,
  signal: AbortSignal,
): Promise<Batch | null> {
  try {
    const { batch, stamp } = await run.deps.provider.retrieveBatch(known.id, signal);
    run.time.note(stamp);
    return batch;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    if (error.status === 404) await recordMissing(run, view, known);
    // Anything else passes, or is met again by the next listing.
    return null;
  }
}

async function recordMissing(run: Run, view: ShardView, known: KnownBatch): Promise<void> {
  const { store, provider, report } = run.deps;
  const made = run.job.account;
  if (made !== null && made.keyFingerprint !== provider.account.keyFingerprint) {
    throw new AuthError(`batch ${known.id} is not found with this key`, {
      code: 'other_key',
      why: `job ${run.job.jobId} was submitted with another key (fingerprint ${made.keyFingerprint}, now ${provider.account.keyFingerprint}); a batch is visible only to keys of its workspace`,
      next: `set ANTHROPIC_API_KEY to the key that submitted it, then batchctl retrieve ${run.job.jobId}`,
    });
  }
  const nowMs = run.time.nowMs();
  const notFound = await store.recordNotFound(known.id, nowMs);
  if (!isGone(notFound, nowMs, run.settleMs)) {
    report({
      kind: 'not_found',
      batchId: known.id,
      why: `not found ${notFound.answers} times so far; that passes, as a rule`,
    });
    return;
  }
  report({ kind: 'not_found', batchId: known.id, why: 'gone: its requests are named as missing' });
  await loseShard(run, view);
}

/** The batch or its results are gone for good. Nothing is sent again: what was done was paid. */
export async function loseShard(run: Run, view: ShardView): Promise<void> {
  const missing = await run.deps.store.settleRest(view.shard.id, 'missing', 'missing');
  const tally = { ...EMPTY_TALLY, requests: view.shard.requests, missing, failures: { missing } };
  await run.deps.store.finishShard(view.shard.id, 'lost', tally);
}
