import { hasEnded, sumCounts } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import { type LiveBatch, type LiveRecord, openBatches } from '../core/live-record.ts';
import type { BatchProvider } from '../core/ports/provider.ts';

/** What an earlier call has left that was cut off. */
export interface EarlierLive {
  readonly path: string;
  /** Ids that were running still, and are canceled now. */
  readonly canceled: readonly string[];
  /**
   * Batches of an account's list that may be one of it whose answer was lost: as many requests, created since. Nothing is
   * done to them, because they may be somebody else's.
   */
  readonly maybe: readonly string[];
  /** Why it was left alone; null: it was looked through. */
  readonly why: string | null;
}

/** Cancels what earlier calls have left running, and writes down that it ended. */
export async function clearEarlier(
  found: readonly { readonly path: string; readonly record: LiveRecord }[],
  provider: BatchProvider,
  keep: (path: string, record: LiveRecord) => void,
  at: string,
  signal: AbortSignal,
): Promise<readonly EarlierLive[]> {
  const cleared: EarlierLive[] = [];
  for (const { path, record } of found) {
    if (record.base_url !== provider.account.baseUrl) {
      cleared.push({ path, canceled: [], maybe: [], why: `it is of ${record.base_url}` });
      continue;
    }
    const canceled: string[] = [];
    const batches: LiveBatch[] = [];
    for (const batch of record.batches) {
      const isKnown = batch.batch_id !== null && openBatches(record).includes(batch);
      const state = isKnown ? await cancelOne(batch.batch_id ?? '', canceled, provider, signal) : batch.state;
      batches.push({ ...batch, state });
    }
    const now = { ...record, batches };
    const lost = openBatches(now).filter(({ batch_id }) => batch_id === null);
    const maybe = lost.length === 0 ? [] : await findMaybe(now, lost, provider, signal);
    const isClear = openBatches(now).length === lost.length && maybe.length === 0;
    keep(path, { ...now, finished_at: isClear ? at : null });
    cleared.push({ path, canceled, maybe, why: null });
  }
  return cleared;
}

async function cancelOne(
  id: string,
  canceled: string[],
  provider: BatchProvider,
  signal: AbortSignal,
): Promise<LiveBatch['state']> {
  try {
    const { batch } = await provider.retrieveBatch(id, signal);
    if (hasEnded(batch)) return 'ended';
    await provider.cancelBatch(id, signal);
    canceled.push(id);
    // It has stopped, and is looked at no more.
    return 'ended';
  } catch (error) {
    if (error instanceof ProviderError && error.status === 404) return 'ended';
    throw error;
  }
}

async function findMaybe(
  record: LiveRecord,
  lost: readonly LiveBatch[],
  provider: BatchProvider,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { batches } = await provider.listBatches({ limit: 1000, afterId: null }, signal);
  const known = new Set(record.batches.map(({ batch_id }) => batch_id));
  const counts = new Set(lost.map(({ requests }) => requests));
  // This machine's clock may be off by minutes; a batch of this very size hardly ever is.
  const fromMs = Date.parse(record.started_at) - 10 * 60_000;
  return batches
    .filter(({ id, counts: own }) => !known.has(id) && counts.has(sumCounts(own)))
    .filter((batch) => !hasEnded(batch) && Date.parse(batch.createdAt) >= fromMs)
    .map(({ id }) => id);
}
