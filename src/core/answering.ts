import type { PaceLimits } from './pace.ts';

/** How the requests of a job are asked one by one. */
export interface AnswerOptions extends PaceLimits {
  /** Requests under way at once. */
  readonly concurrency: number;
  /** After this long nothing more is asked; what is under way is waited for. Null or not given: until all is answered. */
  readonly longestMs?: number | null;
}

/**
 * Eight at once stay near 50 requests a minute, a limit that new accounts have been given, when an answer takes ten seconds.
 * A limit that is met nevertheless only makes everybody wait.
 */
export const DEFAULT_ANSWERING: AnswerOptions = {
  concurrency: 8,
  requestsPerMinute: null,
  tokensPerMinute: null,
};

/** More would be more connections than work: the API's own limits come first. */
export const MAX_CONCURRENCY = 64;
