import type { JobMode } from './job.ts';

/** What is known of one model; null: not known, and nothing is assumed then. */
export interface ModelFacts {
  readonly id: string;
  readonly contextTokens: number | null;
  /** The most that `max_tokens` may be without a beta. */
  readonly maxOutputTokens: number | null;
  /** A prompt up to a cache mark that is shorter is not cached, without a word. */
  readonly minCachedTokens: number | null;
  /** Writes up to 300,000 tokens in a batch with LONG_OUTPUT_BETA. */
  readonly hasLongOutput: boolean | null;
  /** Values of `thinking.type` that it takes. */
  readonly thinking: readonly string[] | null;
  /** Thinking is turned down (`disabled`, `between_tools`) only at an effort of at most `high`. */
  readonly needsThinkingAtHighEffort: boolean | null;
  /** Values of `output_config.effort` that it takes; empty: it has no such setting. */
  readonly efforts: readonly string[] | null;
  /** Takes a `tool_choice` of type `any` or `tool`. */
  readonly takesForcedTool: boolean | null;
  /** Takes an assistant turn at the end of `messages`. */
  readonly takesPrefill: boolean | null;
  /** Takes `temperature`, `top_p` and `top_k` that are not at their default. */
  readonly takesSampling: boolean | null;
  readonly hasStructuredOutputs: boolean | null;
  readonly takesImages: boolean | null;
  readonly takesPdfs: boolean | null;
  readonly takesBatches: boolean | null;
  /** Gone or not, as the Models API said, whatever the date; null when only a date is known. */
  readonly isRetired: boolean | null;
  /** RFC 3339, or a date; null when none is fixed. */
  readonly retiresAt: string | null;
}

/**
 * Raises the ceiling of the output, in batches only.
 * Source: platform.claude.com/docs/en/build-with-claude/batch-processing, «Extended output»
 */
export const LONG_OUTPUT_BETA = 'output-300k-2026-03-24';
export const LONG_OUTPUT_TOKENS = 300_000;

export interface OutputWishes {
  readonly betas: readonly string[];
  /** Null: not known yet, so that what only batches may is let through. */
  readonly mode: JobMode | null;
}

/** The most that `max_tokens` may be; null when that is not known. */
export function outputCeiling(facts: ModelFacts, { betas, mode }: OutputWishes): number | null {
  const { maxOutputTokens, hasLongOutput } = facts;
  const isRaised = mode !== 'real_time' && betas.includes(LONG_OUTPUT_BETA) && hasLongOutput !== false;
  if (!isRaised || maxOutputTokens === null) return maxOutputTokens;
  return Math.max(maxOutputTokens, LONG_OUTPUT_TOKENS);
}

/** Shipped facts with what the Models API says in their place, where it says something. */
export function mergeFacts(shipped: ModelFacts | null, described: ModelFacts): ModelFacts {
  if (shipped === null) return described;
  const known = Object.entries(described).filter(([, value]) => value !== null);
  return { ...shipped, ...Object.fromEntries(known) };
}
