import { expect, test } from 'vitest';
import {
  buildRequests,
  DecisionError,
  type JobDefinition,
  pollUntilEnded,
  retrieveResults,
  submitJob,
  UsageError,
} from '../../src/index.ts';
import { collect, MODEL, openEmulated, rejection } from './open-emulated.ts';

// Sonnet 5.5 in a batch: 5 USD for a million tokens out (API.md 1.20), so that ten answers of up to 400 tokens cost up to
// 10 × 400 × 5 = 20,000 micro-dollars, and their prompts less than 2,000.
const reviews: JobDefinition = {
  name: 'reviews',
  model: MODEL,
  max_tokens: 400,
  prompt: 'Praise {{ title }}.',
  records: Array.from({ length: 10 }, (_, index) => ({ id: `r${index}`, title: `book ${index}` })),
};

test('maxUsd holds a job back, and a higher one lets the same call go on', async () => {
  const job = await buildRequests(await openEmulated(), reviews);
  const error = await rejection(submitJob(job, { maxUsd: 0.02 }));
  expect(error).toBeInstanceOf(DecisionError);
  expect(error).toMatchObject({ code: 'over_budget', why: expect.stringContaining('nothing was sent') });
  // It is kept: the same call without it.
  expect(await rejection(submitJob(job))).toMatchObject({ code: 'over_budget' });
  expect((await submitJob(job, { maxUsd: 0.022 })).batches).toHaveLength(1);
  expect((await pollUntilEnded(job)).state).toBe('done');
});

test('what was answered can be read while the rest is over the budget', async () => {
  const job = await buildRequests(await openEmulated(), reviews, { maxShardRequests: 5 });
  // Shards of 5, 4 and 1. Room for the first, 5 × 400 × 5 = 10,000 and its prompts; then for nothing.
  expect(await rejection(submitJob(job, { maxUsd: 0.011 }))).toMatchObject({ code: 'over_budget' });
  expect(await rejection(pollUntilEnded(job, { maxUsd: 0 }))).toMatchObject({ code: 'over_budget' });
  expect(await rejection(collect(retrieveResults(job)))).toMatchObject({ code: 'over_budget' });
  const rows = await collect(retrieveResults(job, { partial: true }));
  expect(rows.map(({ status }) => status)).toEqual(Array(5).fill('succeeded'));
});

test('the budget of a definition is one for its job', async () => {
  const workspace = await openEmulated();
  const job = await buildRequests(workspace, { ...reviews, budget: { max_usd: 0.02 } });
  expect(await rejection(submitJob(job))).toMatchObject({ code: 'over_budget' });
});

test.each([-1, Number.NaN, 0.000_000_5])('maxUsd %d is refused before anything is sent', async (maxUsd) => {
  const job = await buildRequests(await openEmulated(), reviews);
  const error = await rejection(submitJob(job, { maxUsd }));
  expect(error).toBeInstanceOf(UsageError);
  expect(error).toMatchObject({ code: 'wrong_option' });
});
