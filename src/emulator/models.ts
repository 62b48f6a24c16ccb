/** How a model takes `thinking`, from the page of that model. */
export type ThinkingMode =
  | 'always' // adaptive, cannot be disabled
  | 'default' // adaptive, on unless disabled
  | 'on-request' // adaptive, off unless asked for
  | 'adaptive-or-budget' // adaptive, and the older `enabled` with a budget
  | 'budget'; // only `enabled` with a budget

export interface Model {
  readonly id: string;
  readonly alias: string | null;
  readonly name: string;
  readonly line: 'haiku' | 'sonnet' | 'opus' | 'fable' | 'mythos';
  readonly createdAt: string;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  readonly thinking: ThinkingMode;
  /** Takes `thinking: {type: "between_tools"}`. */
  readonly betweenTools: boolean;
  /** Answers 400 when `tool_choice` forces a tool. */
  readonly refusesForcedTool: boolean;
  readonly efforts: readonly string[];
  /** Tokens below which a prefix marked with `cache_control` is silently not cached. */
  readonly minCachedTokens: number;
  /** Reaches 300,000 output tokens in a batch with `anthropic-beta: output-300k-2026-03-24`. */
  readonly longOutput: boolean;
  /** Refuses an assistant turn at the end of `messages`. */
  readonly refusesPrefill: boolean;
  /** Refuses any sampling parameter that is not at its default. */
  readonly refusesSampling: boolean;
  readonly deprecatedAt: string | null;
  /** From this moment on the model is unknown to requests. */
  readonly retiresAt: string | null;
}

const ALL_EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'];
const EFFORTS_OF_4_6 = ['low', 'medium', 'high', 'max'];
const COMMON_EFFORTS = ['low', 'medium', 'high'];

/** What most models of 2026 have in common; the rows below say what differs. */
const RECENT = {
  alias: null,
  maxInputTokens: 1_000_000,
  maxOutputTokens: 128_000,
  thinking: 'default',
  betweenTools: false,
  refusesForcedTool: false,
  efforts: ALL_EFFORTS,
  minCachedTokens: 512,
  longOutput: true,
  refusesPrefill: true,
  refusesSampling: true,
  deprecatedAt: null,
  retiresAt: null,
} as const;

/** Fable and Mythos: always thinking, and not on the list of models with 300,000 output tokens. */
const ALWAYS = { ...RECENT, thinking: 'always', refusesForcedTool: true, longOutput: false } as const;

const OLDER = {
  ...RECENT,
  maxInputTokens: 200_000,
  maxOutputTokens: 64_000,
  thinking: 'budget',
  longOutput: false,
  refusesPrefill: false,
  refusesSampling: false,
} as const;

/**
 * The models that the emulator knows, newest first.
 * Sources: platform.claude.com/docs/en/about-claude/models/overview and the pages of each model (August to October
 * 2026), /docs/en/build-with-claude/prompt-caching for the cache minimum, /docs/en/about-claude/model-deprecations.
 */
