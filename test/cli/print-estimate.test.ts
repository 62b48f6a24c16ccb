import { expect, test } from 'vitest';
import { estimateDocument, formatEstimate } from '../../src/cli/print-estimate.ts';
import type { Estimate, PartEstimate, StageEstimate } from '../../src/core/estimate.ts';

const PART: PartEstimate = {
  requests: 10,
  inputTokens: { low: 10_000, likely: 11_000, high: 12_000 },
  outputTokens: { low: 500, likely: 2_500, high: 5_000 },
  batch: { low: 12_500, likely: 23_500, high: 37_000 },
  realTime: { low: 25_000, likely: 47_000, high: 1_740_000 },
};
const STAGE: StageEstimate = {
  ...PART,
  stage: 'main',
  calibration: { low: 1, likely: 1.1, high: 1.2, counted: 4 },
  outputBasis: 'expected',
  cacheHitRate: null,
  isLater: false,
};

function estimateOf(more: Partial<Estimate>): Estimate {
  return { madeAt: '2026-11-20T12:00:00Z', stages: [STAGE], total: PART, groups: [], unpriced: [], ...more };
}

test('tokens say what they rest on, and batch stands beside real time', () => {
  expect(formatEstimate(estimateOf({}))).toEqual([
    'input     11,000 tokens, 10,000 to 12,000 (counted on 4 requests)',
    'output    2,500 tokens, 500 to 5,000 (as expected_output_tokens says)',
    '',
    'PRICE  BATCH: LOW   LIKELY     HIGH  REAL TIME: LOW   LIKELY   HIGH',
    'total     $0.0125  $0.0235  $0.0370         $0.0250  $0.0470  $1.74',
  ]);
});

test('several stages and groups have a line each, very many groups only the first of them', () => {
  const later: StageEstimate = {
    ...STAGE,
    stage: 'report',
    isLater: true,
    calibration: { ...STAGE.calibration, counted: 0 },
    cacheHitRate: { low: 0, likely: 0.45, high: 0.9 },
  };
  const groups = Array.from({ length: 12 }, (_, index) => ({ ...PART, group: `g${index}` }));
  const lines = formatEstimate(estimateOf({ stages: [STAGE, later], groups }));
  // On one line they would be broken by a terminal of 80 columns.
  expect(lines.slice(0, 2)).toEqual([
    'input     11,000 tokens, 10,000 to 12,000',
    '          (counted on 4 requests; later stages are guessed)',
  ]);
  expect(lines[3]).toBe('cache     report: 45 % of the marked tokens are read from it, 0 % to 90 %');
  expect(lines.slice(6).map((line) => line.split(/ {2,}/)[0])).toEqual([
    'main',
    'report',
    ...groups.slice(0, 10).map(({ group }) => `"${group}"`),
    '… 2 more groups',
    'total',
  ]);
});

test('a model without a price is named where the price would stand', () => {
  const total = { ...PART, batch: null, realTime: null };
  const lines = formatEstimate(estimateOf({ total, unpriced: ['claude-nobody'] }));
  expect(lines.at(-2)).toMatch(/^total +unknown +unknown +unknown +unknown +unknown +unknown$/);
  expect(lines.at(-1)).toBe('unknown: no price for model claude-nobody ("prices" in the job file adds one)');
  expect(estimateDocument(estimateOf({ total }))).toMatchObject({
    total: { batch: { low_microusd: null, likely_microusd: null, high_microusd: null } },
  });
});

test('the document has the same facts in whole micro-dollars', () => {
  expect(estimateDocument(estimateOf({}))).toMatchObject({
    made_at: '2026-11-20T12:00:00Z',
    total: { requests: 10, batch: { low_microusd: 12_500, likely_microusd: 23_500, high_microusd: 37_000 } },
    stages: [{ stage: 'main', counted: 4, output_basis: 'expected', is_later: false, cache_hit_rate: null }],
  });
});
