import {
  LONG_OUTPUT_BETA,
  LONG_OUTPUT_TOKENS,
  type ModelFacts,
  type OutputWishes,
  outputCeiling,
} from './model-facts.ts';

type Params = Readonly<Record<string, unknown>>;

export interface ModelWishes extends OutputWishes {
  /** When it would be sent; null: dates are not looked at. */
  readonly at: Date | null;
}

/** The sentence for what a model refuses, or null. */
type Check = (params: Params, facts: ModelFacts, wishes: ModelWishes) => string | null;

/**
 * What a model would refuse in the params of a request, a sentence each with the way out. Empty when nothing is known
 * to be wrong, as for a model that is not known. Sources of the rules: the pages named in models.ts.
 */
export function lintModel(params: Params, facts: ModelFacts | null, wishes: ModelWishes): readonly string[] {
  if (facts === null) return [];
  const retired = retirement(params, facts, wishes);
  if (retired !== null) return [retired];
  return CHECKS.flatMap((check) => check(params, facts, wishes) ?? []);
}

const retirement: Check = ({ model }, { isRetired, retiresAt }, { at }) => {
  const isPast = at !== null && retiresAt !== null && at.getTime() >= Date.parse(retiresAt);
  if (!(isRetired ?? isPast)) return null;
  const when = retiresAt === null ? '' : ` since ${retiresAt.slice(0, 10)}`;
  return `"model": ${String(model)} is retired${when}; name a newer one`;
};

/** Source: the batch processing guide; a batch may take so long, and a model that is gone by then answers nothing. */
const BATCH_MS = 24 * 3_600_000;

/** What to say of a model that is there now and may be gone before a batch that is sent now has ended; null: nothing. */
export function retiresSoon({ id, retiresAt, isRetired }: ModelFacts, at: Date): string | null {
  if (retiresAt === null || isRetired === true) return null;
  const leftMs = Date.parse(retiresAt) - at.getTime();
  if (!(leftMs > 0 && leftMs <= BATCH_MS)) return null;
  return `${id} retires on ${retiresAt.slice(0, 10)}, before a batch that is sent now must have ended (24 hours); requests that are not answered by then fail, so name a newer one`;
}

const batches: Check = ({ model }, { takesBatches }, { mode }) =>
  mode === 'batch' && takesBatches === false
    ? `"model": ${String(model)} cannot be used in batches; name another one, or submit without --use-batch`
    : null;

const maxTokens: Check = ({ model, max_tokens: wanted }, facts, wishes) => {
  const ceiling = outputCeiling(facts, wishes);
  if (typeof wanted !== 'number' || ceiling === null || wanted <= ceiling) return null;
  const couldBeRaised =
    facts.hasLongOutput === true &&
    wishes.mode !== 'real_time' &&
    ceiling < LONG_OUTPUT_TOKENS &&
    wanted <= LONG_OUTPUT_TOKENS;
  const raise = couldBeRaised ? `, or add "betas: [${LONG_OUTPUT_BETA}]" and send it as a batch` : '';
  return `"max_tokens" is ${amount(wanted)}; ${String(model)} writes at most ${amount(ceiling)}, so lower it${raise}`;
};

const thinkingType: Check = ({ model, thinking }, facts) => {
  const type = textAt(thinking, 'type');
  if (type === null || facts.thinking === null || facts.thinking.includes(type)) return null;
  return `"thinking.type": ${String(model)} does not take "${type}"; it takes ${facts.thinking.join(', ')}`;
};

const thinkingOff: Check = ({ model, thinking, output_config: config }, facts) => {
  const type = textAt(thinking, 'type');
  const effort = textAt(config, 'effort');
  if (facts.needsThinkingAtHighEffort !== true || (effort !== 'xhigh' && effort !== 'max')) return null;
  if (type !== 'disabled' && type !== 'between_tools') return null;
  return `"thinking.type": ${String(model)} does not take "${type}" at effort ${effort}; lower the effort to high, or remove "thinking"`;
};

