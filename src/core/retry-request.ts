import { memberSpans } from './json-spans.ts';
import type { Judgement } from './judge.ts';
import type { FailureClass } from './result.ts';

/** What sending a request again comes to. */
export type RetryRequest =
  | { readonly kind: 'send'; readonly paramsJson: string }
  /** Sending it again makes no sense; a sentence. */
  | { readonly kind: 'no_use'; readonly why: string };

export interface RetryFacts {
  readonly failure: FailureClass;
  /** As it was sent the last time, exactly. */
  readonly paramsJson: string;
  /** What came of it; null without an answer. */
  readonly judgement: Judgement | null;
  /** The most that the model may answer; null where it is not known. */
  readonly maxOutputTokens: (model: string) => number | null;
  /** The user insists. */
  readonly isForced: boolean;
}

const UNREADABLE =
  'its result is of a form that batchctl does not know, so it may have been paid (--force sends it again)';

/** Kinds of error that are ours, for a result that nobody could read. */
function isUnreadable({ judgement }: RetryFacts): boolean {
  const type = judgement?.error?.type ?? '';
  return type === 'malformed_result' || type.startsWith('unknown:');
}

/**
 * A request as it goes out again, by its class of failure: with room for a longer answer where it was cut, with the
 * mistake as a further turn where it did not fit its schema, and unchanged otherwise. The rest keeps its bytes.
 */
export function retryRequest(facts: RetryFacts): RetryRequest {
  switch (facts.failure) {
    case 'truncated':
      return withMoreTokens(facts);
    case 'invalid_output':
      return withCorrection(facts);
    default:
      return isUnreadable(facts) && !facts.isForced
        ? { kind: 'no_use', why: UNREADABLE }
        : { kind: 'send', paramsJson: facts.paramsJson };
  }
}

function withMoreTokens({ paramsJson, judgement, maxOutputTokens }: RetryFacts): RetryRequest {
  // The whole context was full: a larger answer does not fit either.
  if (judgement?.stopReason === 'model_context_window_exceeded')
    return { kind: 'no_use', why: 'prompt and answer fill the context window of the model' };
  const span = memberSpans(paramsJson).findLast((member) => member.name === 'max_tokens');
  const model = modelOf(paramsJson);
  const before = span === undefined ? Number.NaN : Number(paramsJson.slice(span.start, span.end));
  if (span === undefined || !Number.isInteger(before)) return { kind: 'send', paramsJson };
  const ceiling = model === null ? null : maxOutputTokens(model);
  if (ceiling !== null && before >= ceiling)
    return { kind: 'no_use', why: `max_tokens is ${before}, the most that ${model} can answer` };
  const after = ceiling === null ? before * 2 : Math.min(before * 2, ceiling);
  return { kind: 'send', paramsJson: splice(paramsJson, span, String(after)) };
}

function withCorrection({ paramsJson, judgement }: RetryFacts): RetryRequest {
  const span = memberSpans(paramsJson).findLast((member) => member.name === 'messages');
  if (judgement?.error?.type === 'too_long')
    return { kind: 'no_use', why: 'the answer is there, only too long to be read' };
  const text = judgement?.text ?? '';
  // An assistant turn may not be empty.
  if (span === undefined || text.trim() === '') return { kind: 'send', paramsJson };
  const why = judgement?.error?.message ?? 'it is not the JSON that was asked for';
  const turns = [
    { role: 'assistant', content: text },
    {
      role: 'user',
      content: `That answer does not fit the JSON Schema: ${why}. Answer again with JSON that fits it, and nothing else.`,
    },
  ];
  const messages = paramsJson.slice(span.start, span.end).trimEnd();
  const longer = `${messages.slice(0, -1)},${JSON.stringify(turns).slice(1)}`;
  return { kind: 'send', paramsJson: splice(paramsJson, span, longer) };
}

function modelOf(paramsJson: string): string | null {
  const span = memberSpans(paramsJson).findLast((member) => member.name === 'model');
  if (span === undefined) return null;
  const value: unknown = JSON.parse(paramsJson.slice(span.start, span.end));
  return typeof value === 'string' ? value : null;
}

function splice(
  text: string,
  span: { readonly start: number; readonly end: number },
  middle: string,
): string {
  return text.slice(0, span.start) + middle + text.slice(span.end);
}
