import { describe, expect, test } from 'vitest';
import type { Estimate } from '../../../src/core/estimate.ts';
import type { SpendingRules } from '../../../src/core/spending-rules.ts';
import {
  AT,
  buildJob,
  kindsOf,
  newShard,
  type Open,
  SPEC,
  sealed,
  sha,
  sizesOf,
  startedShard,
  viewOf,
} from './fixture.ts';

const part = {
  requests: 3,
  inputTokens: { low: 300, likely: 320, high: 400 },
  outputTokens: { low: 30, likely: 60, high: 1_200 },
  batch: { low: 240, likely: 400, high: 6_200 },
  realTime: null,
};
const ESTIMATE: Estimate = {
  madeAt: '2026-03-01T20:15:30.000Z',
  stages: [
    {
      ...part,
      stage: 'main',
      calibration: { low: 0.9, likely: 1, high: 1.25, counted: 20 },
      outputBasis: 'expected',
      cacheHitRate: { low: 0.25, likely: 0.5, high: 1 },
      isLater: false,
    },
    {
      ...part,
      stage: 'report',
      calibration: { low: 0.5, likely: 1, high: 2, counted: 0 },
      outputBasis: 'max_tokens',
      cacheHitRate: null,
      isLater: true,
    },
  ],
  total: part,
  groups: [{ ...part, batch: null, group: 'north' }],
  unpriced: ['claude-next'],
};

export function describeSpending(name: string, open: Open): void {
  describe(`${name}: spending`, () => {
    test('what the job file says of money comes back as it was, and a job that says nothing has no bound', async () => {
      const store = await open();
      const spending: SpendingRules = {
        maxMicroUsd: 12_500_000,
        askAboveMicroUsd: 0,
        prices: [
          {
            model: 'claude-next',
            input: 3_000_000,
            output: 15_000_000,
            cacheWrite5m: null,
            cacheWrite1h: null,
            cacheRead: 5_000,
            batchPercent: 50,
          },
        ],
        expectedOutput: { main: { kind: 'percent', percent: 15 }, report: { kind: 'tokens', tokens: 900 } },
      };
      const job = await store.createJob({ name: 'a', spec: { ...SPEC, spending }, at: AT });
      expect((await store.jobById(job.id)).spec.spending).toEqual(spending);
    });

    test('a job has no limit, pilot or estimate until it is given one; the last one given counts', async () => {
      const store = await open();
      const { job } = await buildJob(store, [1]);
      const { job: other } = await buildJob(store, [1]);
      expect(await store.limitOf(job.id)).toBeNull();
      expect(await store.pilotOf(job.id)).toBeNull();
      expect(await store.estimateOf(job.id)).toBeNull();
      const pilot = { requests: 20, minSuccess: 0.95, approvedAt: null };
      for (const max of [5_000_000, 0]) await store.setLimit(job.id, max);
      await store.setPilot(job.id, pilot);
      await store.setPilot(job.id, { ...pilot, approvedAt: '2026-03-01T21:00:00.000Z' });
      await store.keepEstimate(job.id, { ...ESTIMATE, unpriced: [] });
      await store.keepEstimate(job.id, ESTIMATE);
      expect(await store.limitOf(job.id)).toBe(0);
      expect(await store.pilotOf(job.id)).toEqual({ ...pilot, approvedAt: '2026-03-01T21:00:00.000Z' });
      expect(await store.estimateOf(job.id)).toEqual(ESTIMATE);
      expect(await store.limitOf(other.id)).toBeNull();
      expect(await store.pilotOf(other.id)).toBeNull();
      expect(await store.estimateOf(other.id)).toBeNull();
    });

    test('answers that were lost and second batches are kept, by shard', async () => {
      const { store, job, shardId } = await startedShard(open, [5, 1]);
      const { id } = await sealed(store, shardId);
      expect(await store.unseenPayments(job.id)).toEqual([]);
      await store.keepLostAnswer(shardId, 1_500);
      await store.recordLateDuplicate(id, 'msgbatch_late');
      expect(await store.unseenPayments(job.id)).toEqual([
        { shardId, most: 1_500 },
        { shardId, most: null },
      ]);
      expect(await store.unseenPayments(job.id + 1)).toEqual([]);
    });

    test('a limit that is said again is no event', async () => {
      const store = await open();
      const { job } = await buildJob(store, [1]);
      for (const max of [5, 5, 6]) await store.setLimit(job.id, max);
      expect((await kindsOf(store, job.id)).filter((kind) => kind === 'limit_set')).toHaveLength(2);
    });

    test('sizes are kept by shard, those of parts in place of what was split', async () => {
      const { store, job, stageId, shardId } = await startedShard(open, [5, 1]);
      const first = await store.openShard(stageId, { ...newShard(3, 'size-a'), first: 'prime' });
      const second = await store.openShard(stageId, newShard(4, 'size-b'));
      const other = (await store.shards(job.id)).find(({ shard }) => shard.number === 2)?.shard.id ?? 0;
      expect(await store.shardSizes(job.id)).toEqual(
        new Map([
          [shardId, sizesOf(5)],
          [other, sizesOf(1)],
        ]),
      );
      const facts = { bodyBytes: 10, fileSha256: sha('9') };
      await store.splitShard(shardId, [
        { shardId: first, fromSeq: 1, toSeq: 2, requests: 2, ...facts, sizes: sizesOf(2) },
        { shardId: second, fromSeq: 3, toSeq: 5, requests: 3, ...facts, sizes: sizesOf(3) },
      ]);
      expect(await store.shardSizes(job.id)).toEqual(
        new Map([
          [other, sizesOf(1)],
          [first, sizesOf(2)],
          [second, sizesOf(3)],
        ]),
      );
      expect((await viewOf(store, job.id, first))?.shard.first).toBe('prime');
    });
  });
}
