import { memberSpans } from './json-spans.ts';
import type { Judgement } from './judge.ts';
import type { MicroUsd } from './money.ts';
import type { FailureClass, RowStatus, TokenUsage } from './result.ts';
import { textParts } from './text-parts.ts';

/** So small that V8 keeps its JSON, of one byte a unit, with the young objects (up to 128 KB). */
const PART_UNITS = 32_768;

/** What the store knows of a row, beside what its raw line says. */
export interface RowFacts {
  readonly customId: string;
  readonly stage: string;
  readonly group: string | null;
  /** `pending`: nothing is known yet. Only exports have such rows. */
  readonly status: RowStatus | 'pending';
  readonly failure: FailureClass | null;
  readonly attempt: number;
  readonly batchId: string | null;
  /** Its answer was taken from an earlier job, which paid for it. */
  readonly reused: boolean;
  /** Why it is held; null unless it is. */
  readonly why: string | null;
  /** What its last answer cost; null without one, or without a price. */
  readonly cost: MicroUsd | null;
  /** Where its answer was written; null when it was not. */
  readonly output: string | null;
}

/**
 * One line of results.jsonl, without the newline; its keys are described in docs/results.md. `answer` is null for a row
 * without a raw line; `line` is that raw line, from which `content` is copied unchanged, as `json` is from the answer.
 */
export function resultRow(facts: RowFacts, answer: Judgement | null, line: string | null): string {
  return [...resultRowParts(facts, answer, line)].join('');
}

/**
 * The same in pieces that make the line one after the other: joined, an answer of megabytes would be copied once more.
 * `textJson`: the JSON of a text that is not in `answer`.
 */
export function* resultRowParts(
  facts: RowFacts,
  answer: Judgement | null,
  line: string | null,
  textJson: string | null = null,
): Generator<string> {
  const content = answer?.hasOtherBlocks === true && line !== null ? contentOf(line) : null;
  const tail = JSON.stringify({
    stop_reason: answer?.stopReason ?? null,
    model: answer?.model ?? null,
    usage: usageDocument(answer?.usage ?? null),
    cost_microusd: facts.cost,
    error: facts.why === null ? errorOf(answer) : { type: 'held', message: facts.why, request_id: null },
    attempt: facts.attempt,
    reused: facts.reused,
    batch_id: facts.batchId,
    output: facts.output,
  }).slice(1);
  yield `${rowHead(facts)},"text":`;
  if (textJson === null) yield* jsonParts(answer?.text ?? null);
  else yield* textParts(textJson, PART_UNITS);
  yield ',"json":';
  yield answer?.jsonText ?? 'null';
  if (content !== null) {
    yield ',"content":';
    yield content;
  }
  yield `,${tail}`;
}

/** JSON of a text, of a long one in pieces: small strings are collected with the young ones, large ones with all of the heap. */
function* jsonParts(text: string | null): Generator<string> {
  if (text === null || text.length <= PART_UNITS) {
    yield JSON.stringify(text);
    return;
  }
  yield '"';
  for (const part of textParts(text, PART_UNITS)) yield JSON.stringify(part).slice(1, -1);
  yield '"';
}

/** How the line of a row begins, up to and without the comma before `text`: enough to recognise it by. */
export function rowHead(
  facts: Omit<RowFacts, 'attempt' | 'batchId' | 'reused' | 'why' | 'cost' | 'output'>,
): string {
  const { customId, stage, group, status, failure } = facts;
  return JSON.stringify({ custom_id: customId, stage, group, status, failure }).slice(0, -1);
}

/**
 * The content blocks as they stand in the raw line: parsing them and writing them again would change numbers that a
 * double cannot hold (an id of 19 digits in the input of a tool). Null when there are none.
 */
export function contentOf(line: string): string | null {
  let text = line;
  for (const name of ['result', 'message', 'content']) {
    const span = memberSpans(text).findLast((member) => member.name === name);
    if (span === undefined) return null;
    text = text.slice(span.start, span.end);
  }
  return text;
}

/** Tokens under the API's names. */
export function usageDocument(usage: TokenUsage | null) {
  if (usage === null) return null;
  return {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_creation_input_tokens: usage.cacheCreation,
    cache_read_input_tokens: usage.cacheRead,
  };
}

function errorOf(answer: Judgement | null) {
  const error = answer?.error ?? null;
  if (error === null) return null;
  return { type: error.type, message: error.message, request_id: error.requestId };
}
