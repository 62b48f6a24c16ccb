import type { AnswerCheck } from './answer-check.ts';
import { readBilledUsage } from './billing.ts';
import type { FailureClass, RowStatus, TokenUsage } from './result.ts';
import { isObject, resultTypeInHead } from './result-line.ts';
import type { BilledUsage } from './spent-line.ts';

/** What one result line says about its request. `succeeded` with a `failure` is an answer that is no good. */
export interface Judgement {
  readonly status: RowStatus & ('succeeded' | 'errored' | 'canceled' | 'expired');
  readonly failure: FailureClass | null;
  /** The text blocks, joined; null when there is no message. */
  readonly text: string | null;
  /** The JSON of a good structured answer, as it was written, on one line; null where its stage has no schema. */
  readonly jsonText: string | null;
  /** There are blocks other than text and thinking, so `text` is not the whole answer. */
  readonly hasOtherBlocks: boolean;
  readonly stopReason: string | null;
  /** As the answer names it, which may be more exact than what was asked for. */
  readonly model: string | null;
  readonly usage: TokenUsage | null;
  /** The same, by all that makes its price. */
  readonly billed: BilledUsage | null;
  readonly error: RowError | null;
}

/** Why a row failed, in the API's words where it gave some. */
export interface RowError {
  readonly type: string;
  readonly message: string;
  readonly requestId: string | null;
}

/**
 * Judges the `result` of a line. Never throws: what we do not know is errored with its name, and the raw line stays.
 * `check` is that of the row's stage, null where it has no schema: the same line then always gets the same verdict.
 * Shapes: MessageBatchIndividualResponse in @anthropic-ai/sdk 1.11.0, src/resources/messages/batches.ts.
 */
export function judgeResult(result: unknown, check: AnswerCheck | null = null): Judgement {
  if (!isObject(result))
    return failed('errored', 'api_error', noted('malformed_result', 'the line has no result'));
  switch (result['type']) {
    case 'succeeded':
      return judgeMessage(result['message'], check);
    case 'errored':
      return judgeError(result['error']);
    case 'canceled':
      return failed('canceled', 'canceled', null);
    case 'expired':
      return failed('expired', 'expired', null);
    default:
      return failed('errored', 'api_error', unknownType(result['type']));
  }
}

/** For a line that is too long to be parsed: what its first characters say. The answer itself is only in the raw file. */
export function judgeLongLine(head: string): Judgement {
  const type = resultTypeInHead(head);
  if (type !== 'succeeded') return judgeResult({ type: type ?? 'unreadable' });
  const error = noted('too_long', 'the answer is longer than 64 MiB; it stands in the raw results only');
  return failed('succeeded', 'invalid_output', error);
}

function judgeMessage(message: unknown, check: AnswerCheck | null): Judgement {
  if (!isObject(message)) {
    return failed('errored', 'api_error', noted('malformed_result', 'the result has no message'));
  }
  const blocks = Array.isArray(message['content']) ? message['content'] : [];
  let text = '';
  let hasOtherBlocks = false;
  for (const block of blocks) {
    // Blocks are chosen by type, never by place: thinking may come first.
    if (isObject(block) && block['type'] === 'text' && typeof block['text'] === 'string')
      text += block['text'];
    else if (!isObject(block) || !THINKING.has(block['type'])) hasOtherBlocks = true;
  }
  const stopReason = textOrNull(message['stop_reason']);
  const failure = stopReason === null ? null : (STOP_FAILURES.get(stopReason) ?? null);
  // A call of a tool is no structured answer, and is kept whole as its blocks.
  const isCall = text === '' && hasOtherBlocks;
  const checked = check === null || failure !== null || isCall ? null : check(text);
  return {
    status: 'succeeded',
    failure: checked?.ok === false ? 'invalid_output' : failure,
    text,
    jsonText: checked?.ok === true ? checked.jsonText : null,
    hasOtherBlocks,
    stopReason,
    model: textOrNull(message['model']),
    usage: readUsage(message['usage']),
    billed: readBilledUsage(message['usage']),
    error:
      checked?.ok === false
        ? noted('invalid_output', checked.problem)
        : failure === 'refused'
          ? readRefusal(message['stop_details'])
          : null,
  };
}

const THINKING: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking']);

/** Stop reasons that make an answer unusable. One we do not know yet is taken for an ordinary end. */
const STOP_FAILURES = new Map<string, FailureClass>([
  ['refusal', 'refused'],
  ['max_tokens', 'truncated'],
  ['model_context_window_exceeded', 'truncated'],
  ['pause_turn', 'paused'],
]);

const ERROR_FAILURES = new Map<string, FailureClass>([
  ['invalid_request_error', 'invalid_request'],
  // A Messages call above 32 MB: sending it again as it is would not help.
  ['request_too_large', 'invalid_request'],
  ['not_found_error', 'not_found'],
  ['authentication_error', 'auth'],
  ['permission_error', 'auth'],
  ['billing_error', 'auth'],
  ['rate_limit_error', 'rate_limited'],
  ['overloaded_error', 'overloaded'],
]);

/** The kind stands at `error.error.type`: the whole error envelope is nested, and its own `type` is always «error». */
function judgeError(envelope: unknown): Judgement {
  const inner = isObject(envelope) ? envelope['error'] : null;
  if (!isObject(envelope) || !isObject(inner)) {
    return failed('errored', 'api_error', noted('malformed_result', 'the result has no error'));
  }
  const type = textOrNull(inner['type']) ?? 'unknown_error';
  return failed('errored', ERROR_FAILURES.get(type) ?? 'api_error', {
    type,
    message: textOrNull(inner['message']) ?? '',
    requestId: textOrNull(envelope['request_id']),
  });
}

function failed(status: Judgement['status'], failure: FailureClass, error: RowError | null): Judgement {
  return {
    status,
    failure,
    text: null,
    jsonText: null,
    hasOtherBlocks: false,
    stopReason: null,
    model: null,
    usage: null,
    billed: null,
    error,
  };
}

function readRefusal(details: unknown): RowError | null {
  if (!isObject(details)) return null;
  const category = textOrNull(details['category']);
  const explanation = textOrNull(details['explanation']);
  if (category === null && explanation === null) return null;
  return noted(category === null ? 'refusal' : `refusal:${category}`, explanation ?? 'the model refused');
}

function readUsage(usage: unknown): TokenUsage | null {
  if (!isObject(usage)) return null;
  return {
    input: count(usage['input_tokens']),
    output: count(usage['output_tokens']),
    cacheCreation: count(usage['cache_creation_input_tokens']),
    cacheRead: count(usage['cache_read_input_tokens']),
  };
}

function unknownType(type: unknown): RowError {
  const name = typeof type === 'string' ? type : (JSON.stringify(type) ?? 'none');
  return noted(`unknown:${name}`, `batchctl does not know the result type ${name}; the raw line is kept`);
}

function noted(type: string, message: string): RowError {
  return { type, message, requestId: null };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