export const MODELS: readonly Model[] = [
  { ...ALWAYS, id: 'claude-fable-5-2', name: 'Claude Fable 5.2', line: 'fable', createdAt: '2026-11-09' },
  { ...ALWAYS, id: 'claude-mythos-5-2', name: 'Claude Mythos 5.2', line: 'mythos', createdAt: '2026-11-09' },
  { ...RECENT, id: 'claude-haiku-5-5', name: 'Claude Haiku 5.5', line: 'haiku', createdAt: '2026-10-07' },
  {
    ...RECENT,
    id: 'claude-sonnet-5-5',
    name: 'Claude Sonnet 5.5',
    line: 'sonnet',
    createdAt: '2026-09-28',
    betweenTools: true,
    refusesForcedTool: true,
  },
  {
    ...ALWAYS,
    id: 'claude-opus-5-5',
    name: 'Claude Opus 5.5',
    line: 'opus',
    createdAt: '2026-09-22',
    longOutput: true,
  },
  { ...ALWAYS, id: 'claude-fable-5-1', name: 'Claude Fable 5.1', line: 'fable', createdAt: '2026-09-01' },
  { ...ALWAYS, id: 'claude-mythos-5-1', name: 'Claude Mythos 5.1', line: 'mythos', createdAt: '2026-09-01' },
  { ...RECENT, id: 'claude-opus-5', name: 'Claude Opus 5', line: 'opus', createdAt: '2026-07-24' },
  {
    ...RECENT,
    id: 'claude-sonnet-5',
    name: 'Claude Sonnet 5',
    line: 'sonnet',
    createdAt: '2026-06-30',
    minCachedTokens: 1024,
  },
  {
    ...ALWAYS,
    id: 'claude-fable-5',
    name: 'Claude Fable 5',
    line: 'fable',
    createdAt: '2026-06-09',
    refusesForcedTool: false,
  },
  {
    ...ALWAYS,
    id: 'claude-mythos-5',
    name: 'Claude Mythos 5',
    line: 'mythos',
    createdAt: '2026-06-09',
    refusesForcedTool: false,
  },
  {
    ...RECENT,
    id: 'claude-opus-4-8',
    name: 'Claude Opus 4.8',
    line: 'opus',
    createdAt: '2026-05-28',
    thinking: 'on-request',
    minCachedTokens: 1024,
  },
  {
    ...RECENT,
    id: 'claude-opus-4-7',
    name: 'Claude Opus 4.7',
    line: 'opus',
    createdAt: '2026-04-16',
    thinking: 'on-request',
    minCachedTokens: 2048,
  },
  {
    ...RECENT,
    id: 'claude-sonnet-4-6',
    name: 'Claude Sonnet 4.6',
    line: 'sonnet',
    createdAt: '2026-02-17',
    thinking: 'adaptive-or-budget',
    efforts: EFFORTS_OF_4_6,
    minCachedTokens: 1024,
    refusesSampling: false,
  },
  {
    ...RECENT,
    id: 'claude-opus-4-6',
    name: 'Claude Opus 4.6',
    line: 'opus',
    createdAt: '2026-02-05',
    thinking: 'adaptive-or-budget',
    efforts: EFFORTS_OF_4_6,
    minCachedTokens: 4096,
    refusesSampling: false,
  },
  {
    ...OLDER,
    id: 'claude-opus-4-5-20251101',
    alias: 'claude-opus-4-5',
    name: 'Claude Opus 4.5',
    line: 'opus',
    createdAt: '2025-11-01',
    efforts: COMMON_EFFORTS,
    minCachedTokens: 4096,
  },
  {
    ...OLDER,
    id: 'claude-haiku-4-5-20251001',
    alias: 'claude-haiku-4-5',
    name: 'Claude Haiku 4.5',
    line: 'haiku',
    createdAt: '2025-10-01',
    efforts: [],
    minCachedTokens: 4096,
  },
  {
    ...OLDER,
    id: 'claude-sonnet-4-5-20250929',
    alias: 'claude-sonnet-4-5',
    name: 'Claude Sonnet 4.5',
    line: 'sonnet',
    createdAt: '2025-09-29',
    efforts: [],
    minCachedTokens: 1024,
    deprecatedAt: '2026-09-29',
    retiresAt: '2026-11-30',
  },
];

const BY_NAME = new Map<string, Model>();
for (const model of MODELS) {
  BY_NAME.set(model.id, model);
  if (model.alias !== null) BY_NAME.set(model.alias, model);
}

/** The model of this id or alias, retired or not; null when there never was one. */
export function findModel(name: string): Model | null {
  return BY_NAME.get(name) ?? null;
}

/** Where a model stands in its life at this moment of server time. */
export function lifecycleOf(model: Model, atUs: number): 'active' | 'deprecated' | 'retired' {
  if (model.retiresAt !== null && atUs >= Date.parse(model.retiresAt) * 1000) return 'retired';
  return model.deprecatedAt !== null && atUs >= Date.parse(model.deprecatedAt) * 1000
    ? 'deprecated'
    : 'active';
}
