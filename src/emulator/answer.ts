import { writeText } from './answer-text.ts';
import { derivedId, hashText, seededRandom } from './hash.ts';
import { findModel, type Model } from './models.ts';
import type { Params } from './params-schema.ts';
import { lastUserText, piecesOf, tokensOf } from './prompt.ts';
import type { RowFault } from './row-outcome.ts';
import { answerSchema } from './schema-answer.ts';
import { type CachedPrefixes, countInput } from './usage.ts';

const QUOTE_LENGTH = 200;
// From this many tokens on an answer keeps within max_tokens by itself, as real ones mostly do; below, it is cut.
const ROOMY_TOKENS = 64;

/** What an answer depends on besides the request. */
export interface AnswerContext {
  /** What the answer's id is made of. */
  readonly seed: string;
  readonly isBatch: boolean;
  readonly cached: CachedPrefixes;
  readonly fault: RowFault | null;
}

type StopReason = 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'pause_turn' | 'refusal';

interface Content {
  readonly blocks: readonly Readonly<Record<string, unknown>>[];
  readonly tokens: number;
  readonly stopReason: StopReason;
  readonly stopSequence: string | null;
}

/** Answers valid Messages params with a message in the API's form (SDK, src/resources/messages/messages.ts). */
export function answerMessage(params: Params, context: AnswerContext): Readonly<Record<string, unknown>> {
  const model = findModel(params.model);
  if (model === null) throw new Error(`params were not checked: unknown model ${params.model}`);
  const pieces = piecesOf(params);
  // By the prompt alone, so that a request gets the same text from a batch and from a call of its own.
  const random = seededRandom(pieces.reduce((hash, piece) => hashText(piece.text, hash), 0));
  const thinkingTokens = countThinking(params, model, random);
  const content = cutAtStop(
    writeContent(params, context, params.max_tokens - thinkingTokens, random),
    params,
  );
  return {
    id: derivedId('msg', context.seed),
    type: 'message',
    role: 'assistant',
    model: model.id,
    content:
      thinkingTokens > 0
        ? [{ type: 'thinking', thinking: '', signature: 'ZW11bGF0ZWQ=' }, ...content.blocks]
        : content.blocks,
    stop_reason: content.stopReason,
    stop_sequence: content.stopSequence,
    stop_details:
      content.stopReason === 'refusal'
        ? { type: 'refusal', category: 'general_harms', explanation: '[emulated] The request was declined.' }
        : null,
    container: null,
    diagnostics: null,
    usage: {
      ...countInput(pieces, model, context.cached),
      output_tokens: Math.min(params.max_tokens, content.tokens + thinkingTokens),
      output_tokens_details: { thinking_tokens: Math.min(params.max_tokens, thinkingTokens) },
      server_tool_use: null,
      service_tier: context.isBatch && context.fault !== 'rows-standard' ? 'batch' : 'standard',
      inference_geo: params.inference_geo ?? 'not_available',
      speed: null,
    },
  };
}

/** Tokens spent on thinking before the answer; 0 where the model does not think. */
function countThinking(params: Params, model: Model, random: () => number): number {
  const asked = params.thinking?.type;
  const isOn =
    asked === undefined
      ? model.thinking === 'always' || model.thinking === 'default'
      : asked === 'adaptive' || asked === 'enabled';
  if (!isOn) return 0;
  const tokens = 16 + Math.floor(random() * 112);
  return params.max_tokens < ROOMY_TOKENS ? tokens : Math.min(tokens, Math.floor(params.max_tokens / 4));
}

function writeContent(params: Params, { fault }: AnswerContext, room: number, random: () => number): Content {
  const end = { stopReason: 'end_turn', stopSequence: null } as const;
  if (fault === 'rows-refused') return { ...end, blocks: [], tokens: 1, stopReason: 'refusal' };
  if (fault === 'rows-empty') return { ...end, blocks: [], tokens: 2 };
  const quote = lastUserText(params, Math.min(QUOTE_LENGTH, Math.max(20, room)));
  const tool = forcedTool(params);
  if (tool !== null) {
    const input = answerSchema(tool.input_schema ?? {}, { random, quote });
    const block = { type: 'tool_use', id: derivedId('toolu', quote), name: tool.name, input };
    return {
      ...end,
      blocks: [block],
      tokens: tokensOf(JSON.stringify(block).length),
      stopReason: 'tool_use',
    };
  }
  const format = params.output_config?.format;
  const wanted = 600 + Math.floor(random() * 2400);
  const roomy = params.max_tokens < ROOMY_TOKENS ? wanted : Math.min(wanted, room * 4);
  const text =
    format == null
      ? writeText(quote, roomy, random)
      : JSON.stringify(answerSchema(format.schema, { random, quote }));
  const most = fault === 'rows-truncated' ? Math.floor(Math.min(room * 4, text.length) / 2) : room * 4;
  if (text.length > most) {
    const blocks = most > 0 ? [textBlock(text.slice(0, most).toWellFormed())] : [];
    return { ...end, blocks, tokens: Math.max(0, room), stopReason: 'max_tokens' };
  }
  const tokens = tokensOf(text.length);
  return {
    ...end,
    blocks: [textBlock(text)],
    tokens,
    stopReason: fault === 'rows-paused' ? 'pause_turn' : 'end_turn',
  };
}

/** Ends the text where one of the request's stop sequences begins. */
function cutAtStop(content: Content, { stop_sequences: stops = [] }: Params): Content {
  const text = content.blocks.find((block) => block['type'] === 'text')?.['text'];
  if (typeof text !== 'string' || stops.length === 0) return content;
  const found = stops
    .map((stop) => ({ stop, at: stop === '' ? -1 : text.indexOf(stop) }))
    .filter(({ at }) => at !== -1)
    .sort((a, b) => a.at - b.at)[0];
  if (found === undefined) return content;
  return {
    blocks: [textBlock(text.slice(0, found.at))],
    tokens: tokensOf(found.at),
    stopReason: 'stop_sequence',
    stopSequence: found.stop,
  };
}

function forcedTool({ tools = [], tool_choice: choice }: Params) {
  if (choice?.type === 'tool') return tools.find((tool) => tool.name === choice.name) ?? null;
  return choice?.type === 'any' ? (tools[0] ?? null) : null;
}

function textBlock(text: string) {
  return { type: 'text', text, citations: null };
}
