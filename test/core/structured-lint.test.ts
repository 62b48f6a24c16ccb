import { describe, expect, test } from 'vitest';
import type { Stage } from '../../src/core/stage.ts';
import { lintStructured } from '../../src/core/structured-lint.ts';

const stage: Stage = {
  name: 'main',
  needs: [],
  model: 'claude-haiku-5-5',
  maxTokens: 100,
  params: { output_config: { effort: 'low' } },
  system: null,
  prompt: { kind: 'text', text: 'x' },
  messages: null,
  attach: [],
  tools: null,
  toolChoice: null,
  cache: null,
  schema: { kind: 'inline', schema: { type: 'object' } },
  output: null,
};
const text = { kind: 'text' as const, text: 'x' };
const cited = [{ type: 'document', citations: { enabled: true } }];

describe('beside a schema', () => {
  test('stand effort, and citations that are off', () => {
    const messages = [
      { role: 'user' as const, content: [{ type: 'document', citations: { enabled: false } }] },
    ];
    expect(lintStructured({ ...stage, messages })).toEqual([]);
  });

  test.each<[string, Partial<Stage>, string]>([
    [
      'another format',
      { params: { output_config: { format: { type: 'json_schema' } } } },
      'remove one of them',
    ],
    ['an output_config that is no object', { params: { output_config: 'low' } }, 'must be an object'],
    ['citations', { messages: [{ role: 'user', content: cited }] }, 'messages.0: citations'],
    [
      'a prefilled answer',
      {
        messages: [
          { role: 'user', content: text },
          { role: 'assistant', content: text },
        ],
      },
      'messages.1: the last turn is the beginning of the answer',
    ],
  ])('%s cannot stand', (_, more, problem) => {
    expect(lintStructured({ ...stage, ...more })).toEqual([expect.stringContaining(problem)]);
    expect(lintStructured({ ...stage, ...more, schema: null })).toEqual([]);
  });
});
