import { type Batch, hasEnded, sumCounts } from '../core/batch.ts';
import { FENCE_REACH_MS } from '../core/doubt.ts';
import { DecisionError } from '../core/errors.ts';
import type { Shard } from '../core/shard.ts';
import { sentByAnotherCopy } from '../core/store-remedies.ts';
import { findNonce } from './prove-batch.ts';
import type { Run } from './run.ts';
import type { Walk } from './walk-batches.ts';

/** A batch that this store does not know, for a shard that it takes for unsent. */
export interface SentElsewhere {
  readonly shard: Shard;
  readonly batch: Batch;
  /** Its results bear the shard's nonce, so it is. Else it has as many requests, and has not ended. */
  readonly isProven: boolean;
}

/** Nothing of the job can be older, by the server's `Date` or by this machine's clock: a listing may stop there. */
export function jobReachMs(run: Run): number {
  const skewMs = run.time.nowMs() - run.deps.clock.now().getTime();
  return Date.parse(run.job.createdAt) + Math.min(0, skewMs) - FENCE_REACH_MS;
}

/**
 * What another copy of this store has sent, as far as the account tells. A batch that has ended says whose it is; one that
 * has not may as well be a colleague's, so it counts only where this store is known to be a copy.
 */
export async function findSentElsewhere(
  run: Run,
  unsent: readonly Shard[],
  walk: Walk,
  signal: AbortSignal,
): Promise<readonly SentElsewhere[]> {
  const { store } = run.deps;
  const counts = new Set(unsent.map((shard) => shard.requests));
  const matching = walk.batches.filter(
    (batch) => counts.has(sumCounts(batch.counts)) && Date.parse(batch.createdAt) >= jobReachMs(run),
  );
  if (matching.length === 0) return [];
  const known = await store.knownBatchIds(matching.map((batch) => batch.id));
  const { isMoved } = await store.standing(run.job.id);
  const found: SentElsewhere[] = [];
  for (const batch of matching.filter((one) => !known.has(one.id))) {
    const fitting = unsent.filter((one) => one.requests === sumCounts(batch.counts));
    const nonces = new Set(fitting.map(({ nonce }) => nonce));
    const proof = hasEnded(batch) ? await findNonce(run, batch, nonces, signal) : 'not_yet';
    if (proof === 'foreign' || (proof === 'not_yet' && !isMoved)) continue;
    for (const shard of fitting) {
      if (proof === 'not_yet') found.push({ shard, batch, isProven: false });
      else if (proof.nonce === shard.nonce) found.push({ shard, batch, isProven: true });
    }
  }
  return found;
}

/**
 * A batch that has not ended says nothing about a shard in `held`: it may be that of a doubt of ours with as many requests,
 * and until that is settled the shard is not sealed.
 *
 * @throws DecisionError when a batch of the account is, or in a copied store may be, one of these shards.
 */
export async function requireUnsent(
  run: Run,
  unsent: readonly Shard[],
  held: ReadonlySet<number>,
  walk: Walk,
  signal: AbortSignal,
): Promise<void> {
  const all = await findSentElsewhere(run, unsent, walk, signal);
  const found = all.filter(({ shard, isProven }) => isProven || !held.has(shard.id));
  if (found.length === 0) return;
  const { jobId } = run.job;
  const proven = found.filter((one) => one.isProven);
  const shown = (proven.length > 0 ? proven : found)
    .slice(0, 5)
    .map(
      ({ shard, batch }) =>
        `${batch.id}, created ${batch.createdAt}, ${shard.requests} requests like shard ${shard.number}`,
    );
  if (proven.length > 0) {
    throw new DecisionError(`job ${jobId} was not sent: another copy of this workspace has sent it before`, {
      code: 'sent_elsewhere',
      why: `the account has batches of shards that .batchctl/state.db takes for unsent, as their results prove: ${shown.join('; ')}`,
      next: sentByAnotherCopy(jobId),
    });
  }
  throw new DecisionError(
    `job ${jobId} was not sent: it may have been sent from another copy of this workspace`,
    {
      code: 'store_copied',
      why: `.batchctl/state.db is not the file that was sent from before (it was copied, restored or moved), and the account has batches that it does not know, with as many requests: ${shown.join('; ')}`,
      next: `wait until they have ended: then their results tell whose they are, and batchctl resume ${jobId} goes on by itself; if you know that one is this job’s, batchctl resume ${jobId} --adopt BATCH, if none is, batchctl resume ${jobId} --accept-store`,
    },
  );
}
