import { type Batch, hasEnded, RESULTS_KEPT_MS } from '../core/batch.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { BatchProvider, Listing } from '../core/ports/provider.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { BatchOwner } from '../core/ports/store-views.ts';
import { repeatRead } from './repeat-read.ts';

const PAGE = 1_000; // the largest the API gives

/** A batch of the account, and whose it is here. */
export interface RemoteBatch {
  readonly batch: Batch;
  /** Null: no job of this workspace has it. */
  readonly owner: BatchOwner | null;
  /** RFC 3339; null before the batch has ended, and once its results are gone. */
  readonly resultsUntil: string | null;
}

export interface RemotePage {
  readonly batches: readonly RemoteBatch[];
  /** The account has older ones. */
  readonly hasMore: boolean;
  /** Batches of a form that we do not know, and cannot show. */
  readonly unreadable: number;
}

/**
 * The account's batches, newest first, page by page until `limit` are there or the list ends. Changes nothing, here or
 * there. `store` null: nothing was ever built here, so that none is known.
 */
export async function* listRemote(
  limit: number,
  { provider, clock, store }: RemoteDeps,
  signal: AbortSignal,
): AsyncGenerator<RemotePage> {
  let left = limit;
  for (let afterId: string | null = null; ; ) {
    const cursor: string | null = afterId;
    const page: Listing = await repeatRead(
      () => provider.listBatches({ limit: Math.min(left, PAGE), afterId: cursor }, signal),
      clock,
      signal,
    );
    const shown = page.batches.slice(0, left);
    const owners = await store?.batchOwners(shown.map(({ id }) => id));
    left -= shown.length;
    const hasMore = page.hasMore || shown.length < page.batches.length;
    const nowMs = page.stamp.serverMs ?? clock.now().getTime();
    yield {
      batches: shown.map((batch) => ({
        batch,
        owner: owners?.get(batch.id) ?? null,
        resultsUntil: resultsUntil(batch, nowMs),
      })),
      hasMore,
      unreadable: page.unreadable,
    };
    // A page without a cursor, or with the last one again, has no next.
    if (left === 0 || !hasMore || page.lastId === null || page.lastId === cursor) return;
    afterId = page.lastId;
  }
}

export interface RemoteDeps {
  readonly provider: Pick<BatchProvider, 'listBatches'>;
  readonly clock: Clock;
  readonly store: Pick<JobStore, 'batchOwners'> | null;
}

/** 29 days from the creation, not from the end (batch processing guide). */
function resultsUntil(batch: Batch, nowMs: number): string | null {
  const untilMs = Date.parse(batch.createdAt) + RESULTS_KEPT_MS;
  if (!hasEnded(batch) || batch.archivedAt !== null || Number.isNaN(untilMs) || untilMs <= nowMs) return null;
  return new Date(untilMs).toISOString();
}
