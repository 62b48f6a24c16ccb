import type { ModelFacts } from './model-facts.ts';

interface ShippedModel extends ModelFacts {
  /** Other names that requests may use. */
  readonly aliases: readonly string[];
}

const ALL_EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'];

/** What the models since Opus 4.7 have in common; each row says what differs. */
const RECENT = {
  aliases: [],
  contextTokens: 1_000_000,
  maxOutputTokens: 128_000,
  minCachedTokens: 512,
  hasLongOutput: true,
  thinking: ['adaptive', 'disabled'],
  needsThinkingAtHighEffort: false,
  efforts: ALL_EFFORTS,
  takesForcedTool: true,
  takesPrefill: false,
  takesSampling: false,
  hasStructuredOutputs: true,
  takesImages: true,
  takesPdfs: true,
  takesBatches: true,
  isRetired: null,
  retiresAt: null,
} satisfies Omit<ShippedModel, 'id'>;

/** Fable and Mythos: they always think, and are not on the list of models with 300,000 tokens of output. */
const FABLE = { ...RECENT, hasLongOutput: false, thinking: ['adaptive'], takesForcedTool: false };

const FROM_4_6 = { ...RECENT, thinking: ['adaptive', 'enabled', 'disabled'], takesSampling: true };

const UP_TO_4_5 = {
  ...RECENT,
  contextTokens: 200_000,
  maxOutputTokens: 64_000,
  minCachedTokens: 4_096,
  hasLongOutput: false,
  thinking: ['enabled', 'disabled'],
  efforts: [],
  takesPrefill: true,
  takesSampling: true,
};

/**
 * The models known on 2026-11-20, newest first. Where a key is there, the Models API has the last word (mergeFacts).
 *
 * Sources, under platform.claude.com/docs/en: about-claude/models/overview (context, output);
 * build-with-claude/thinking-troubleshooting (thinking types); build-with-claude/effort (levels);
 * build-with-claude/batch-processing (300k output); about-claude/models/migration-guide (prefill, sampling);
 * build-with-claude/structured-outputs; models/sonnet-5-5/whats-new-sonnet-5-5 (no `disabled`, `between_tools` up to
 * high, no forced tool); build-with-claude/prompt-engineering/prompting-claude-haiku-5-5 (`disabled` up to high);
 * build-with-claude/prompt-caching (from how many tokens on); about-claude/model-deprecations: a date stands here only
 * where it is fixed, not for «not sooner than».
 */
const SHIPPED: readonly ShippedModel[] = [
  { ...FABLE, id: 'claude-fable-5-2' },
  { ...FABLE, id: 'claude-mythos-5-2' },
  { ...RECENT, id: 'claude-haiku-5-5', needsThinkingAtHighEffort: true },
  {
    ...RECENT,
    id: 'claude-sonnet-5-5',
    thinking: ['adaptive', 'between_tools'],
    needsThinkingAtHighEffort: true,
    takesForcedTool: false,
  },
  { ...RECENT, id: 'claude-opus-5-5', thinking: ['adaptive'], takesForcedTool: false },
  { ...FABLE, id: 'claude-fable-5-1' },
  { ...FABLE, id: 'claude-mythos-5-1' },
  { ...RECENT, id: 'claude-opus-5', needsThinkingAtHighEffort: true },
  { ...RECENT, id: 'claude-sonnet-5', minCachedTokens: 1_024 },
  { ...FABLE, id: 'claude-fable-5', takesForcedTool: true },
  { ...FABLE, id: 'claude-mythos-5', takesForcedTool: true },
  { ...RECENT, id: 'claude-opus-4-8', minCachedTokens: 1_024 },
  { ...RECENT, id: 'claude-opus-4-7', minCachedTokens: 2_048 },
  {
    ...FROM_4_6,
    id: 'claude-sonnet-4-6',
    minCachedTokens: 1_024,
    efforts: ['low', 'medium', 'high', 'max'],
  },
  {
    ...FROM_4_6,
    id: 'claude-opus-4-6',
    minCachedTokens: 4_096,
    efforts: ['low', 'medium', 'high', 'max'],
  },
  {
    ...UP_TO_4_5,
    id: 'claude-opus-4-5-20251101',
    aliases: ['claude-opus-4-5'],
    efforts: ['low', 'medium', 'high'],
  },
  { ...UP_TO_4_5, id: 'claude-haiku-4-5-20251001', aliases: ['claude-haiku-4-5'] },
  {
    ...UP_TO_4_5,
    id: 'claude-sonnet-4-5-20250929',
    aliases: ['claude-sonnet-4-5'],
    minCachedTokens: 1_024,
    retiresAt: '2026-11-30',
  },
];

/** Retired before 2026-11-20: only that is still worth knowing of them. Source: about-claude/model-deprecations. */
const RETIRED = [
  'claude-opus-4-1',
  'claude-opus-4-1-20250805',
  'claude-opus-4-0',
  'claude-opus-4-20250514',
  'claude-sonnet-4-0',
  'claude-sonnet-4-20250514',
  'claude-3-7-sonnet-20250219',
  'claude-3-7-sonnet-latest',
  'claude-3-5-sonnet-20241022',
  'claude-3-5-sonnet-20240620',
  'claude-3-5-sonnet-latest',
  'claude-3-5-haiku-20241022',
  'claude-3-5-haiku-latest',
  'claude-3-opus-20240229',
  'claude-3-opus-latest',
  'claude-3-sonnet-20240229',
  'claude-3-haiku-20240307',
];

const BY_NAME = new Map<string, ModelFacts>();
for (const model of SHIPPED) {
  for (const name of [model.id, ...model.aliases]) BY_NAME.set(name, model);
}
for (const id of RETIRED) BY_NAME.set(id, { ...unknownModel(id), isRetired: true });

/** What this version of batchctl knows of a model, by its id or an alias; null for one that it does not know. */
export function shippedModel(name: string): ModelFacts | null {
  return BY_NAME.get(name) ?? null;
}

/** A model of which nothing is known but its id. */
export function unknownModel(id: string): ModelFacts {
  return {
    id,
    contextTokens: null,
    maxOutputTokens: null,
    minCachedTokens: null,
    hasLongOutput: null,
    thinking: null,
    needsThinkingAtHighEffort: null,
    efforts: null,
    takesForcedTool: null,
    takesPrefill: null,
    takesSampling: null,
    hasStructuredOutputs: null,
    takesImages: null,
    takesPdfs: null,
    takesBatches: null,
    isRetired: null,
    retiresAt: null,
  };
}
