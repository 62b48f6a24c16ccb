import { hashText } from './hash.ts';
import type { Model } from './models.ts';
import type { PromptPiece } from './prompt.ts';

/** Which prefixes have been written to the cache so far, and for how long. */
export type CachedPrefixes = Map<number, '5m' | '1h'>;

/** How the tokens of a prompt are charged. */
export interface InputUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
}

interface Breakpoint {
  readonly hash: number;
  readonly tokens: number;
  readonly ttl: '5m' | '1h';
}

/**
 * Counts a prompt, and what of it is written to the cache or read from it; what is written is remembered in `cached`.
 * Source: platform.claude.com/docs/en/build-with-claude/prompt-caching.
 */
export function countInput(pieces: readonly PromptPiece[], model: Model, cached: CachedPrefixes): InputUsage {
  const total = pieces.reduce((sum, piece) => sum + piece.tokens, 0);
  const breakpoints = breakpointsOf(pieces, model);
  const hit = breakpoints.findLast((point) => cached.has(point.hash));
  const read = hit?.tokens ?? 0;
  const written = { '5m': 0, '1h': 0 };
  let upTo = read;
  for (const point of breakpoints) {
    cached.set(point.hash, point.ttl);
    if (point.tokens <= upTo) continue;
    written[point.ttl] += point.tokens - upTo;
    upTo = point.tokens;
  }
  return {
    input_tokens: Math.max(1, total - upTo),
    cache_creation_input_tokens: written['5m'] + written['1h'],
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: written['5m'], ephemeral_1h_input_tokens: written['1h'] },
  };
}

/** The breakpoints whose prefix is long enough to be cached by this model. */
function breakpointsOf(pieces: readonly PromptPiece[], model: Model): Breakpoint[] {
  const last = pieces.findLastIndex((piece) => piece.ttl !== null);
  const breakpoints: Breakpoint[] = [];
  let hash = hashText(model.id);
  let tokens = 0;
  for (const piece of pieces.slice(0, last + 1)) {
    hash = hashText(piece.text, hash);
    tokens += piece.tokens;
    if (piece.ttl !== null && tokens >= model.minCachedTokens)
      breakpoints.push({ hash, tokens, ttl: piece.ttl });
  }
  return breakpoints;
}
