import { describe, expect, test } from 'vitest';
import { LONG_OUTPUT_BETA, mergeFacts, outputCeiling } from '../../src/core/model-facts.ts';
import { lintModel, type ModelWishes, retiresSoon } from '../../src/core/model-lint.ts';
import { shippedModel, unknownModel } from '../../src/core/models.ts';

const NOW: ModelWishes = { betas: [], mode: 'batch', at: new Date('2026-11-20T00:00:00Z') };
const tools = [{ name: 'extract', input_schema: { type: 'object' } }];

function lint(model: string, extra: object, wishes: Partial<ModelWishes> = {}): string {
  const params = { model, max_tokens: 1000, messages: [{ role: 'user', content: 'hi' }], ...extra };
  return lintModel(params, shippedModel(model), { ...NOW, ...wishes }).join('\n');
}

test.each([
  ['claude-fable-5-2'],
  ['claude-mythos-5-2'],
  ['claude-haiku-5-5'],
  ['claude-sonnet-5-5'],
  ['claude-opus-5-5'],
  ['claude-fable-5-1'],
  ['claude-mythos-5-1'],
  ['claude-opus-5'],
  ['claude-sonnet-5'],
  ['claude-fable-5'],
  ['claude-mythos-5'],
  ['claude-opus-4-8'],
  ['claude-opus-4-7'],
  ['claude-sonnet-4-6'],
  ['claude-opus-4-6'],
  ['claude-opus-4-5'],
  ['claude-opus-4-5-20251101'],
  ['claude-haiku-4-5'],
  ['claude-haiku-4-5-20251001'],
  ['claude-sonnet-4-5'],
  ['claude-sonnet-4-5-20250929'],
])('%s is known and takes a plain request', (model) => {
  expect(shippedModel(model)).not.toBeNull();
  expect(lint(model, {})).toBe('');
});

const HIGH = { output_config: { effort: 'xhigh' } };
const DISABLED = { thinking: { type: 'disabled' } };
const BETWEEN = { thinking: { type: 'between_tools' } };
const BUDGET = { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } };
const PREFILL = {
  messages: [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: '{' },
  ],
};

describe('a model refuses', () => {
  test.each<[string, object, string]>([
    [
      'claude-opus-4-5',
      { max_tokens: 64_001 },
      '"max_tokens" is 64,001; claude-opus-4-5 writes at most 64,000',
    ],
    ['claude-sonnet-5-5', { max_tokens: 128_001 }, 'or add "betas: [output-300k-2026-03-24]"'],
    [
      'claude-fable-5-2',
      DISABLED,
      '"thinking.type": claude-fable-5-2 does not take "disabled"; it takes adaptive',
    ],
    ['claude-opus-5-5', DISABLED, 'does not take "disabled"'],
    ['claude-sonnet-5-5', DISABLED, 'it takes adaptive, between_tools'],
    ['claude-haiku-5-5', BETWEEN, 'does not take "between_tools"'],
    ['claude-haiku-5-5', BUDGET, 'does not take "enabled"'],
    ['claude-opus-4-7', BUDGET, 'does not take "enabled"'],
    ['claude-haiku-4-5', { thinking: { type: 'adaptive' } }, 'it takes enabled, disabled'],
    ['claude-opus-5', { ...DISABLED, ...HIGH }, 'does not take "disabled" at effort xhigh'],
    ['claude-haiku-5-5', { ...DISABLED, output_config: { effort: 'max' } }, 'at effort max'],
    ['claude-sonnet-5-5', { ...BETWEEN, ...HIGH }, 'does not take "between_tools" at effort xhigh'],
    ['claude-haiku-4-5', { thinking: { type: 'enabled', budget_tokens: 1000 } }, 'must be at least 1,024'],
    [
      'claude-haiku-4-5',
      { thinking: { type: 'enabled', budget_tokens: 1024 } },
      'must be less than "max_tokens" (1,000)',
    ],
    ['claude-sonnet-4-6', HIGH, 'does not know "xhigh"; it knows low, medium, high, max'],
    ['claude-opus-4-5', { output_config: { effort: 'max' } }, 'it knows low, medium, high'],
    ['claude-haiku-4-5', { output_config: { effort: 'low' } }, 'has no effort setting'],
    ['claude-haiku-5-5', { output_config: { effort: 'hihg' } }, 'does not know "hihg"'],
    ['claude-sonnet-5-5', { tools, tool_choice: { type: 'any' } }, 'cannot be forced to use a tool ("any")'],
    ['claude-opus-5-5', { tools, tool_choice: { type: 'tool', name: 'extract' } }, 'cannot be forced'],
    ['claude-fable-5-1', { tools, tool_choice: { type: 'any' } }, 'cannot be forced'],
    ['claude-haiku-4-5', { ...BUDGET, tools, tool_choice: { type: 'any' } }, 'while "thinking" is enabled'],
    ['claude-opus-4-6', PREFILL, 'does not go on from an assistant turn'],
    [
      'claude-haiku-4-5',
      { ...PREFILL, output_config: { format: {} } },
      'cannot be used with "output_config.format"',
    ],
    [
      'claude-opus-4-7',
      { temperature: 0.5, top_k: 5 },
      '"temperature", "top_k": claude-opus-4-7 takes only the default',
    ],
    ['claude-opus-4-1', {}, '"model": claude-opus-4-1 is retired; name a newer one'],
  ])('%s %j', (model, extra, problem) => {
    const said = lint(model, extra);
    expect(said).toContain(problem);
    expect(said.split('\n')).toHaveLength(1);
  });
});

