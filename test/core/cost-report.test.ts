import { describe, expect, test } from 'vitest';
import { compareCosts, deviationOf, estimatedCost } from '../../src/core/cost-report.ts';
import {
  cacheHitPercent,
  groupLines,
  groupShards,
  paidLines,
  sumShards,
  unknownCosts,
} from '../../src/core/cost-rows.ts';
import type { ShardSpending } from '../../src/core/ports/store-views.ts';
import type { SpentLine } from '../../src/core/spent-line.ts';

const LINE: SpentLine = {
  model: 'claude-haiku-5-5',
  band: 0,
  serviceTier: 'batch',
  isUs: false,
  failure: null,
  answers: 1,
  input: 10,
  output: 5,
  outputSquares: 25,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  cacheRead: 0,
  webSearches: 0,
  cost: 100,
  realTime: 200,
  uncached: 150,
};

function shard(
  lines: readonly Partial<SpentLine>[] | null,
  more: Partial<ShardSpending> = {},
): ShardSpending {
  return {
    jobId: 'notes-20261120-120000',
    name: 'notes',
    at: '2026-11-20T12:00:00Z',
    shardId: 1,
    stage: 'main',
    group: null,
    origin: 'build',
    route: 'batch',
    first: null,
    lines: lines === null ? null : lines.map((line) => ({ ...LINE, ...line })),
    ...more,
  };
}

describe('sums of what was paid', () => {
  test('a stage is the sum of its shards, in the order in which stages come', () => {
    const rows = groupShards(
      [
        shard([{}, { cost: 7 }], { stage: 'draft' }),
        shard([{}], { stage: 'final' }),
        shard([{}], { stage: 'draft' }),
      ],
      ({ stage }) => stage,
    );
    expect(rows.map(({ name, cost, answers }) => [name, cost, answers])).toEqual([
      ['draft', 207, 3],
      ['final', 100, 1],
    ]);
  });

  test('what has no group is in no row of groups', () => {
    const rows = groupShards([shard([{}]), shard([{}], { group: 'a' })], ({ group }) => group);
    expect(rows.map(({ name }) => name)).toEqual(['a']);
  });

  test('only answers that are no good make rows of failures', () => {
    const lines = paidLines([
      shard([{}, { failure: 'truncated', cost: 3 }, { failure: 'refused', cost: 4 }]),
    ]);
    const rows = groupLines(lines, ({ failure }) => failure);
    expect(rows.map(({ name, cost }) => [name, cost])).toEqual([
      ['truncated', 3],
      ['refused', 4],
    ]);
  });
});

describe('what is not known', () => {
  test('a line without a price makes the sum unknown and leaves the known part', () => {
    const unpriced = { model: 'claude-new', cost: null, realTime: null, uncached: null };
    const shards = [shard([{}, unpriced])];
    expect(sumShards(shards)).toMatchObject({ cost: null, realTime: null, known: 100, answers: 2 });
    expect(unknownCosts(shards)).toEqual({ unpriced: ['claude-new'], withoutUsage: 0, unknownShards: 0 });
  });

  test('so does a shard without lines, also in the row of its stage and in no other', () => {
    const shards = [shard([{}]), shard(null, { stage: 'old' })];
    expect(sumShards(shards)).toMatchObject({ cost: null, known: 100 });
    expect(groupShards(shards, ({ stage }) => stage).map(({ name, cost }) => [name, cost])).toEqual([
      ['main', 100],
      ['old', null],
    ]);
    expect(unknownCosts(shards)).toEqual({ unpriced: [], withoutUsage: 0, unknownShards: 1 });
  });

  test('an answer that does not say what it used is told apart from a model without a price', () => {
    const shards = [shard([{ cost: null, answers: 3, input: 0, output: 0 }])];
    expect(unknownCosts(shards)).toEqual({ unpriced: [], withoutUsage: 3, unknownShards: 0 });
  });
});

test.each([
  // 300 read of 300 + 100 + 600
  [{ cacheRead: 300, cacheWrite5m: 100, cacheWrite1h: 600 }, 30],
  [{ cacheRead: 2, cacheWrite1h: 1 }, 66.7],
  [{ cacheWrite5m: 5 }, 0],
  [{}, null],
])('the hit rate of %o is %s percent', (tokens, percent) => {
  expect(cacheHitPercent(sumShards([shard([tokens])]))).toBe(percent);
});

describe('a cost beside its estimate', () => {
  const range = { low: 100, likely: 200, high: 400 };

  test.each([
    [150, { difference: -50, percent: -25, isInside: true }],
    [200, { difference: 0, percent: 0, isInside: true }],
    [100, { difference: -100, percent: -50, isInside: true }],
    [400, { difference: 200, percent: 100, isInside: true }],
    [99, { difference: -101, percent: -50.5, isInside: false }],
    [401, { difference: 201, percent: 100.5, isInside: false }],
  ])('%d', (cost, comparison) => {
    expect(compareCosts(cost, range)).toEqual(comparison);
  });

  test('is compared with the estimate of the way that the job goes', () => {
    const part = { batch: range, realTime: { low: 200, likely: 400, high: 800 } };
    expect(estimatedCost(part, { mode: 'batch' })?.likely).toBe(200);
    expect(estimatedCost(part, { mode: 'real_time' })?.likely).toBe(400);
    expect(estimatedCost(part, { mode: null })).toBeNull();
    expect(estimatedCost(undefined, { mode: 'batch' })).toBeNull();
  });

  test.each([
    ['done', -50],
    ['canceled', undefined],
    ['failed', undefined],
    ['in_progress', undefined],
  ] as const)(
    'of a job that is %s is %d away: a part is not compared with the whole',
    (state, difference) => {
      const estimate = { total: { batch: range, realTime: range } };
      const compared = deviationOf({ job: { mode: 'batch', state }, total: { cost: 150 }, estimate });
      expect(compared?.difference).toBe(difference);
    },
  );

  test('nothing has no percentage', () => {
    expect(compareCosts(5, { low: 0, likely: 0, high: 0 })).toMatchObject({ difference: 5, percent: null });
  });
});
