import type { Batch } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { Listing } from '../core/ports/provider.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';

export const PAGE = 1_000; // the largest the API gives
/** Where an earlier walk has seen the rest: a few new ones come first, and a thousand batches are half a megabyte. */
const SHORT_PAGE = 100;
const MAX_PAGES = 100;
const MOST_WALKS = 4;

/** The account's batches, newest first, as far back as was asked for. */
export interface Walk {
  readonly batches: readonly Batch[];
  readonly batchIds: ReadonlySet<string>;
  /** Of each page; null where the header was absent. */
  readonly workspaceIds: readonly (string | null)[];
  readonly organizationId: string | null;
  /** Every page was a complete answer of batches that could be read, and the walk did not stop at the cap on pages. */
  readonly whole: boolean;
  /** The account has no older batches. */
  readonly endReached: boolean;
  /** Where older ones begin; null where there are none, or nobody can say. */
  readonly cursor: string | null;
  /** All since then were seen, though the walk stopped at the cap: the newest came first all along. Infinity: nothing says so. */
  readonly seenSinceMs: number;
  /** Server time of the last page; null when no page carried a `Date`. */
  readonly serverMs: number | null;
}

/**
 * Lists back to the time that `reachMs` names, or to the end; null: one page does. Newly made batches at the head cannot
 * hide older ones, because the cursor is an id. Somebody may delete the batch of a cursor between two pages; then the walk
 * begins anew, and what was seen stays seen.
 *
 * `known`: what an earlier walk has seen that reached as far. Where the newest come first, the first of them ends this one:
 * it is then no evidence of what is not there, only of what is new.
 *
 * @throws ProviderError, AuthError when a page cannot be had.
 */
export async function walkBatches(
  run: Run,
  reachMs: (() => number) | null,
  signal: AbortSignal,
  known: ReadonlySet<string> | null = null,
): Promise<Walk> {
  const seen: Seen = { batches: new Map(), workspaceIds: [], unreadable: 0 };
  for (let walks = 1; ; walks += 1) {
    const walked = await walkOnce(run, { reachMs, known }, seen, walks < MOST_WALKS, signal);
    if (walked.end !== 'lost' || walks === MOST_WALKS) return toWalk(seen, walked);
  }
}

interface Seen {
  readonly batches: Map<string, Batch>;
  readonly workspaceIds: (string | null)[];
  unreadable: number;
}

interface WalkEnd {
  readonly last: Listing | null;
  /** `lost`: the batch of a cursor is not there any more. */
  readonly end: 'reached' | 'capped' | 'lost';
  /** Of the capped: when the oldest that was seen was made, where the newest came first. */
  readonly sinceMs?: number;
}

async function walkOnce(
  run: Run,
  { reachMs, known }: { readonly reachMs: (() => number) | null; readonly known: ReadonlySet<string> | null },
  seen: Seen,
  mayRepeat: boolean,
  signal: AbortSignal,
): Promise<WalkEnd> {
  let page: Listing | null = null;
  let afterId: string | null = null;
  let earliestMs = Number.POSITIVE_INFINITY;
  // Where the newest do not come first, an old one says nothing about what comes after it.
  let isNewestFirst = true;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const limit = known === null ? PAGE : SHORT_PAGE;
    const next = await listAfter(run, { limit, afterId }, mayRepeat, signal);
    if (next === null) return { last: page, end: 'lost' };
    page = next;
    run.time.note(page.stamp);
    seen.unreadable += page.unreadable;
    seen.workspaceIds.push(page.stamp.workspaceId);
    for (const batch of page.batches) {
      seen.batches.set(batch.id, batch);
      const createdMs = Date.parse(batch.createdAt);
      if (createdMs > earliestMs) isNewestFirst = false;
      else earliestMs = createdMs;
    }
    const isEmpty = page.batches.length === 0 && page.unreadable === 0;
    if (isEmpty && afterId !== null && !(await isThere(run, afterId, signal)))
      return { last: page, end: 'lost' };
    afterId = page.lastId;
    if (!page.hasMore || afterId === null || reachMs === null) return { last: page, end: 'reached' };
    if (isNewestFirst && earliestMs < reachMs()) return { last: page, end: 'reached' };
    if (isNewestFirst && known !== null && page.batches.some(({ id }) => known.has(id)))
      return { last: page, end: 'reached' };
  }
  return { last: page, end: 'capped', ...(isNewestFirst ? { sinceMs: earliestMs } : {}) };
}

/** Null: the server does not know the batch of the cursor any more, and says so. */
async function listAfter(
  run: Run,
  page: { readonly limit: number; readonly afterId: string | null },
  mayRepeat: boolean,
  signal: AbortSignal,
): Promise<Listing | null> {
  const { provider, clock } = run.deps;
  try {
    return await repeatRead(() => provider.listBatches(page, signal), clock, signal);
  } catch (error) {
    const isUnknown = error instanceof ProviderError && (error.status === 400 || error.status === 404);
    if (page.afterId === null || !isUnknown || !mayRepeat) throw error;
    return null;
  }
}

/** What a server answers to a cursor that is gone is not documented; an empty page would look like the end of the list. */
async function isThere(run: Run, id: string, signal: AbortSignal): Promise<boolean> {
  const { provider, clock } = run.deps;
  try {
    await repeatRead(() => provider.retrieveBatch(id, signal), clock, signal);
    return true;
  } catch (error) {
    if (error instanceof ProviderError && error.status === 404) return false;
    throw error;
  }
}

function toWalk({ batches, workspaceIds, unreadable }: Seen, { last, end, sinceMs }: WalkEnd): Walk {
  return {
    batches: [...batches.values()],
    batchIds: new Set(batches.keys()),
    workspaceIds,
    organizationId: last?.stamp.organizationId ?? null,
    whole: end === 'reached' && unreadable === 0,
    endReached: last !== null && (!last.hasMore || last.lastId === null),
    cursor: last?.hasMore && end !== 'lost' ? last.lastId : null,
    seenSinceMs: unreadable === 0 ? (sinceMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
    serverMs: last?.stamp.serverMs ?? null,
  };
}
