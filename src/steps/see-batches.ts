import type { Batch } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { PollBudget } from './poll-budget.ts';
import type { Run } from './run.ts';
import { PAGE, type Walk } from './walk-batches.ts';

/**
 * Older pages that a look at batches asks for at most. With a thousand batches each they cover what others have made since;
 * half of the calls of a minute stay for those that no page shows.
 */
const MORE_PAGES = 4;

/**
 * Takes in what a listing shows of batches that the store knows, those of other jobs too: what it has cost serves all of
 * them. Where several of the batches `wanted` are on none of its pages, older pages are cheaper than a call for each.
 *
 * @returns the ids that were shown.
 */
export async function seeBatches(
  run: Run,
  wanted: readonly Pick<Batch, 'id' | 'createdAt'>[],
  walk: Walk,
  budget: PollBudget,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const shown = new Map(walk.batches.map((batch) => [batch.id, batch]));
  let cursor = walk.cursor;
  for (let pages = 0; pages < MORE_PAGES && cursor !== null && budget.left() > 1; pages += 1) {
    const missing = wanted.filter(({ id }) => !shown.has(id));
    if (missing.length < 2) break;
    const page = await olderPage(run, cursor, signal);
    if (page === null) break;
    for (const batch of page.batches) shown.set(batch.id, batch);
    cursor = page.hasMore ? page.lastId : null;
    // Past the oldest of them the list shows none of them, whatever the reason.
    const oldestMs = Math.min(...missing.map(({ createdAt }) => Date.parse(createdAt)));
    if (page.batches.some(({ createdAt }) => Date.parse(createdAt) < oldestMs)) break;
  }
  await run.deps.store.recordAllSeen([...shown.values()]);
  const ids = new Set(shown.keys());
  budget.seen(ids);
  return ids;
}

/** Null: not to be had now. The batches that it would have shown are asked for one by one. */
async function olderPage(run: Run, afterId: string, signal: AbortSignal) {
  try {
    const page = await run.deps.provider.listBatches({ limit: PAGE, afterId }, signal);
    run.time.note(page.stamp);
    return page;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProviderError) return null;
    throw error;
  }
}
