import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch } from '../../src/core/batch.ts';
import type { Account, Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/ports/store.ts';
import { EMPTY_TALLY } from '../../src/core/result.ts';
import { assembleJobStore } from '../../src/store/job-store.ts';
import { type Db, openDatabase } from '../../src/store/open.ts';
import { jobSpec } from './job-spec.ts';

export interface ManyJobs {
  readonly jobs: number;
  readonly requestsPerJob: number;
  /** Each job of so many is in progress still; null: none is. */
  readonly pendingEvery: number | null;
}

const ACCOUNT: Account = { baseUrl: 'https://api.anthropic.com', keyFingerprint: '0123456789abcdef' };
const FIRST_MS = Date.parse('2026-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const LINE_BYTES = 700;
/** A row in so many was never answered well, so that jobs have verdicts of several kinds. */
const FAILED_EVERY = 50;

/**
 * Fills the store of a workspace with jobs that are done, each with one shard, its batch and its rows, as runs leave them.
 * Without their files, which no command reads that looks at another job.
 *
 * By the port, so that the rows are what the program itself writes; in one transaction for some jobs at a time, in which
 * each call of the port nests. 1,000,000 requests take half a minute (Node 24, a shared core).
 */
export async function fillStore(
  root: string,
  { jobs, requestsPerJob, pendingEvery }: ManyJobs,
): Promise<void> {
  const stateDir = join(root, '.batchctl');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  let atMs = FIRST_MS;
  const options = { programVersion: 'test', now: () => new Date(atMs) };
  const db = await openDatabase(join(stateDir, 'state.db'), options);
  // The cost of a commit, and of keeping an index of hashes in a cache of 2 MB, is not what is measured later.
  db.pragma('synchronous = OFF');
  keepSynchronous(db);
  db.pragma('cache_size = -200000');
  const store = assembleJobStore(db, options.now);
  try {
    for (let index = 1; index <= jobs; index += 1) {
      if (index % JOBS_A_COMMIT === 1) db.exec('BEGIN IMMEDIATE');
      atMs = FIRST_MS + index * HOUR_MS;
      const isPending = pendingEvery !== null && index % pendingEvery === 0;
      const job = await addJob(store, { index, requests: requestsPerJob, at: new Date(atMs), isPending });
      mkdirSync(join(root, 'batch_results', job.jobId), { recursive: true });
      if (index % JOBS_A_COMMIT === 0 || index === jobs) db.exec('COMMIT');
    }
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    store.close();
  }
}

const JOBS_A_COMMIT = 20;

/** The store changes it around single calls, which SQLite refuses within a transaction. */
function keepSynchronous(db: Db): void {
  const pragma = db.pragma.bind(db);
  db.pragma = (source, options) => (source.startsWith('synchronous') ? [] : pragma(source, options));
}

interface Filler {
  readonly index: number;
  readonly requests: number;
  readonly at: Date;
  readonly isPending: boolean;
}

async function addJob(store: JobStore, { index, requests, at, isPending }: Filler): Promise<Job> {
  const job = await store.createJob({ name: `filler-${index % 40}`, spec: SPEC, at });
  const [stage] = job.stages;
  if (stage === undefined) throw new Error('a job has a stage');
  const shardId = await store.openShard(stage.id, {
    number: 1,
    group: null,
    nonce: `zz${base32(index)}`,
    origin: 'build',
    route: 'batch',
  });
  const seqs = Array.from({ length: requests }, (_, place) => place + 1);
  const rows = seqs.map((seq) => ({
    seq,
    customId: `row-${seq}`,
    recordOffset: seq * 100,
    recordLength: 99,
    outputPath: null,
    outputFold: `out/main/row-${seq}.md`,
    shardId,
  }));
  if ((await store.addRows(stage.id, rows)).length > 0) throw new Error('rows of a fresh job clash');
  const sizes = { classes: [], prefixes: [], sample: [] };
  await store.closeShard(shardId, { requests, bodyBytes: requests * LINE_BYTES, fileSha256: SHA, sizes });
  const content = index.toString(16).padStart(64, '0');
  await store.finishBuild(job.id, { records: requests, contentSha256: content, reuse: false });
  await store.requestSubmission(job.id, ACCOUNT, 'batch', at);
  const submission = await store.startSubmission(shardId, ACCOUNT, at.getTime());
  const fence = { batchIds: [], serverMs: at.getTime(), workspaceId: 'wrkspc_1', organizationId: 'org_1' };
  await store.seal(submission.id, { sealedMs: at.getTime(), fence });
  const stamp = { serverMs: at.getTime(), workspaceId: 'wrkspc_1', organizationId: 'org_1', requestId: null };
  await store.recordBatch(submission.id, batchOf(index, requests, at, 'in_progress'), stamp);
  if (isPending) return job;
  await store.recordSeen(batchOf(index, requests, at, 'ended'));
  await store.recordDownload(shardId, { bytes: requests * LINE_BYTES, sha256: SHA });
  const isFailed = (seq: number): boolean => seq % FAILED_EVERY === 0;
  await store.applyOutcomes(
    shardId,
    seqs.map((seq) => ({
      seq,
      status: isFailed(seq) ? ('errored' as const) : ('succeeded' as const),
      failure: isFailed(seq) ? ('overloaded' as const) : null,
      rawOffset: (seq - 1) * LINE_BYTES,
      rawLength: LINE_BYTES - 1,
    })),
  );
  const errored = seqs.filter(isFailed).length;
  const failures = errored === 0 ? {} : { overloaded: errored };
  const tally = { ...EMPTY_TALLY, requests, succeeded: requests - errored, errored, failures };
  await store.finishShard(shardId, 'applied', tally, []);
  await store.finishJob(job.id, 'done', at);
  return job;
}

const SHA = 'f'.repeat(64);

const SPEC = jobSpec({ file: 'filler.job.yaml' });

/** Six digits of the alphabet of nonces. */
function base32(value: number): string {
  const digits = 'abcdefghijklmnopqrstuvwxyz234567';
  let text = '';
  for (let rest = value; text.length < 6; rest = Math.floor(rest / 32)) text = `${digits[rest % 32]}${text}`;
  return text;
}

function batchOf(index: number, requests: number, at: Date, processingStatus: string): Batch {
  const id = `msgbatch_filler${String(index).padStart(6, '0')}`;
  const isEnded = processingStatus === 'ended';
  const counts = { processing: requests, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  return {
    id,
    processingStatus,
    counts: isEnded ? { ...counts, processing: 0, succeeded: requests } : counts,
    createdAt: at.toISOString(),
    expiresAt: new Date(at.getTime() + 24 * HOUR_MS).toISOString(),
    endedAt: isEnded ? new Date(at.getTime() + HOUR_MS).toISOString() : null,
    cancelInitiatedAt: null,
    archivedAt: null,
    resultsUrl: null,
    describedJson: JSON.stringify({ id, type: 'message_batch' }),
  };
}
