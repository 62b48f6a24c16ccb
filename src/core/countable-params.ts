/**
 * The part of a request's params that a token count takes: it refuses `max_tokens` and whatever else only a Messages
 * call knows. Source: MessageCountTokensParams in @anthropic-ai/sdk 1.11.0, src/resources/messages/messages.ts.
 */
const COUNTABLE = ['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config'];

export function countableParams(paramsJson: string): string {
  const params: unknown = JSON.parse(paramsJson);
  if (typeof params !== 'object' || params === null) return paramsJson;
  return JSON.stringify(
    Object.fromEntries(Object.entries(params).filter(([key]) => COUNTABLE.includes(key))),
  );
}