/** Source: ThinkingConfigEnabled in @anthropic-ai/sdk 1.11.0; with interleaved thinking the budget spans several turns. */
const thinkingBudget: Check = ({ thinking, max_tokens: wanted }, _facts, { betas }) => {
  if (textAt(thinking, 'type') !== 'enabled') return null;
  const budget = valueAt(thinking, 'budget_tokens');
  if (typeof budget !== 'number' || budget < 1024)
    return '"thinking.budget_tokens" must be at least 1,024; raise it, or remove "thinking"';
  const isInterleaved = betas.some((beta) => beta.startsWith('interleaved-thinking'));
  if (isInterleaved || typeof wanted !== 'number' || budget < wanted) return null;
  return `"thinking.budget_tokens" is ${amount(budget)} and must be less than "max_tokens" (${amount(wanted)}), which it is part of`;
};

const effortLevel: Check = ({ model, output_config: config }, { efforts }) => {
  const effort = valueAt(config, 'effort');
  if (effort === undefined || effort === null || efforts === null || efforts.includes(String(effort)))
    return null;
  if (efforts.length === 0)
    return `"output_config.effort": ${String(model)} has no effort setting; remove it`;
  return `"output_config.effort": ${String(model)} does not know "${String(effort)}"; it knows ${efforts.join(', ')}`;
};

const forcedTool: Check = ({ model, tool_choice: choice, thinking }, facts) => {
  const type = textAt(choice, 'type');
  if (type !== 'any' && type !== 'tool') return null;
  if (facts.takesForcedTool === false)
    return `"tool_choice": ${String(model)} cannot be forced to use a tool ("${type}"); say {type: auto} and ask for it in the prompt`;
  // Source: platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools, «Forcing tool use»
  if (textAt(thinking, 'type') === 'enabled')
    return `"tool_choice": a tool cannot be forced ("${type}") while "thinking" is enabled; remove one of them`;
  return null;
};

const prefill: Check = ({ model, messages, output_config: config }, { takesPrefill }) => {
  if (!Array.isArray(messages) || textAt(messages.at(-1), 'role') !== 'assistant') return null;
  if (takesPrefill === false)
    return `"messages": ${String(model)} does not go on from an assistant turn; end with a user turn`;
  // Source: platform.claude.com/docs/en/build-with-claude/structured-outputs, on what it cannot be used with
  return valueAt(config, 'format') == null
    ? null
    : '"messages": an assistant turn at the end cannot be used with "output_config.format"; end with a user turn';
};

const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

/** 1 is the default of temperature and top_p. */
const sampling: Check = (params, { takesSampling }) => {
  if (takesSampling !== false) return null;
  const refused = SAMPLING.filter(
    (name) => params[name] !== undefined && (name === 'top_k' || params[name] !== 1),
  );
  if (refused.length === 0) return null;
  return `${refused.map((name) => `"${name}"`).join(', ')}: ${String(params['model'])} takes only the default; remove it`;
};

const structuredOutputs: Check = ({ model, output_config: config }, { hasStructuredOutputs }) =>
  hasStructuredOutputs === false && valueAt(config, 'format') != null
    ? `"output_config.format": ${String(model)} has no structured outputs; name another model`
    : null;

const media: Check = ({ model, messages }, { takesImages, takesPdfs }) => {
  if (takesImages !== false && takesPdfs !== false) return null;
  const types = new Set(blockTypes(messages));
  if (takesImages === false && types.has('image'))
    return `"messages": ${String(model)} does not take images; name another model`;
  if (takesPdfs === false && types.has('application/pdf'))
    return `"messages": ${String(model)} does not take PDFs; name another model`;
  return null;
};

const CHECKS: readonly Check[] = [
  batches,
  maxTokens,
  thinkingType,
  thinkingOff,
  thinkingBudget,
  effortLevel,
  forcedTool,
  prefill,
  sampling,
  structuredOutputs,
  media,
];

/** The type of each content block, and the media type of its source. */
function* blockTypes(messages: unknown): Generator<string> {
  for (const message of Array.isArray(messages) ? messages : []) {
    const content = valueAt(message, 'content');
    for (const block of Array.isArray(content) ? content : []) {
      yield String(valueAt(block, 'type'));
      yield String(valueAt(valueAt(block, 'source'), 'media_type'));
    }
  }
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function textAt(value: unknown, key: string): string | null {
  const found = valueAt(value, key);
  return typeof found === 'string' ? found : null;
}

const amount = (tokens: number): string => tokens.toLocaleString('en-US');
