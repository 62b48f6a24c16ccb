import { findModelProblem } from './model-rules.ts';
import { findModel, lifecycleOf } from './models.ts';
import { countSchema, describeIssue, type Params, type PromptParams, paramsSchema } from './params-schema.ts';
import { findFormatProblem } from './structured-output.ts';

/** Why the API refuses params: the type and text of the error. */
export interface ParamsProblem {
  readonly type: 'invalid_request_error' | 'not_found_error';
  readonly message: string;
}

/** What the same params are judged by, besides themselves. */
export interface CheckContext {
  readonly isBatch: boolean;
  readonly apiVersion: string;
  readonly betas: readonly string[];
  readonly atUs: number;
}

// Fields that Messages has and a row must not: platform.claude.com/docs/en/build-with-claude/batch-processing.
const NOT_IN_BATCHES = [
  'store',
  'previous_thread_event_id',
  'cache_hint',
  'context_hint',
  'research_preview_2026_02',
];
const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

/**
 * Why these Messages params are refused; null when they are not. In a batch this is what makes a row end `errored`,
 * long after create has taken it.
 */
export function findParamsProblem(value: unknown, context: CheckContext): ParamsProblem | null {
  if (context.isBatch) {
    const problem = findBatchProblem(value);
    if (problem !== null) return invalid(problem);
  }
  const parsed = paramsSchema.safeParse(value);
  if (!parsed.success) return invalid(describeIssue(parsed.error, value));
  return findPromptProblem(parsed.data, context) ?? findLimitProblem(parsed.data, context);
}

/** The same for the params of count_tokens. */
export function findCountProblem(value: unknown, context: CheckContext): ParamsProblem | null {
  const parsed = countSchema.safeParse(value);
  if (!parsed.success) return invalid(describeIssue(parsed.error, value));
  return findPromptProblem(parsed.data, context);
}

function findBatchProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (Reflect.get(value, 'stream') === true)
    return 'stream: stream=True is not supported in the Message Batches API';
  if (Reflect.get(value, 'speed') === 'fast')
    return 'speed: fast mode is not supported in the Message Batches API';
  const field = NOT_IN_BATCHES.find((name) => Object.hasOwn(value, name));
  return field === undefined ? null : `${field}: not supported in the Message Batches API`;
}

function findPromptProblem(params: PromptParams, context: CheckContext): ParamsProblem | null {
  const model = findModel(params.model);
  if (model === null || lifecycleOf(model, context.atUs) === 'retired') {
    return { type: 'not_found_error', message: `model: ${params.model}` };
  }
  const problem =
    findVersionProblem(params, context.apiVersion) ??
    findModelProblem(params, model) ??
    findFormatProblem(params.output_config?.format?.schema);
  return problem === null ? null : invalid(problem);
}

/** What version 2026-10-21 took away: platform.claude.com/docs/en/api/migration-2026-10-21. */
function findVersionProblem(params: PromptParams, apiVersion: string): string | null {
  if (apiVersion < '2026-10-21') return null;
  const sampling = SAMPLING.find((name) => params[name] !== undefined);
  if (sampling !== undefined) return `${sampling}: Extra inputs are not permitted`;
  for (const [index, { role, content }] of params.messages.entries()) {
    if (typeof content === 'string') continue;
    for (const [position, block] of content.entries()) {
      const path = `messages.${index}.content.${position}`;
      if (role === 'assistant' && block.type === 'document')
        return `${path}: document blocks are not permitted here`;
      const citations = block['citations'];
      if (role === 'user' && block.type === 'text' && Array.isArray(citations) && citations.length > 0) {
        return `${path}.citations: citations are not permitted in user messages`;
      }
    }
  }
  return null;
}

function findLimitProblem(params: Params, { isBatch, betas }: CheckContext): ParamsProblem | null {
  const model = findModel(params.model);
  if (model === null) return null;
  const isLong = isBatch && model.longOutput && betas.includes('output-300k-2026-03-24');
  const most = isLong ? 300_000 : model.maxOutputTokens;
  if (params.max_tokens <= most) return null;
  return invalid(
    `max_tokens: ${params.max_tokens} > ${most}, which is the maximum allowed number of output tokens for ${params.model}`,
  );
}

function invalid(message: string): ParamsProblem {
  return { type: 'invalid_request_error', message };
}
