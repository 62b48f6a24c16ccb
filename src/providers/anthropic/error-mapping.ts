import { APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { z } from 'zod';
import { parseRetryAfter } from '../../core/backoff.ts';
import { AuthError, ProviderError } from '../../core/errors.ts';
import type { Refusal } from '../../core/ports/provider.ts';
import { toStamp } from './batch-mapping.ts';

/** The API's own envelope; anything else was said by something in between. */
const envelope = z.looseObject({
  type: z.literal('error'),
  error: z.looseObject({
    type: z.string(),
    message: z.string(),
    details: z.looseObject({ error_code: z.string().nullish() }).nullish(),
  }),
});

/** Whether a body is the API's own word. */
export function isApiEnvelope(body: unknown): boolean {
  return envelope.safeParse(body).success;
}

/** A call that failed, in our words. `what` begins the message: «the list of batches», «batch msgbatch_…». */
export function toCallError(error: unknown, what: string): ProviderError | AuthError {
  if (!(error instanceof APIError) || error.status === undefined) {
    return new ProviderError(`${what}: the API could not be reached`, {
      code: 'unreachable',
      why: causeOf(error),
      next: 'check the network, then run the same command again; nothing is lost',
      status: null,
      retryable: true,
      cause: error,
    });
  }
  const said = apiWords(error);
  if (error.status === 401) {
    return new AuthError(`${what}: the API refused the key`, {
      code: 'key_refused',
      why: said,
      next: 'set ANTHROPIC_API_KEY to a valid key of the same workspace; batchctl doctor shows which one is used',
      cause: error,
    });
  }
  const headers = error.headers ?? new Headers();
  return new ProviderError(`${what}: the API answered ${error.status}`, {
    code: codeOf(error),
    why: said,
    next: nextAfter(error.status, error.error),
    status: error.status,
    requestId: error.requestID ?? null,
    retryable: isPassing(error.status) && !isSpendCap(error.status, error.error),
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), toStamp(headers).serverMs),
    cause: error,
  });
}

/**
 * The same for calls about batches, which every key of the workspace may make unless its rights were cut: that the API
 * forbids one is about the key, and nothing follows from it about the batch.
 */
export function toBatchCallError(error: unknown, what: string): ProviderError | AuthError {
  if (!(error instanceof APIError) || error.status !== 403 || !isApiEnvelope(error.error))
    return toCallError(error, what);
  return new AuthError(`${what}: the API forbids it to this key`, {
    code: 'key_forbidden',
    why: apiWords(error),
    next: 'give the key its rights back in the Console, or set ANTHROPIC_API_KEY to another key of the same workspace',
    cause: error,
  });
}

/** What a refused create calls for. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof APIError) || error.status === undefined) return 'broken';
  if (isSpendCap(error.status, error.error)) return 'spend_cap';
  if (error.status === 429) return 'rate_limited';
  if (error.status === 413) return 'too_large';
  if (error.status === 401) return 'auth';
  return isPassing(error.status) ? 'overloaded' : 'refused';
}

/**
 * Whether an answer to a complete create proves that nothing was created: the API's own words with a status that it
 * documents as a refusal, 413 from the edge, or a redirect, which we never follow. 5xx, 408, 409 and 529 do not.
 */
export function provesNotCreated(error: unknown): boolean {
  if (!(error instanceof APIError) || error.status === undefined) return false;
  if (error.status === 413 || (error.status >= 300 && error.status < 400)) return true;
  return [400, 401, 402, 403, 404, 429].includes(error.status) && envelope.safeParse(error.error).success;
}

/** A monthly cap (429 without retry-after) or a limit the user set (400): waiting does not help. See the rate limits page. */
export function isSpendCap(status: number, body: unknown): boolean {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return false;
  const { message, details } = parsed.data.error;
  const code = details?.error_code ?? '';
  if (code.endsWith('spend_limit_reached')) return true;
  return status === 400 && message.startsWith('You have reached your specified API usage limits');
}

/** What helps where the API refused: time, money, or what it says. */
function nextAfter(status: number, body: unknown): string {
  if (isSpendCap(status, body))
    return 'raise the limit in the Console, or wait until it is lifted, then run the same command again: it carries on';
  if (isPassing(status))
    return 'wait a while, then run the same command again: it carries on, and batches that were sent go on meanwhile';
  if (status === 404)
    return 'check the id, and with batchctl doctor whether the key is one of the workspace that has it';
  return 'put right what the API says, then run the same command again; batchctl doctor shows key and address';
}

/** A status that may pass by itself. */
function isPassing(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

function codeOf(error: APIError): string {
  const parsed = envelope.safeParse(error.error);
  return parsed.success ? parsed.data.error.type : `http_${error.status ?? 'error'}`;
}

function apiWords(error: APIError): string {
  const parsed = envelope.safeParse(error.error);
  const words = parsed.success
    ? parsed.data.error.message
    : 'the answer was not in the API’s form, so something in between gave it';
  return error.requestID ? `${words} (request ${error.requestID})` : words;
}

/** The innermost cause, where Node says what really broke. */
export function causeOf(error: unknown): string {
  if (error instanceof APIConnectionError && error.cause !== undefined) return causeOf(error.cause);
  if (error instanceof Error && error.message !== '') return error.message;
  if (error instanceof Error && 'code' in error) return String(error.code);
  return String(error);
}
