import type { Stage } from './stage.ts';

/**
 * What cannot stand beside a schema, a sentence each; empty for a stage without one. The API refuses citations and a
 * prefilled answer together with output_config.format in every row.
 * Source: platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function lintStructured({ schema, params, messages }: Stage): readonly string[] {
  if (schema === null) return [];
  const problems: string[] = [];
  const config = params['output_config'];
  if (config !== undefined && !isObject(config))
    problems.push('"params.output_config" must be an object, such as {effort: low}');
  else if (config !== undefined && config['format'] !== undefined)
    problems.push(
      '"params.output_config.format" and "schema" both say what an answer is; remove one of them',
    );
  for (const [index, { role, content }] of (messages ?? []).entries()) {
    if (role === 'assistant' && index === (messages?.length ?? 0) - 1) {
      const problem = 'the last turn is the beginning of the answer, which cannot stand beside "schema"';
      problems.push(`messages.${index}: ${problem}; end with a turn of the user`);
    }
    if (!Array.isArray(content)) continue;
    for (const block of content) {
      const citations: unknown = isObject(block) ? block['citations'] : undefined;
      if (isObject(citations) && citations['enabled'] === true)
        problems.push(`messages.${index}: citations cannot stand beside "schema"; remove one of them`);
    }
  }
  return problems;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
