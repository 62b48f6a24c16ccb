import { z } from 'zod';

const cacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() });

// Blocks and tools are checked no further than the emulator looks at them: what is inside an image is nothing to it.
const block = z.looseObject({ type: z.string(), cache_control: cacheControl.nullish() });
const textBlock = z.looseObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: cacheControl.nullish(),
});

const message = z.strictObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(block)]),
});

const tool = z.looseObject({
  name: z.string().optional(),
  type: z.string().nullish(),
  input_schema: z.looseObject({}).optional(),
  cache_control: cacheControl.nullish(),
});

const toolChoice = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use: z.boolean().optional() }),
  z.strictObject({ type: z.literal('any'), disable_parallel_tool_use: z.boolean().optional() }),
  z.strictObject({
    type: z.literal('tool'),
    name: z.string(),
    disable_parallel_tool_use: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('none') }),
]);

const thinking = z.looseObject({
  type: z.enum(['adaptive', 'enabled', 'disabled', 'between_tools']),
  budget_tokens: z.number().int().optional(),
});

const outputConfig = z.strictObject({
  effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  format: z.strictObject({ type: z.literal('json_schema'), schema: z.looseObject({}) }).nullish(),
});

const common = {
  model: z.string(),
  messages: z.array(message).min(1),
  system: z.union([z.string(), z.array(textBlock)]).optional(),
  tools: z.array(tool).optional(),
  tool_choice: toolChoice.optional(),
  thinking: thinking.optional(),
  output_config: outputConfig.optional(),
  cache_control: cacheControl.nullish(),
  speed: z.enum(['standard', 'fast']).nullish(),
  user_profile_id: z.string().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().int().min(0).optional(),
};

/** The body of POST /v1/messages and the params of a batch row (SDK, src/resources/messages/messages.ts). */
export const paramsSchema = z.strictObject({
  ...common,
  max_tokens: z.number().int().min(1),
  container: z.unknown().optional(),
  context_management: z.unknown().optional(),
  diagnostics: z.unknown().optional(),
  inference_geo: z.string().nullish(),
  mcp_servers: z.unknown().optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  stop_sequences: z.array(z.string()).optional(),
  stream: z.boolean().optional(),
});

/** The body of POST /v1/messages/count_tokens. */
export const countSchema = z.strictObject(common);

/** Params that have passed. */
export type Params = z.infer<typeof paramsSchema>;

/** What both kinds of body have. */
export type PromptParams = z.infer<typeof countSchema>;

/** One turn of the conversation. */
export type Message = z.infer<typeof message>;

/** One block of a turn. */
export type Block = z.infer<typeof block>;

/** Says the first thing that is wrong, in the API's words: `path: Field required` and the like. */
export function describeIssue(error: z.ZodError, value: unknown): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'Input is not valid';
  const path = issue.path.map(String);
  const at = (...more: string[]) => [...path, ...more].join('.');
  if (valueAt(value, path) === undefined) return `${at()}: Field required`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return `${at(issue.keys[0] ?? '')}: Extra inputs are not permitted`;
    case 'invalid_type':
      return `${at()}: Input should be a valid ${issue.expected === 'int' ? 'integer' : issue.expected}`;
    case 'too_small':
      if (issue.origin === 'array') return `${at()}: at least one message is required`;
      return `${at()}: must be greater than or equal to ${issue.minimum}`;
    case 'too_big':
      return `${at()}: must be less than or equal to ${issue.maximum}`;
    case 'invalid_value':
      return `${at()}: Input should be ${issue.values.map((allowed) => `'${String(allowed)}'`).join(' or ')}`;
    case 'invalid_union':
      return describeUnion(issue, path, value);
    default:
      return `${at()}: ${issue.message}`;
  }
}

/** In a union of text and blocks it is the blocks that say something useful about a list. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: readonly string[], value: unknown): string {
  const inner = issue.errors.flat().find((one) => one.path.length > 0);
  if (inner === undefined) return `${path.join('.')}: Input should be a valid string or list`;
  const error = new z.ZodError([{ ...inner, path: [...path, ...inner.path] }]);
  return describeIssue(error, value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
