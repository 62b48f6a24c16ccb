import { expect, test } from 'vitest';
import { shippedModel } from '../../src/core/models.ts';

// build-with-claude/prompt-caching, August 2026; the newest ones: their own pages.
test.each([
  [512, ['haiku-5-5', 'sonnet-5-5', 'opus-5-5', 'opus-5', 'fable-5', 'fable-5-1', 'fable-5-2', 'mythos-5']],
  [1_024, ['opus-4-8', 'sonnet-5', 'sonnet-4-6', 'sonnet-4-5']],
  [2_048, ['opus-4-7']],
  [4_096, ['opus-4-6', 'opus-4-5', 'haiku-4-5']],
])('the cache begins at %i tokens for %j', (tokens, names) => {
  for (const name of names) expect(shippedModel(`claude-${name}`)?.minCachedTokens, name).toBe(tokens);
});
