import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { jobDocument } from '../../src/core/job-document.ts';
import type { ShardView } from '../../src/core/ports/store-views.ts';
import { EMPTY_TALLY, type Tally } from '../../src/core/result.ts';
import { jobSpec } from '../support/job-spec.ts';

const JOB: Job = {
  id: 1,
  jobId: 'reviews-20260101-120000',
  name: 'reviews',
  state: 'in_progress',
  account: null,
  spec: jobSpec(),
  mode: null,
  stages: [{ id: 1, name: 'main', state: 'open', held: 0 }],
  records: 20,
  createdAt: '2026-01-01T12:00:00Z',
  submitRequestedAt: null,
  cancelRequestedAt: null,
  finalAt: null,
};

function view(number: number, facts: { readonly batchId?: string; readonly tally?: Tally }): ShardView {
  return {
    shard: {
      id: number,
      jobId: 1,
      stageId: 1,
      stage: 'main',
      number,
      group: null,
      origin: 'build',
      first: null,
      route: 'batch',
      nonce: 'aaaaaaaa',
      requests: 10,
      bodyBytes: 1000,
      fileSha256: '',
      state: 'live',
    },
    submission: null,
    batch:
      facts.batchId === undefined
        ? null
        : {
            id: facts.batchId,
            processingStatus: 'in_progress',
            counts: { processing: 10, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
            createdAt: '2026-01-01T12:00:01Z',
            expiresAt: '2026-01-02T12:00:01Z',
            endedAt: null,
            cancelInitiatedAt: null,
            archivedAt: null,
            resultsUrl: null,
            describedJson: '{}',
            notFound: null,
          },
    candidates:
      facts.batchId === undefined
        ? [{ batchId: 'msgbatch_other', verdict: 'provisional', rejectedBy: null }]
        : [],
    tally: facts.tally ?? null,
    cost: null,
  };
}

const TALLY: Tally = {
  ...EMPTY_TALLY,
  requests: 10,
  succeeded: 9,
  errored: 1,
  failures: { truncated: 2, api_error: 1 },
  usage: { input: 100, output: 50, cacheCreation: 3, cacheRead: 7 },
};

test('a shard without results counts as requests and as nothing else', () => {
  const document = jobDocument(JOB, [view(1, { batchId: 'msgbatch_a', tally: TALLY }), view(2, {})], null);
  expect(document).toMatchObject({ requests: 20, succeeded: 9, errored: 1, missing: 0 });
});

test('tallies of several shards are summed', () => {
  const shards = [view(1, { batchId: 'a', tally: TALLY }), view(2, { batchId: 'b', tally: TALLY })];
  expect(jobDocument(JOB, shards, null)).toMatchObject({
    succeeded: 18,
    failures: { truncated: 4, api_error: 2 },
    usage: {
      input_tokens: 200,
      output_tokens: 100,
      cache_creation_input_tokens: 6,
      cache_read_input_tokens: 14,
    },
  });
});

test('the cost is that of the shards that are applied', () => {
  const applied = (number: number, cost: number | null): ShardView => ({
    ...view(number, { batchId: `b${number}`, tally: TALLY }),
    shard: { ...view(number, {}).shard, state: 'applied' },
    cost,
  });
  const costOf = (...shards: readonly ShardView[]) => jobDocument(JOB, shards, null).cost_microusd;
  expect(costOf(applied(1, 1_500), applied(2, 0), view(3, {}))).toBe(1_500);
  expect(costOf(view(1, {}))).toBe(0);
  // One without a price makes the sum unknown, not smaller.
  expect(costOf(applied(1, 1_500), applied(2, null))).toBeNull();
});

test('a candidate of a submission in doubt is not shown as a batch of the job', () => {
  expect(jobDocument(JOB, [view(1, {})], null).batches).toEqual([]);
});

test('a batch is described by the documented keys and no others', () => {
  expect(jobDocument(JOB, [view(1, { batchId: 'msgbatch_a' })], null).batches).toEqual([
    {
      batch_id: 'msgbatch_a',
      stage: 'main',
      group: null,
      shard: 1,
      requests: 10,
      processing_status: 'in_progress',
      created_at: '2026-01-01T12:00:01Z',
      expires_at: '2026-01-02T12:00:01Z',
    },
  ]);
});

test('output_dir is there only when it is known', () => {
  expect(jobDocument(JOB, [], null)).not.toHaveProperty('output_dir');
  expect(jobDocument(JOB, [], 'batch_results/x')).toHaveProperty('output_dir', 'batch_results/x');
});
