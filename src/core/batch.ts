/** The remote object made from one shard, in our spelling. Source: MessageBatch in @anthropic-ai/sdk 1.11.0. */
export interface Batch {
  /** Opaque text; never parsed. */
  readonly id: string;
  /** As received: `in_progress`, `canceling`, `ended`, or a word we do not know yet, which means «not ended». */
  readonly processingStatus: string;
  readonly counts: RequestCounts;
  /** RFC 3339, server time, as received. Whether it names the first or the last byte of the create is not documented. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly endedAt: string | null;
  readonly cancelInitiatedAt: string | null;
  readonly archivedAt: string | null;
  readonly resultsUrl: string | null;
  /** The whole object as JSON text, for `batch_<id>_info.json`. */
  readonly describedJson: string;
}

/** All stay zero but `processing` until the batch has ended; their sum is always the number of requests. */
export interface RequestCounts {
  readonly processing: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
}

/** The number of requests of a batch: the only thing a listing shows that can be compared with a shard. */
export function sumCounts(counts: RequestCounts): number {
  return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired;
}

/** Only this word ends the wait; counts never do. */
export function hasEnded(batch: Pick<Batch, 'processingStatus'>): boolean {
  return batch.processingStatus === 'ended';
}

/** Results can be had for 29 days counted from creation. Source: the batch processing guide. */
export const RESULTS_KEPT_MS = 29 * 24 * 60 * 60 * 1000;
