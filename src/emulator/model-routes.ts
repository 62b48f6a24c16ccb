import { z } from 'zod';
import { nowUs } from './clock.ts';
import { findModel, lifecycleOf, MODELS, type Model } from './models.ts';
import { pageOf, readPageQuery } from './paging.ts';
import { ApiError, type Call, sendJson } from './reply.ts';

const lifecycleSchema = z.array(z.enum(['active', 'deprecated', 'retired']));

/** GET /v1/models; retired models only where they are asked for. */
export function listModels(call: Call): void {
  const query = call.url.searchParams;
  const asked = lifecycleSchema.safeParse([...query.getAll('lifecycle[]'), ...query.getAll('lifecycle')]);
  if (!asked.success) {
    throw new ApiError(
      400,
      'invalid_request_error',
      "lifecycle: Input should be 'active' or 'deprecated' or 'retired'",
    );
  }
  const wanted = asked.data.length > 0 ? asked.data : ['active', 'deprecated'];
  const now = nowUs(call.state.db);
  const models = MODELS.filter((model) => wanted.includes(lifecycleOf(model, now)));
  const page = pageOf(models, readPageQuery(query));
  sendJson(call.response, 200, { ...page, data: page.data.map((model) => viewModel(model, now)) });
}

/** GET /v1/models/{id}; takes an alias too. */
export function retrieveModel(call: Call): void {
  const model = findModel(call.id);
  if (model === null) throw new ApiError(404, 'not_found_error', `model: ${call.id}`);
  sendJson(call.response, 200, viewModel(model, nowUs(call.state.db)));
}

/** A model as the API shows it (SDK, src/resources/models.ts). */
function viewModel(model: Model, atUs: number) {
  const lifecycle = lifecycleOf(model, atUs);
  return {
    type: 'model',
    id: model.id,
    display_name: model.name,
    created_at: `${model.createdAt}T00:00:00Z`,
    lifecycle,
    deprecated_at:
      lifecycle === 'active' || model.deprecatedAt === null ? null : `${model.deprecatedAt}T00:00:00Z`,
    retires_at: lifecycle === 'active' || model.retiresAt === null ? null : `${model.retiresAt}T00:00:00Z`,
    line: model.line,
    max_input_tokens: model.maxInputTokens,
    max_tokens: model.maxOutputTokens,
    capabilities: viewCapabilities(model),
  };
}

function viewCapabilities(model: Model) {
  const yes = supported(true);
  const hasBudget = model.thinking === 'budget' || model.thinking === 'adaptive-or-budget';
  const effort = (name: string) => supported(model.efforts.includes(name));
  return {
    batch: yes,
    citations: yes,
    code_execution: yes,
    context_management: {
      ...yes,
      clear_thinking_20251015: yes,
      clear_tool_uses_20250919: yes,
      compact_20260112: supported(model.thinking !== 'budget'),
    },
    effort: {
      ...supported(model.efforts.length > 0),
      low: effort('low'),
      medium: effort('medium'),
      high: effort('high'),
      xhigh: effort('xhigh'),
      max: effort('max'),
    },
    image_input: yes,
    pdf_input: yes,
    server_tools: { ...yes, code_execution: yes, web_search: yes },
    structured_outputs: yes,
    thinking: {
      ...yes,
      types: {
        adaptive: supported(model.thinking !== 'budget'),
        between_tools: supported(model.betweenTools),
        disabled: supported(model.thinking !== 'always' && !model.betweenTools),
        enabled: supported(hasBudget),
      },
    },
  };
}

function supported(isSupported: boolean) {
  return { supported: isSupported };
}
