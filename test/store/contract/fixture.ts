import type { Batch } from '../../../src/core/batch.ts';
import type { Account, Job, JobSpec } from '../../../src/core/job.ts';
import type { JobStore } from '../../../src/core/ports/store.ts';
import type { NewRow, NewShard } from '../../../src/core/ports/store-views.ts';
import type { RequestSizes } from '../../../src/core/request-sizes.ts';
import { EMPTY_TALLY, type Tally } from '../../../src/core/result.ts';
import type { SpentLine } from '../../../src/core/spent-line.ts';
import type { Fence, Submission } from '../../../src/core/submission.ts';
import { jobSpec } from '../../support/job-spec.ts';

export const AT = new Date('2026-03-01T20:15:30Z');
export const AT_MS = AT.getTime();
export const ACCOUNT: Account = { baseUrl: 'https://api.anthropic.com', keyFingerprint: '0123456789abcdef' };
export const OTHER: Account = { baseUrl: 'https://elsewhere.example', keyFingerprint: 'fedcba9876543210' };
export const EMULATOR: Account = { baseUrl: 'emulator:0f8f', keyFingerprint: '00000000000000aa' };
export const FENCE: Fence = {
  batchIds: ['msgbatch_old'],
  serverMs: AT_MS,
  workspaceId: 'wrkspc_1',
  organizationId: 'org_1',
};
export const STAMP = {
  serverMs: AT_MS,
  workspaceId: 'wrkspc_1',
  organizationId: 'org_1',
  requestId: 'req_1',
};
export const NOBODY = { reason: 'no answer', status: null, requestId: null };

export const SPEC = jobSpec({ model: 'claude-sonnet-5-5', file: 'reviews.job.yaml' });

export function batchOf(id: string, requests: number, processingStatus = 'in_progress'): Batch {
  const ended = processingStatus === 'ended';
  return {
    id,
    processingStatus,
    counts: {
      processing: ended ? 0 : requests,
      succeeded: ended ? requests : 0,
      errored: 0,
      canceled: 0,
      expired: 0,
    },
    createdAt: '2026-03-01T20:15:31.000000Z',
    expiresAt: '2026-03-02T20:15:31.000000Z',
    endedAt: ended ? '2026-03-01T21:00:00Z' : null,
    cancelInitiatedAt: null,
    archivedAt: null,
    resultsUrl: ended ? `https://api.anthropic.com/v1/messages/batches/${id}/results` : null,
    describedJson: JSON.stringify({ id, type: 'message_batch' }),
  };
}

export function rowOf(
  seq: number,
  shardId: number,
  facts: Partial<NewRow> = {},
): NewRow & { shardId: number } {
  return {
    seq,
    customId: `row-${seq}`,
    recordOffset: seq * 100,
    recordLength: 99,
    outputPath: null,
    outputFold: `out/row-${seq}.md`,
    shardId,
    ...facts,
  };
}

export const newShard = (number: number, nonce: string): NewShard => ({
  number,
  group: null,
  nonce,
  origin: 'build',
  route: 'batch',
});

/** Of the job's only stage, or its first one. */
export function stageIdOf({ stages }: Job): number {
  const [stage] = stages;
  if (stage === undefined) throw new Error('a job has a stage');
  return stage.id;
}

export const sha = (letter: string): string => letter.repeat(64);
let nonces = 0;

/** A job of shards of these sizes, as the build leaves it. */
export async function buildJob(
  store: JobStore,
  sizes: readonly number[],
  facts: {
    readonly name?: string;
    readonly content?: string;
    readonly at?: Date;
    readonly on?: JobSpec['on'];
  } = {},
): Promise<{ readonly job: Job; readonly stageId: number; readonly shardIds: readonly number[] }> {
  const job = await store.createJob({
    name: facts.name ?? 'reviews',
    spec: { ...SPEC, on: facts.on ?? 'api' },
    at: facts.at ?? AT,
  });
  const stageId = stageIdOf(job);
  const shardIds: number[] = [];
  let seq = 0;
  for (const [index, requests] of sizes.entries()) {
    nonces += 1;
    const nonce = `nonce${nonces}`;
    const shardId = await store.openShard(stageId, newShard(index + 1, nonce));
    const rows = Array.from({ length: requests }, () => rowOf(++seq, shardId));
    const clashes = await store.addRows(stageId, rows);
    if (clashes.length > 0) throw new Error('rows of a fresh job clash');
    await store.closeShard(shardId, {
      requests,
      bodyBytes: requests * 50,
      fileSha256: sha('f'),
      sizes: sizesOf(requests),
    });
    shardIds.push(shardId);
  }
  await store.finishBuild(job.id, { records: seq, contentSha256: sha(facts.content ?? 'c'), reuse: false });
  return { job: await store.jobById(job.id), stageId, shardIds };
}

