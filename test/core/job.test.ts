import { describe, expect, it } from 'vitest';
import { foldJobState, isSettledJob, type ShardFacts } from '../../src/core/job.ts';

const shard = (state: ShardFacts['state'], more: Partial<ShardFacts> = {}): ShardFacts => ({
  state,
  inDoubt: false,
  batchEnded: false,
  ...more,
});

describe('folding shards into the state of a job', () => {
  it.each<[string, ShardFacts[], boolean, string]>([
    ['nothing was asked for', [shard('built'), shard('built')], false, 'built'],
    ['sending has begun', [shard('live'), shard('built')], true, 'submitting'],
    [
      'a doubt outweighs the rest',
      [shard('applied'), shard('live', { inDoubt: true }), shard('built')],
      true,
      'in_doubt',
    ],
    ['one batch is not over', [shard('applied'), shard('live')], true, 'in_progress'],
    [
      'all batches are over, results are not all here',
      [shard('live', { batchEnded: true }), shard('applied')],
      true,
      'ended',
    ],
    ['results are on disk but not applied', [shard('downloaded', { batchEnded: true })], true, 'ended'],
    ['all is settled, the last commit is missing', [shard('applied'), shard('lost')], true, 'ended'],
    ['a split shard counts for nothing', [shard('split'), shard('live')], true, 'in_progress'],
  ])('%s', (_name, shards, requested, expected) => {
    expect(foldJobState(shards, requested)).toBe(expected);
  });

  it('is settled when no shard can change any more', () => {
    expect(isSettledJob([shard('applied'), shard('split'), shard('canceled'), shard('lost')])).toBe(true);
    expect(isSettledJob([shard('applied'), shard('downloaded')])).toBe(false);
  });
});
