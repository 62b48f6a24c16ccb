import { z } from 'zod';

// How fine it may be is in spending-check.ts: decimals are no matter for JSON Schema.
const usd = z.number().min(0);

/** Of a stage, or of all stages. */
export const expectedOutputKey = z
  .union([z.int().min(1), z.string().regex(/^(?=.*[1-9])\d+(?:\.\d+)?%$/)])
  .optional()
  .describe(
    'For estimates: how long an answer will be, in tokens (800) or as a share of its input ("15%"). Earlier answers know better.',
  );

/** Keys of the top level that are about money. */
export const spendingKeys = {
  budget: z
    .strictObject({
      max_usd: usd
        .optional()
        .describe('The most that the job may cost in US dollars, retries and later stages included.'),
      ask_above_usd: usd
        .optional()
        .describe(
          'At a terminal, submissions that may cost more than this are asked about first. Default 5.',
        ),
    })
    .optional()
    .describe('What the job may cost: {max_usd: 25}. What would go beyond is not sent.'),
  prices: z
    .record(
      z.string().min(1),
      z.strictObject({
        input: usd.optional().describe('US dollars for a million tokens of the prompt, in real time.'),
        output: usd.optional().describe('US dollars for a million tokens of the answer, in real time.'),
        cache_write_5m: usd
          .optional()
          .describe('Written to the prompt cache for 5 minutes. Default 1.25 times the input.'),
        cache_write_1h: usd
          .optional()
          .describe('Written to the prompt cache for an hour. Default 2 times the input.'),
        cache_read: usd.optional().describe('Read from the prompt cache. Default 0.1 times the input.'),
        batch: z
          .number()
          .min(0)
          .max(1)
          .optional()
          .describe('What a batch costs of the price in real time. Default 0.5.'),
      }),
    )
    .optional()
    .describe('Prices by model, instead of those that batchctl knows: {my-model: {input: 2, output: 10}}'),
};
