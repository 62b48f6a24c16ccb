import type { Batch } from '../core/batch.ts';
import type { Listing } from '../core/ports/provider.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';

const PAGE = 1_000; // the largest the API gives
const MAX_PAGES = 100;

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
  /** Server time of the last page; null when no page carried a `Date`. */
  readonly serverMs: number | null;
}

/**
 * Lists until `isFarEnough` says so of a page's last batch, or the list ends. Newly made batches at the head cannot hide
 * older ones, because the cursor is an id.
 *
 * @throws ProviderError, AuthError when a page cannot be had.
 */
export async function walkBatches(
  run: Run,
  isFarEnough: (batch: Batch) => boolean,
  signal: AbortSignal,
): Promise<Walk> {
  const batches: Batch[] = [];
  const workspaceIds: (string | null)[] = [];
  let unreadable = 0;
  let page: Listing | null = null;
  let afterId: string | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const cursor: string | null = afterId;
    page = await repeatRead(
      () => run.deps.provider.listBatches({ limit: PAGE, afterId: cursor }, signal),
      run.deps.clock,
      signal,
    );
    run.time.note(page.stamp);
    batches.push(...page.batches);
    unreadable += page.unreadable;
    workspaceIds.push(page.stamp.workspaceId);
    afterId = page.lastId;
    const last = page.batches.at(-1);
    if (!page.hasMore || page.lastId === null || (last !== undefined && isFarEnough(last)))
      return toWalk(batches, workspaceIds, page, unreadable === 0);
  }
  return toWalk(batches, workspaceIds, page, false);
}

function toWalk(
  batches: readonly Batch[],
  workspaceIds: readonly (string | null)[],
  last: Listing | null,
  whole: boolean,
): Walk {
  return {
    batches,
    batchIds: new Set(batches.map((batch) => batch.id)),
    workspaceIds,
    organizationId: last?.stamp.organizationId ?? null,
    whole,
    endReached: last !== null && !last.hasMore,
    serverMs: last?.stamp.serverMs ?? null,
  };
}
