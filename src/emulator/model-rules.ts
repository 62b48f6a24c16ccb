import type { Model } from './models.ts';
import type { Block, PromptParams } from './params-schema.ts';

const MAX_CACHE_BREAKPOINTS = 4;
const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

/** Why this model refuses the params; null when it takes them. Sources: the pages of the models. */
export function findModelProblem(params: PromptParams, model: Model): string | null {
  return (
    findThinkingProblem(params, model) ??
    findToolProblem(params, model) ??
    findSamplingProblem(params, model) ??
    findMessagesProblem(params, model)
  );
}

function findThinkingProblem({ thinking, output_config: config }: PromptParams, model: Model): string | null {
  const effort = config?.effort ?? null;
  if (effort !== null && !model.efforts.includes(effort))
    return `output_config.effort: ${effort} is not supported by ${model.id}`;
  const hasBudget = model.thinking === 'budget' || model.thinking === 'adaptive-or-budget';
  switch (thinking?.type) {
    case 'enabled':
      if (!hasBudget) return `thinking.type: 'enabled' is not supported by ${model.id}; use 'adaptive'`;
      if ((thinking.budget_tokens ?? 0) < 1024)
        return 'thinking.budget_tokens: must be greater than or equal to 1024';
      return null;
    case 'adaptive':
      return model.thinking === 'budget' ? `thinking.type: 'adaptive' is not supported by ${model.id}` : null;
    case 'between_tools':
      if (!model.betweenTools) return `thinking.type: 'between_tools' is not supported by ${model.id}`;
      return isHigh(effort) ? `thinking.type: 'between_tools' is not supported at effort ${effort}` : null;
    case 'disabled':
      if (model.betweenTools)
        return `thinking.type: 'disabled' is not supported by ${model.id}; use 'between_tools'`;
      if (model.thinking === 'always') return `thinking.type: 'disabled' is not supported by ${model.id}`;
      if (model.thinking === 'default' && isHigh(effort)) {
        return `thinking.type: 'disabled' is not supported at effort ${effort}`;
      }
      return null;
    case undefined:
      return null;
  }
}

function isHigh(effort: string | null): boolean {
  return effort === 'xhigh' || effort === 'max';
}

function findToolProblem({ tools, tool_choice: choice }: PromptParams, model: Model): string | null {
  if (choice?.type !== 'any' && choice?.type !== 'tool') return null;
  if (model.refusesForcedTool) return `tool_choice: forcing a tool is not supported by ${model.id}`;
  if (tools === undefined || tools.length === 0)
    return 'tool_choice: may only be specified while providing tools';
  if (choice.type === 'any' || tools.some((tool) => tool.name === choice.name)) return null;
  return `tool_choice: Tool '${choice.name}' not found in provided tools`;
}

function findSamplingProblem(params: PromptParams, model: Model): string | null {
  if (!model.refusesSampling) return null;
  // 1 is the default of temperature and top_p, and stays allowed until version 2026-10-21.
  const refused = SAMPLING.find(
    (name) => params[name] !== undefined && (name === 'top_k' || params[name] !== 1),
  );
  return refused === undefined ? null : `${refused}: only the default is supported by ${model.id}`;
}

function findMessagesProblem({ messages, system, tools }: PromptParams, model: Model): string | null {
  if (messages.at(-1)?.role === 'assistant' && model.refusesPrefill) {
    return `messages: ${model.id} does not support assistant message prefill. The conversation must end with a user message.`;
  }
  let breakpoints = 0;
  const count = (blocks: readonly { readonly cache_control?: unknown }[] | string | undefined) => {
    if (typeof blocks === 'object')
      breakpoints += blocks.filter((block) => block.cache_control != null).length;
  };
  count(tools);
  count(system);
  for (const [index, { content }] of messages.entries()) {
    count(content);
    if (typeof content === 'string') continue;
    const problem = findBlockProblem(content);
    if (problem !== null) return `messages.${index}.content.${problem}`;
  }
  if (breakpoints <= MAX_CACHE_BREAKPOINTS) return null;
  return `A maximum of ${MAX_CACHE_BREAKPOINTS} blocks with cache_control may be provided. Found ${breakpoints}.`;
}

function findBlockProblem(blocks: readonly Block[]): string | null {
  for (const [index, block] of blocks.entries()) {
    if (block.type === 'text' && typeof block['text'] !== 'string') return `${index}.text: Field required`;
    if (block.type === 'image' || block.type === 'document') {
      const url = urlOf(block['source']);
      if (url !== null && !isReachable(url))
        return `${index}.source: Unable to download the file. Please verify the URL and try again.`;
    }
  }
  return null;
}

function urlOf(source: unknown): string | null {
  if (typeof source !== 'object' || source === null || Reflect.get(source, 'type') !== 'url') return null;
  return String(Reflect.get(source, 'url'));
}

/** Nothing is fetched; names under `.invalid` never resolve (RFC 2606), so those stand for hosts that are down. */
function isReachable(url: string): boolean {
  return URL.canParse(url) && !new URL(url).hostname.endsWith('.invalid');
}
