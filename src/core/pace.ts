/**
 * How fast requests may go out: two token buckets, one of requests and one of tokens, and a pause that the API asked for.
 * Pure: every function takes the time and returns what holds from then on.
 */
export interface Pace {
  readonly requests: Bucket | null;
  readonly tokens: Bucket | null;
  /** Nothing goes before this moment. */
  readonly pausedUntilMs: number;
}

/** Fills evenly up to its capacity. Its level may fall below zero: then what comes next waits until it is paid back. */
export interface Bucket {
  readonly perMs: number;
  readonly capacity: number;
  readonly level: number;
  readonly atMs: number;
}

export interface PaceLimits {
  /** Null: no limit. */
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

/**
 * How much may go at once after a rest. The API enforces a limit of 60 a minute as one a second (rate limits page), so
 * requests get one second's worth. A call's tokens come in lumps, most of which are given back, so they get ten.
 */
const REQUEST_BURST_MS = 1_000;
const TOKEN_BURST_MS = 10_000;
const MINUTE_MS = 60_000;

export function startPace({ requestsPerMinute, tokensPerMinute }: PaceLimits, nowMs: number): Pace {
  return {
    requests: requestsPerMinute === null ? null : bucket(requestsPerMinute, REQUEST_BURST_MS, nowMs),
    tokens: tokensPerMinute === null ? null : bucket(tokensPerMinute, TOKEN_BURST_MS, nowMs),
    pausedUntilMs: 0,
  };
}

function bucket(perMinute: number, burstMs: number, nowMs: number): Bucket {
  const perMs = perMinute / MINUTE_MS;
  const capacity = Math.max(1, perMs * burstMs);
  return { perMs, capacity, level: capacity, atMs: nowMs };
}

/** `waitMs` 0: the call may go and is counted. Else nothing is counted, and it should ask again after that long. */
export function admit(
  pace: Pace,
  tokens: number,
  nowMs: number,
): { readonly pace: Pace; readonly waitMs: number } {
  const requests = fill(pace.requests, nowMs);
  const reserve = fill(pace.tokens, nowMs);
  const waitMs = Math.max(pace.pausedUntilMs - nowMs, waitFor(requests, 1), waitFor(reserve, tokens));
  if (waitMs > 0) return { pace: { ...pace, requests, tokens: reserve }, waitMs: Math.ceil(waitMs) };
  return { pace: { ...pace, requests: take(requests, 1), tokens: take(reserve, tokens) }, waitMs: 0 };
}

/** A call has ended: what was reserved for it and not used is there for the next one. */
export function settle(pace: Pace, reserved: number, used: number, nowMs: number): Pace {
  return { ...pace, tokens: take(fill(pace.tokens, nowMs), used - reserved) };
}

/** A shorter pause never ends a longer one. */
export function pause(pace: Pace, ms: number, nowMs: number): Pace {
  return { ...pace, pausedUntilMs: Math.max(pace.pausedUntilMs, nowMs + ms) };
}

function fill(from: Bucket | null, nowMs: number): Bucket | null {
  if (from === null || nowMs <= from.atMs) return from;
  const level = Math.min(from.capacity, from.level + (nowMs - from.atMs) * from.perMs);
  return { ...from, level, atMs: nowMs };
}

/** What is larger than the bucket goes when the bucket is full. */
function waitFor(from: Bucket | null, amount: number): number {
  if (from === null) return 0;
  const missing = Math.min(amount, from.capacity) - from.level;
  // Sums of fractions fall short of whole numbers by some bits; that is no reason to wait.
  return missing < 1e-6 ? 0 : missing / from.perMs;
}

function take(from: Bucket | null, amount: number): Bucket | null {
  return from === null ? null : { ...from, level: Math.min(from.capacity, from.level - amount) };
}
