/**
 * Parameters of a Messages request that are known, those of betas too. Source: MessageCreateParamsBase in
 * @anthropic-ai/sdk 1.11.0, src/resources/messages/messages.ts and src/resources/beta/messages/messages.ts.
 */
export const MESSAGES_PARAMS = [
  'model',
  'max_tokens',
  'messages',
  'billing_policy',
  'cache_control',
  'compaction',
  'container',
  'context_management',
  'diagnostics',
  'fallback_credit_token',
  'fallbacks',
  'inference_geo',
  'mcp_servers',
  'metadata',
  'output_config',
  'output_format',
  'service_tier',
  'speed',
  'stop_sequences',
  'stream',
  'system',
  'temperature',
  'thinking',
  'thread',
  'tool_choice',
  'tools',
  'top_k',
  'top_p',
  'user_profile_id',
  'workspace_id',
];

/** Those that nobody has heard of. The free check of a sample leaves them out, so that each row would be refused late. */
export function unknownParams(params: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(params).filter((name) => !MESSAGES_PARAMS.includes(name));
}
