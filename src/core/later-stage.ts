import type { Calibration, PartEstimate, Range } from './estimate.ts';
import type { RangeEnd } from './price-sizes.ts';
import type { CachedPrefix, RequestSizes } from './request-sizes.ts';
import type { PromptText, Stage } from './stage.ts';

/** Prompts of a stage that waits for others, guessed from its templates and what the others are expected to answer. */
export interface LaterStage {
  readonly stage: Stage;
  /** The estimates of the stages that it needs. */
  readonly needs: readonly PartEstimate[];
  /** Of its templates; what the needs say is in the API's tokens. */
  readonly calibration: Calibration;
}

const ENDS = ['low', 'likely', 'high'] as const;
const ROUND = { low: Math.floor, likely: Math.round, high: Math.ceil } as const;

/**
 * The sizes of so many requests at each end, in the API's tokens. `high` takes each answer at its max_tokens, and the prompts of
 * the needs once more, since a template may repeat the data.
 */
export function laterSizes(later: LaterStage, requests: number): Range<RequestSizes> {
  const [low, likely, high] = ENDS.map((end) => sizesAt(later, requests, end));
  if (low === undefined || likely === undefined || high === undefined)
    throw new RangeError('there are three');
  return { low, likely, high };
}

function sizesAt({ stage, needs, calibration }: LaterStage, requests: number, end: RangeEnd): RequestSizes {
  if (requests === 0) return { classes: [], prefixes: [], sample: [] };
  const mean = (part: PartEstimate, tokens: Range): number => tokens[end] / Math.max(1, part.requests);
  const answers = needs.map((need) => mean(need, need.outputTokens));
  const data = end === 'high' ? needs.map((need) => mean(need, need.inputTokens)) : [];
  const own = (templateBytes(stage) / 4) * calibration[end];
  const one = ROUND[end](own + sum(answers) + Math.max(0, ...data));
  const { model } = stage;
  const isUs = stage.params['inference_geo'] === 'us';
  return {
    classes: [
      {
        model,
        isUs,
        exponent: 32 - Math.clz32(one),
        requests,
        tokens: one * requests,
        largest: one,
        maxTokens: (stage.maxTokens ?? 0) * requests,
      },
    ],
    prefixes: cachedSystem(stage, calibration[end], isUs, requests),
    sample: [],
  };
}

/** Only a system prompt that no record changes is sure to be shared; other marks are left to the estimate of that day. */
function cachedSystem(
  { model, system }: Stage,
  ratio: number,
  isUs: boolean,
  requests: number,
): readonly CachedPrefix[] {
  if (system === null || system.cache === null || system.content.kind === 'file') return [];
  if (/\{[{%]/.test(system.content.text)) return [];
  const tokens = Math.ceil((Buffer.byteLength(system.content.text) / 4) * ratio);
  const hash = '0'.repeat(16);
  return [{ model, isUs, ttl: system.cache, tokens, tokensUpTo: tokens, requests, distinct: 1, hash }];
}

function templateBytes({ system, prompt, messages, tools, schema, params }: Stage): number {
  const turns = messages?.map(({ content }) => (isText(content) ? textOf(content) : JSON.stringify(content)));
  const texts = [
    system === null ? '' : textOf(system.content),
    prompt === null ? '' : textOf(prompt),
    ...(turns ?? []),
    tools === null ? '' : JSON.stringify(tools),
    schema?.kind === 'inline' ? JSON.stringify(schema.schema) : '',
    JSON.stringify(params),
  ];
  return sum(texts.map((text) => Buffer.byteLength(text)));
}

function isText(content: PromptText | readonly unknown[]): content is PromptText {
  return !Array.isArray(content);
}

/** Of a job whose files were read. */
function textOf(content: PromptText): string {
  return content.kind === 'text' ? content.text : '';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
