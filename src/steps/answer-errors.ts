import { type AuthError, DecisionError, ProviderError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { MessageOutcome } from '../core/ports/provider.ts';

type Failed = MessageOutcome & { readonly kind: 'refused' | 'unreachable' };

const KEPT = 'what was answered is kept and not asked again';

/** Why asking on makes no sense after this outcome. */
export function answerError(job: Job, outcome: Failed): Error {
  const { error } = outcome;
  if (outcome.kind === 'refused' && outcome.refusal === 'spend_cap') return spendLimit(job, error);
  if (!(error instanceof ProviderError)) return error;
  return new ProviderError(`job ${job.jobId} was not asked further: ${error.message}`, {
    code: error.code,
    why: `${error.why ?? error.message}; ${KEPT}`,
    next: `batchctl resume ${job.jobId}`,
    status: error.status,
    requestId: error.requestId,
    retryable: error.retryable,
    cause: error,
  });
}

/** `error`: the last of them. */
export function manyFailures(job: Job, count: number, error: Error): ProviderError {
  const last = error instanceof ProviderError ? error : null;
  return new ProviderError(`job ${job.jobId} was not asked further: ${count} requests in a row have failed`, {
    code: 'many_failures',
    why: `the last one: ${last?.message ?? error.message}${last?.why ? `: ${last.why}` : ''}; those are asked again, and ${KEPT}`,
    next: `batchctl resume ${job.jobId} a little later`,
    status: last?.status ?? null,
    requestId: last?.requestId ?? null,
    retryable: true,
    cause: error,
  });
}

function spendLimit(job: Job, error: ProviderError | AuthError): DecisionError {
  return new DecisionError(`job ${job.jobId} was not asked further: the account’s spend limit is reached`, {
    code: 'spend_limit',
    why: `${error.why ?? error.message}; ${KEPT}`,
    next: `raise the limit in the Console or wait for the next month, then batchctl resume ${job.jobId}; waiting alone does not help`,
    cause: error,
  });
}
