import type { FailureClass } from './result.ts';

/** Classes of failure that a job may send again without being asked, each by its own rule (retry-request.ts). */
export const RETRYABLE = [
  'expired',
  'overloaded',
  'api_error',
  'rate_limited',
  'missing',
  'truncated',
  'invalid_output',
] as const satisfies readonly FailureClass[];

/** What `retry` sends again: what a job may send by itself, and what only the user can want again. */
export const RETRIED_WHEN_ASKED: readonly FailureClass[] = [...RETRYABLE, 'canceled', 'paused', 'auth'];

/** What the same request would only meet again; sent when the user insists. */
export const RETRIED_WITH_FORCE: readonly FailureClass[] = ['invalid_request', 'not_found', 'refused'];