describe('a model takes', () => {
  test.each<[string, object]>([
    ['claude-opus-4-5', { max_tokens: 64_000 }],
    ['claude-opus-5', DISABLED],
    ['claude-sonnet-5', { ...DISABLED, ...HIGH }],
    ['claude-sonnet-5-5', { ...BETWEEN, output_config: { effort: 'high' } }],
    ['claude-opus-4-6', BUDGET],
    ['claude-haiku-4-5', BUDGET],
    ['claude-opus-4-6', { output_config: { effort: 'max' } }],
    ['claude-haiku-5-5', { tools, tool_choice: { type: 'any' } }],
    ['claude-fable-5', { tools, tool_choice: { type: 'any' } }],
    ['claude-sonnet-5-5', { tools, tool_choice: { type: 'auto' } }],
    ['claude-haiku-4-5', PREFILL],
    ['claude-opus-4-6', { temperature: 0.5 }],
    ['claude-opus-4-8', { temperature: 1, top_p: 1 }],
    ['claude-of-next-year', { max_tokens: 9_999_999, ...PREFILL, ...HIGH, temperature: 0 }],
  ])('%s %j', (model, extra) => {
    expect(lint(model, extra)).toBe('');
  });
});

test('all that is wrong is said at once', () => {
  const said = lint('claude-sonnet-5-5', { ...DISABLED, ...PREFILL, max_tokens: 200_000 });
  expect(said.split('\n').map((problem) => problem.split('"')[1])).toEqual([
    'max_tokens',
    'thinking.type',
    'messages',
  ]);
});

test('the 300k beta raises the ceiling of the models that have it, and in batches only', () => {
  const beta = { betas: [LONG_OUTPUT_BETA] };
  expect(lint('claude-sonnet-5-5', { max_tokens: 300_000 }, beta)).toBe('');
  expect(lint('claude-sonnet-5-5', { max_tokens: 300_000 }, { ...beta, mode: null })).toBe('');
  expect(lint('claude-sonnet-5-5', { max_tokens: 300_001 }, beta)).toContain('writes at most 300,000');
  expect(lint('claude-sonnet-5-5', { max_tokens: 300_000 }, { ...beta, mode: 'real_time' })).toContain(
    '128,000',
  );
  expect(lint('claude-fable-5-2', { max_tokens: 300_000 }, beta)).toContain('writes at most 128,000');
  expect(outputCeiling(unknownModel('m'), { ...beta, mode: 'batch' })).toBeNull();
});

test('a model that retires before a batch must have ended is told, and only then', () => {
  const facts = shippedModel('claude-sonnet-4-5') ?? unknownModel('');
  const said = (at: string) => retiresSoon(facts, new Date(at));
  expect(said('2026-11-28T23:59:59Z')).toBeNull();
  expect(said('2026-11-29T00:00:00Z')).toContain('claude-sonnet-4-5-20250929 retires on 2026-11-30');
  expect(said('2026-11-29T23:59:59Z')).not.toBeNull();
  // From then on it is refused.
  expect(said('2026-11-30T00:00:00Z')).toBeNull();
  expect(retiresSoon(unknownModel('m'), new Date())).toBeNull();
});

test('a model is refused from the day on which it retires', () => {
  const on = (day: string): string => lint('claude-sonnet-4-5', {}, { at: new Date(day) });
  expect(on('2026-11-29T23:59:59Z')).toBe('');
  expect(on('2026-11-30T00:00:00Z')).toContain('claude-sonnet-4-5 is retired since 2026-11-30');
  expect(lint('claude-sonnet-4-5', {}, { at: null })).toBe('');
});

describe('what the Models API says goes before what was shipped', () => {
  const shipped = shippedModel('claude-sonnet-4-5');
  const params = { model: 'claude-sonnet-4-5', max_tokens: 70_000, messages: [] };
  const late = { ...NOW, at: new Date('2027-01-01') };
  const said = (described: object): readonly string[] =>
    lintModel(params, mergeFacts(shipped, { ...unknownModel('x'), ...described }), late);

  test('its limits', () => {
    expect(said({ maxOutputTokens: 80_000, isRetired: false })).toEqual([]);
    expect(said({ maxOutputTokens: 60_000, isRetired: false })[0]).toContain('writes at most 60,000');
  });

  test('whether the model is there', () => {
    expect(said({ isRetired: true })[0]).toContain('is retired');
    expect(said({ isRetired: false })[0]).not.toContain('is retired');
    expect(said({})[0]).toContain('is retired');
  });

  test('what it leaves out stays', () => {
    expect(mergeFacts(shipped, unknownModel('x'))).toMatchObject({
      maxOutputTokens: 64_000,
      takesPrefill: true,
    });
    expect(mergeFacts(null, unknownModel('x'))).toEqual(unknownModel('x'));
  });

  test('what only it knows: batches, images, PDFs, structured outputs', () => {
    const facts = {
      ...unknownModel('m'),
      takesBatches: false,
      takesImages: false,
      takesPdfs: false,
      hasStructuredOutputs: false,
    };
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: '' } };
    const of = (content: readonly object[], mode: 'batch' | 'real_time'): readonly string[] =>
      lintModel({ model: 'm', messages: [{ role: 'user', content }] }, facts, { ...NOW, mode });
    expect(of([], 'batch')).toEqual([
      '"model": m cannot be used in batches; name another one, or submit without --use-batch',
    ]);
    expect(of([], 'real_time')).toEqual([]);
    expect(of([{ type: 'image' }], 'real_time')).toEqual([
      '"messages": m does not take images; name another model',
    ]);
    expect(of([pdf], 'real_time')).toEqual(['"messages": m does not take PDFs; name another model']);
    const format = { model: 'm', output_config: { format: { type: 'json_schema' } } };
    expect(lintModel(format, facts, { ...NOW, mode: 'real_time' })[0]).toContain('no structured outputs');
  });
});
