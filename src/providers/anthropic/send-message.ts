import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { parseRetryAfter } from '../../core/backoff.ts';
import { AuthError, ProviderError } from '../../core/errors.ts';
import type { MessageCall, MessageOutcome, MessageRefusal } from '../../core/ports/provider.ts';
import { toStamp } from './batch-mapping.ts';
import { betaHeader, hideKey, withOwnKey } from './client.ts';
import { isApiEnvelope, isSpendCap, toCallError } from './error-mapping.ts';
import { type Agents, type Fetch, fetchWhole } from './node-fetch.ts';

/**
 * The SDK repeats connection errors, 408, 409, 429 and 5xx, after `retry-after` where it is given, else after half a
 * second doubling to eight. Source: @anthropic-ai/sdk 1.11.0, src/client.ts (retryRequest).
 */
const MAX_RETRIES = 4;

/** An answer that is not streamed comes without a byte before it; the longest take over ten minutes (API.md 1.10). */
const LONGEST_ANSWER_MS = 60 * 60_000;
/** Ours is the limit above, on silence. The longest that a timer of Node takes. */
const NO_SDK_TIMEOUT_MS = 2_147_483_647;

const count = z.number().nonnegative().catch(0);
const messageShape = z.looseObject({
  type: z.literal('message'),
  usage: z
    .looseObject({ input_tokens: count, cache_creation_input_tokens: count, output_tokens: count })
    .catch({ input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 0 }),
});

/** What the last POST of a call came to. */
interface Trace {
  answer: { readonly status: number; readonly body: string; readonly json: unknown } | null;
  isUnderWay: boolean;
}

export interface MessageClient {
  readonly client: Anthropic;
  readonly apiKey: string;
  readonly agents: Agents;
}

/** One answer through POST /v1/messages, with the SDK's repeats. Throws only when `signal` fires. */
export async function sendMessage(
  { client, apiKey, agents }: MessageClient,
  call: MessageCall,
  signal: AbortSignal,
): Promise<MessageOutcome> {
  const trace: Trace = { answer: null, isUnderWay: false };
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  const onHalt = (): void => {
    if (!trace.isUnderWay) stop.abort();
  };
  signal.addEventListener('abort', onAbort);
  call.halt.addEventListener('abort', onHalt);
  try {
    signal.throwIfAborted();
    await client
      .withOptions({ fetch: withOwnKey(tracedFetch(call, { apiKey, agents }, trace, stop), apiKey) })
      .post('/v1/messages', {
        body: call.paramsJson,
        headers: {
          'anthropic-version': call.apiVersion,
          'content-type': 'application/json',
          ...betaHeader(call.betas),
        },
        maxRetries: MAX_RETRIES,
        timeout: NO_SDK_TIMEOUT_MS,
        signal: stop.signal,
      })
      .asResponse();
    return readMessage(trace);
  } catch (error) {
    signal.throwIfAborted();
    if (stop.signal.aborted) return { kind: 'withheld' };
    const problem = toCallError(error, 'a request was not answered');
    const { answer } = trace;
    if (answer === null || statusOf(problem) === null) return { kind: 'unreachable', error: problem };
    return refused(answer, problem);
  } finally {
    signal.removeEventListener('abort', onAbort);
    call.halt.removeEventListener('abort', onHalt);
  }
}

/**
 * Reads all of an answer before the SDK sees it, so that one that broke, or was cut, is repeated like any other failure.
 * A cap on spending is not worth a repeat: the API says so only in words.
 */
function tracedFetch(
  call: MessageCall,
  { apiKey, agents }: Pick<MessageClient, 'apiKey' | 'agents'>,
  trace: Trace,
  stop: AbortController,
): Fetch {
  return async (input, init) => {
    trace.answer = null;
    await call.admit();
    if (call.halt.aborted) stop.abort();
    stop.signal.throwIfAborted();
    trace.isUnderWay = true;
    try {
      const answer = await fetchWhole(input, init, { idleMs: LONGEST_ANSWER_MS, agents });
      const { status, headers } = answer;
      const isOk = status >= 200 && status < 300;
      const body = isOk ? answer.body : hideKey(answer.body, apiKey);
      const json = parse(body);
      if (isOk && json === undefined) throw new Error(`an answer of ${status} was cut, or is not JSON`);
      trace.answer = { status, body, json };
      const pauseMs = parseRetryAfter(headers.get('retry-after'), toStamp(headers).serverMs);
      if (!isOk && pauseMs !== null && pauseMs > 0) call.onPause(pauseMs);
      if (isSpendCap(status, json)) headers.set('x-should-retry', 'false');
      // The SDK reads the words of an error; an answer is in the trace, and once is enough.
      return new Response(isOk || status === 304 ? null : body, { status, headers });
    } finally {
      trace.isUnderWay = false;
      if (trace.answer === null) call.onLost?.();
      // What came in time counts; the SDK’s wait before a further POST ends here.
      if (call.halt.aborted && (trace.answer === null || isPassing(trace.answer.status))) stop.abort();
    }
  };
}

function readMessage({ answer }: Trace): MessageOutcome {
  const parsed = messageShape.safeParse(answer?.json);
  if (answer !== null && parsed.success) {
    const {
      input_tokens: input,
      cache_creation_input_tokens: written,
      output_tokens: output,
    } = parsed.data.usage;
    return { kind: 'answered', messageJson: answer.body, tokens: input + written + output };
  }
  const error = new ProviderError('a request was not answered: what came is not a message', {
    code: 'strange_answer',
    why: `the answer of ${answer?.status ?? 0} is not in the API’s form, so something in between gave it`,
    next: 'check ANTHROPIC_BASE_URL and proxies, then run the same command again',
    status: answer?.status ?? null,
  });
  return { kind: 'refused', status: answer?.status ?? 0, refusal: 'strange', envelopeJson: '{}', error };
}

function refused(
  { status, body, json }: NonNullable<Trace['answer']>,
  problem: ProviderError | AuthError,
): MessageOutcome {
  const refusal = refusalOf(status, json);
  const envelopeJson = isApiEnvelope(json) ? body : JSON.stringify(ownEnvelope(status));
  const error = refusal === 'auth' ? toAuthError(problem) : problem;
  return { kind: 'refused', status, refusal, envelopeJson, error };
}

/** 413 comes from the edge too, as HTML; every other word about a request is believed in the API’s own form only. */
function refusalOf(status: number, json: unknown): MessageRefusal {
  if (isSpendCap(status, json)) return 'spend_cap';
  if (status === 401 || status === 402 || status === 403) return 'auth';
  if (status === 413) return 'request';
  if (isPassing(status)) return 'passing';
  return status >= 400 && isApiEnvelope(json) ? 'request' : 'strange';
}

function isPassing(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** In the API’s form, so that the row can be judged like any; `request_id` null says that it is not the API’s own. */
function ownEnvelope(status: number) {
  const type = OWN_TYPES[status] ?? 'api_error';
  const message = `HTTP ${status}, not in the API’s form`;
  return { type: 'error', error: { type, message }, request_id: null };
}

const OWN_TYPES: Readonly<Record<number, string>> = {
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

function toAuthError(problem: ProviderError | AuthError): AuthError {
  if (problem instanceof AuthError) return problem;
  return new AuthError(problem.message, {
    code: problem.code,
    ...(problem.why === null ? {} : { why: problem.why }),
    next: 'look in the Console at what the key may do and at the account’s billing, then batchctl resume',
    cause: problem,
  });
}

function statusOf(problem: ProviderError | AuthError): number | null {
  return problem instanceof ProviderError ? problem.status : 401;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
