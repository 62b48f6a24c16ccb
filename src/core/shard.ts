/** A slice of a job cut to fit one batch. Its file is never rewritten and its number never reused. */
export interface Shard {
  readonly id: number;
  readonly jobId: number;
  readonly stageId: number;
  readonly stage: string;
  /** From 1 within its stage. */
  readonly number: number;
  readonly group: string | null;
  /** retry: sends again what an earlier shard carried.  - reused: its answers were taken from earlier jobs, or from an attempt of this one that came late. */
  readonly origin: 'build' | 'retry' | 'reused';
  /** Goes out before the others of its job, which wait for its answers; null: like any other. */
  readonly first: 'prime' | 'pilot' | null;
  /** none: nothing is sent. */
  readonly route: 'batch' | 'real_time' | 'none';
  readonly nonce: string;
  readonly requests: number;
  /** Bytes of the whole create body made from the file. */
  readonly bodyBytes: number;
  /** SHA-256 of the shard file, hex. */
  readonly fileSha256: string;
  readonly state: ShardState;
}

/**
 * - building: its file is being written. A crash leaves nothing that counts; the next run clears it away.
 * - built: nothing of it can exist at the API; on route `real_time` it stays so while its requests are asked. Left by a
 *   seal, or by the last answer.
 * - live: a sealed submission may have made, or has made, a batch. Left by a download, or back to built once the
 *   submission is proven absent or refused.
 * - downloaded: the raw results are on disk, whole. Applying them can be repeated. Back to live when they are gone.
 * - applied: each of its requests has its outcome. Left when the raw results are gone: to live, or, in a final job, to
 *   downloaded once they were downloaded again.
 * - split: never to be sent as it is; other shards carry its requests, because the API found it too large, some of it is to go
 *   first, or some of its answers have come after all.
 * - canceled: never sent, and never will be.
 * - lost: its batch or its results are gone; its requests are missing. Left by a download, should they answer after all.
 */
export type ShardState =
  | 'building'
  | 'built'
  | 'live'
  | 'downloaded'
  | 'applied'
  | 'split'
  | 'canceled'
  | 'lost';

/** Each request of a shard in one of these has its outcome: nothing more is waited for. */
export function isSettledShard(state: ShardState): boolean {
  return state === 'applied' || state === 'split' || state === 'canceled' || state === 'lost';
}

export interface ShardLimits {
  readonly maxRequests: number;
  /** Of the create body. */
  readonly maxBytes: number;
}

/**
 * 100,000 requests or 256 MB a batch (batch processing guide). Whose MB is not documented, so the default stays under
 * both readings, with room for the framing.
 */
export const DEFAULT_SHARD_LIMITS: ShardLimits = { maxRequests: 100_000, maxBytes: 250_000_000 };

/** What a shard may have of `maxRequests`: one that is larger than what may be in flight at once could never go. */
export function requestsInFlight(
  maxInFlight: number | undefined,
  maxRequests = DEFAULT_SHARD_LIMITS.maxRequests,
): number {
  return Math.min(maxRequests, maxInFlight ?? maxRequests);
}

export const BODY_HEAD = '{"requests":[';
/** Held back until the seal is committed: without them the message is short and its JSON unclosed. */
export const BODY_TAIL = ']}';

/** Lines are joined by commas where the file has newlines, so the last newline is the only byte that is dropped. */
export function bodyBytesOf(fileBytes: number): number {
  return BODY_HEAD.length + fileBytes - 1 + BODY_TAIL.length;
}

export interface OpenShard {
  readonly requests: number;
  readonly fileBytes: number;
}

/**
 * Whether the open shard closes before a line of `lineBytes` (newline included) joins it.
 *
 * `closed` holds the request counts of the job's shards so far. A count is all that tells one batch from another in a
 * listing, so counts are kept apart: the k-th shard takes up to k requests, or k lines, less than the limit (never
 * more than a tenth less), and where bytes make the cut it closes at the first count that is still free. What is left
 * for the last shard may repeat a count by chance; such twins are never in doubt at once (steps/submit-shards.ts).
 */
export function closesBefore(
  open: OpenShard,
  lineBytes: number,
  closed: ReadonlySet<number>,
  limits: ShardLimits,
): boolean {
  if (open.requests === 0) return false;
  const step = closed.size % (Math.floor(limits.maxRequests / 10) + 1);
  if (open.requests + 1 > limits.maxRequests - step) return true;
  if (bodyBytesOf(open.fileBytes + lineBytes) > limits.maxBytes) return true;
  const spareBytes = Math.min(closed.size * lineBytes, limits.maxBytes / 10);
  const nearsLimit = bodyBytesOf(open.fileBytes + lineBytes) > limits.maxBytes - spareBytes;
  return nearsLimit && !closed.has(open.requests);
}