/** What a build of that content, of no records, would be told to carry on; the build itself is dropped. */
export async function twinOf(store: JobStore, content: string, on: JobSpec['on']): Promise<Job | null> {
  const job = await store.createJob({ name: 'twin', spec: { ...SPEC, on }, at: AT });
  const twin = await store.finishBuild(job.id, { records: 0, contentSha256: sha(content), reuse: true });
  await store.dropJob(job.id);
  return twin;
}

/** Of so many requests: two classes, one cache mark, one line to look at. */
export function sizesOf(requests: number): RequestSizes {
  const kind = { model: 'claude-haiku-5-5', isUs: false, requests } as const;
  return {
    classes: [
      { ...kind, exponent: 6, tokens: requests * 40, largest: 40, maxTokens: requests * 400 },
      { ...kind, model: null, isUs: true, exponent: 0, tokens: 0, largest: 0, maxTokens: 0 },
    ],
    prefixes: [{ ...kind, ttl: '1h', tokens: 30, tokensUpTo: 36, distinct: 1, hash: '0123456789abcdef' }],
    sample: [{ offset: 0, length: 99 }],
  };
}

export function tallyOf(requests: number): Tally {
  return { ...EMPTY_TALLY, requests, succeeded: requests };
}

/** Opens an empty store, closed and gone when the test has finished. */
export type Open = () => Promise<JobStore>;

export async function startedShard(
  open: Open,
  sizes: readonly number[] = [3],
  facts: Parameters<typeof buildJob>[2] = {},
) {
  const store = await open();
  const built = await buildJob(store, sizes, facts);
  await store.requestSubmission(built.job.id, ACCOUNT, 'batch', AT);
  const [shardId = 0] = built.shardIds;
  return { store, ...built, shardId };
}

export const start = (store: JobStore, shardId: number): Promise<Submission> =>
  store.startSubmission(shardId, ACCOUNT, AT_MS);

export async function sealed(store: JobStore, shardId: number): Promise<Submission> {
  const submission = await start(store, shardId);
  await store.seal(submission.id, { sealedMs: AT_MS + 1_000, fence: FENCE });
  return submission;
}

export async function inDoubt(store: JobStore, shardId: number): Promise<Submission> {
  const submission = await sealed(store, shardId);
  await store.doubtSubmission(submission.id, NOBODY);
  return submission;
}

export async function created(store: JobStore, shardId: number, batch: Batch): Promise<Submission> {
  const submission = await sealed(store, shardId);
  await store.recordBatch(submission.id, batch, STAMP);
  return submission;
}

export const stateOf = async (store: JobStore, jobId: number) => (await store.jobById(jobId)).state;
export const viewOf = async (store: JobStore, jobId: number, shardId: number) =>
  (await store.shards(jobId)).find((view) => view.shard.id === shardId);
export const kindsOf = async (store: JobStore, jobId: number) =>
  (await store.events(jobId)).map((event) => event.kind);

export const settle = async (
  store: JobStore,
  shardId: number,
  first: number,
  requests: number,
  spent?: readonly SpentLine[],
): Promise<void> => {
  await store.recordDownload(shardId, { bytes: 10, sha256: sha('d') });
  const outcomes = Array.from({ length: requests }, (_, index) => ({
    seq: first + index,
    status: 'succeeded' as const,
    failure: null,
    rawOffset: index * 10,
    rawLength: 9,
  }));
  await store.applyOutcomes(shardId, outcomes);
  await store.finishShard(shardId, 'applied', tallyOf(requests), spent);
};
