/** How long to wait before trying again: pure, so that one table of values tests it. */
export interface BackoffRule {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** For calls that may be repeated freely while a user looks on. */
export const READ_BACKOFF: BackoffRule = { firstMs: 500, factor: 2, maxMs: 8_000 };
/** For an upload that broke before its seal, and for refusals that pass by themselves. */
export const UPLOAD_BACKOFF: BackoffRule = { firstMs: 1_000, factor: 4, maxMs: 60_000 };
/** For a poll that fails for hours: the batches go on meanwhile, and nothing is lost by looking later. */
export const POLL_BACKOFF: BackoffRule = { firstMs: 5_000, factor: 2, maxMs: 300_000 };

/** A server may ask for any wait; past an hour we look again anyway, since a refused call costs nothing. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * `attempt` counts from 1, `random` is 0 ≤ n < 1 and takes up to a quarter off, so that many clients do not meet again.
 * The server's own word wins where it is longer.
 */
export function backoffMs(
  rule: BackoffRule,
  attempt: number,
  random: number,
  retryAfterMs: number | null = null,
): number {
  const grown = Math.min(rule.maxMs, rule.firstMs * rule.factor ** (attempt - 1));
  const jittered = grown * (1 - random / 4);
  return Math.round(Math.max(jittered, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)));
}

/** Seconds or an HTTP date, as RFC 9110 section 10.2.3 has it; null when absent, negative or unreadable. */
export function parseRetryAfter(value: string | null, serverMs: number | null): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const at = Date.parse(value);
  if (Number.isNaN(at) || serverMs === null) return null;
  return Math.max(0, at - serverMs);
}

/**
 * When to look at a batch again: often while it is young, since most end within the hour, then more rarely. `ageMs` is
 * the age of the youngest open batch in server time. Jitter as above. Source for the minute: the polling example of
 * the batch processing guide sleeps 60 s.
 */
export function pollIntervalMs(ageMs: number, random: number, retryAfterMs: number | null = null): number {
  const grown = Math.min(60_000, Math.max(5_000, ageMs / 10));
  const jittered = grown * (1 - random / 4);
  return Math.round(Math.max(jittered, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)));
}
