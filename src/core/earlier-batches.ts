import type { EndedBatch } from './ports/store-views.ts';

/** How long earlier batches took, from creation to end. */
export interface Earlier {
  /** How many of them there are. */
  readonly batches: number;
  readonly medianMs: number;
}

/** Batches of a third to three times as many requests are of similar size. */
const SIMILAR = 3;

/** The median of the ended batches whose size is similar; null when there are none. It promises nothing. */
export function describeEarlier(ended: readonly EndedBatch[], requests: number): Earlier | null {
  const tookMs = ended
    .filter((batch) => batch.requests * SIMILAR >= requests && batch.requests <= requests * SIMILAR)
    .map((batch) => Date.parse(batch.endedAt) - Date.parse(batch.createdAt))
    .filter((ms) => ms >= 0)
    .sort((a, b) => a - b);
  const upper = tookMs[Math.floor(tookMs.length / 2)];
  const lower = tookMs[Math.floor((tookMs.length - 1) / 2)];
  if (upper === undefined || lower === undefined) return null;
  return { batches: tookMs.length, medianMs: (lower + upper) / 2 };
}
