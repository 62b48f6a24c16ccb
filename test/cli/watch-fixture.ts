import type { Job } from '../../src/core/job.ts';
import type { KnownBatch } from '../../src/core/ports/store-views.ts';
import type { Shard } from '../../src/core/shard.ts';
import type { WatchedShard, WatchLook } from '../../src/steps/watch-batches.ts';
import { jobSpec } from '../support/job-spec.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

const JOB: Job = {
  id: 1,
  jobId: 'round-reports-20260301-181200',
  name: 'round-reports',
  state: 'in_progress',
  account: { baseUrl: 'https://api.anthropic.com', keyFingerprint: '0123456789abcdef' },
  spec: jobSpec(),
  mode: 'batch',
  stages: [{ id: 1, name: 'main', state: 'open', held: 0 }],
  records: 8_412,
  createdAt: '2026-03-01T18:12:00.000Z',
  submitRequestedAt: '2026-03-01T18:12:01.000Z',
  cancelRequestedAt: null,
  finalAt: null,
};

/** A shard of one job, its batch in progress for an hour, where nothing else is said. */
export function watchedShard(
  number: number,
  facts: {
    readonly job?: Partial<Job>;
    readonly shard?: Partial<Shard>;
    readonly batch?: Partial<KnownBatch> | null;
    readonly look?: Partial<WatchedShard>;
  } = {},
): WatchedShard {
  const requests = facts.shard?.requests ?? 8_412;
  const isEnded = facts.batch?.processingStatus === 'ended';
  const batch: KnownBatch = {
    id: `msgbatch_01HkcTjaV5uDC8jWR4ZsDV${number}`,
    processingStatus: 'in_progress',
    counts: { processing: requests, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    createdAt: '2026-03-01T18:12:04Z',
    expiresAt: '2026-03-02T18:12:04Z',
    endedAt: isEnded ? '2026-03-01T19:00:00Z' : null,
    cancelInitiatedAt: null,
    archivedAt: null,
    resultsUrl: null,
    describedJson: '{}',
    notFound: null,
    ...facts.batch,
  };
  return {
    job: { ...JOB, ...facts.job },
    view: {
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
        nonce: `nonce${number}`,
        requests,
        bodyBytes: 1,
        fileSha256: 'f'.repeat(64),
        state: 'live',
        ...facts.shard,
      },
      submission: null,
      batch: facts.batch === null ? null : batch,
      candidates: [],
      tally: null,
      cost: null,
    },
    elapsedMs: facts.batch === null ? null : HOUR + 12 * MINUTE,
    expiresInMs: facts.batch === null || isEnded ? null : 22 * HOUR + 48 * MINUTE,
    earlier: facts.batch === null || isEnded ? null : { batches: 5, medianMs: 35 * MINUTE },
    holder: null,
    ...facts.look,
  };
}

export function watchLook(shards: readonly WatchedShard[], more: Partial<WatchLook> = {}): WatchLook {
  return { at: new Date('2026-03-01T19:24:04Z'), atMs: 0, shards, troubles: [], nextLookMs: 42_000, ...more };
}
