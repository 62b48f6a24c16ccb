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

/**
 * What a job with a rule sends again if it does not say which. Not `missing`: nobody knows whether a request without a
 * result was paid, so that only a user can want it twice.
 */
export const RETRIED_BY_DEFAULT: readonly FailureClass[] = RETRYABLE.filter((name) => name !== 'missing');

/** What `retry` sends again: the same, and what only the user can want again. */
export const RETRIED_WHEN_ASKED: readonly FailureClass[] = [
  ...RETRIED_BY_DEFAULT,
  'canceled',
  'paused',
  'auth',
];

/** Rows that `retry` sends again. */
export function countRetriable(failures: Readonly<Partial<Record<FailureClass, number>>>): number {
  return RETRIED_WHEN_ASKED.reduce((sum, name) => sum + (failures[name] ?? 0), 0);
}

/** Sent again when it is named: it may have been paid. */
export const RETRIED_WHEN_NAMED: readonly FailureClass[] = ['missing'];

/** What the same request would only meet again; sent when the user insists. */
export const RETRIED_WITH_FORCE: readonly FailureClass[] = ['invalid_request', 'not_found', 'refused'];
