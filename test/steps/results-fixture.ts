import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Batch } from '../../src/core/batch.ts';
import { ProviderError } from '../../src/core/errors.ts';
import type { Account, Job } from '../../src/core/job.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import { type JobFiles, shardPath } from '../../src/core/ports/files.ts';
import type { Progress } from '../../src/core/ports/progress.ts';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { JobStore } from '../../src/core/ports/store.ts';
import type { ShardView } from '../../src/core/ports/store-views.ts';
import { NO_SIZES } from '../../src/core/request-sizes.ts';
import { bodyBytesOf } from '../../src/core/shard.ts';
import { wireId } from '../../src/core/wire-id.ts';
import { openJobFiles } from '../../src/files/job-files.ts';
import type { Deps } from '../../src/steps/deps.ts';
import type { Run } from '../../src/steps/run.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { openStore } from '../../src/store/open.ts';
import { newShard, stageIdOf } from '../store/contract/fixture.ts';
import { searchAndRemove } from '../support/canary.ts';
import { jobSpec } from '../support/job-spec.ts';
import { renderDeps } from '../support/render-deps.ts';

export const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
export const ACCOUNT: Account = { baseUrl: 'http://127.0.0.1:1', keyFingerprint: '0123456789abcdef' };
export const STAMP = { serverMs: NOW_MS, workspaceId: 'ws', organizationId: 'org', requestId: null };

/** What the API would send for a batch, a piece at a time; a function throws or waits as a connection does. */
export type Stream = readonly (string | Uint8Array | (() => void))[];

export interface Fixture {
  readonly root: string;
  readonly job: Job;
  readonly run: Run;
  readonly store: JobStore;
  readonly files: JobFiles;
  readonly progress: Progress[];
  /** Milliseconds that were asked to wait. */
  readonly waits: number[];
  /** One answer for each download, the last one for all further ones. */
  readonly answer: (...streams: readonly (Stream | Error)[]) => void;
  /** From now on the account may be listed, and has the batches of the job alone. */
  readonly allowListing: () => void;
  readonly downloads: () => number;
  readonly views: () => Promise<readonly ShardView[]>;
  readonly close: () => void;
}

export interface FixtureOptions {
  /** Requests of each shard. */
  readonly shards?: readonly number[];
  readonly outputPath?: (seq: number) => string | null;
  readonly private?: boolean;
  /** The batch was not answered to our create but named by the user. */
  readonly adopted?: boolean;
  /** Shards whose batch is still in progress. */
  readonly open?: readonly number[];
}

export const customId = (seq: number): string => `row-${seq}`;
export const nonceOf = (shard: number): string => 'abcdefg'.concat('abcdefghijklmnop'[shard - 1] ?? 'z');
export const batchId = (shard: number): string => `msgbatch_${shard}`;

/** A line of the results of a row, as the API writes it. */
export function resultLine(
  seq: number,
  options: { shard?: number; text?: string; result?: unknown } = {},
): string {
  const result = options.result ?? {
    type: 'succeeded',
    message: {
      id: `msg_${seq}`,
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-5-5',
      content: [{ type: 'text', text: options.text ?? `answer ${seq}` }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 2,
        output_tokens: 3,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 1,
      },
    },
  };
  return JSON.stringify({ custom_id: wireId(customId(seq), nonceOf(options.shard ?? 1), seq), result });
}

export function batchOf(shard: number, requests: number, more: Partial<Batch> = {}): Batch {
  const counts = { processing: 0, succeeded: requests, errored: 0, canceled: 0, expired: 0 };
  const createdAt = new Date(NOW_MS - 3_600_000).toISOString();
  const facts = {
    id: batchId(shard),
    processingStatus: 'ended',
    counts,
    createdAt,
    expiresAt: new Date(NOW_MS + 82_800_000).toISOString(),
    endedAt: new Date(NOW_MS - 1_000).toISOString(),
    cancelInitiatedAt: null,
    archivedAt: null,
    resultsUrl: null,
    ...more,
  };
  return {
    ...facts,
    describedJson: JSON.stringify({ id: facts.id, processing_status: facts.processingStatus }),
  };
}

/** A built and submitted job in a real folder with the real store; its batches have ended. */
export async function makeFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const root = mkdtempSync(join(tmpdir(), 'batchctl-results-'));
  const files = openJobFiles(root);
  const store = await openStore(join(root, '.batchctl/state.db'), { programVersion: '0.0.0' });
  const sizes = options.shards ?? [3];
  const spec = jobSpec({
    apiVersion: '2023-06-01',
    on: 'emulator',
    private: options.private ?? false,
  });
  const built = await store.createJob({ name: 'test', spec, at: new Date(NOW_MS) });
  const stageId = stageIdOf(built);
  const shardIds: number[] = [];
  let seq = 1;
  for (const [index, requests] of sizes.entries()) {
    const number = index + 1;
    const shardId = await store.openShard(stageId, newShard(number, nonceOf(number)));
    const file = files.createHashed(shardPath(files.requestsDir(built.jobId), 'main', number), spec);
    const rows = [];
    for (const last = seq + requests; seq < last; seq += 1) {
      const params = {
        model: 'claude-haiku-5-5',
        max_tokens: 9,
        messages: [{ role: 'user', content: `q${seq}` }],
      };
      file.write(`${JSON.stringify({ custom_id: wireId(customId(seq), nonceOf(number), seq), params })}\n`);
      const outputPath = options.outputPath?.(seq) ?? null;
      rows.push({
        shardId,
        seq,
        customId: customId(seq),
        recordOffset: 0,
        recordLength: 0,
        outputPath,
        outputFold: outputPath ?? customId(seq),
      });
    }
    const { bytes, sha256 } = file.finish();
    await store.addRows(stageId, rows);
    await store.closeShard(shardId, {
      requests,
      bodyBytes: bodyBytesOf(bytes),
      fileSha256: sha256,
      sizes: NO_SIZES,
    });
    shardIds.push(shardId);
  }
  await store.finishBuild(built.id, { records: seq - 1, contentSha256: 'ab'.repeat(32), reuse: false });
  await store.requestSubmission(built.id, ACCOUNT, 'batch', new Date(NOW_MS));
  for (const [index, shardId] of shardIds.entries()) {
    const submission = await store.startSubmission(shardId, ACCOUNT, NOW_MS - 3_600_000);
    const fence = { batchIds: [], serverMs: NOW_MS - 3_600_000, workspaceId: 'ws', organizationId: 'org' };
    await store.seal(submission.id, { sealedMs: NOW_MS - 3_600_000, fence });
    const isOpen = options.open?.includes(index + 1) === true;
    const batch = batchOf(index + 1, sizes[index] ?? 0, isOpen ? { processingStatus: 'in_progress' } : {});
    if (options.adopted === true) {
      await store.doubtSubmission(submission.id, { reason: 'test', status: null, requestId: null });
      await store.addCandidate(submission.id, batch);
      await store.adopt(submission.id, batch.id, 'user');
    } else {
      await store.recordBatch(submission.id, batch, STAMP);
    }
    await store.recordSeen(batch);
  }
  return connect(root, await store.jobById(built.id), store, files);
}

/** A second process at work on the same folder. */
export async function reopen(root: string): Promise<Fixture> {
  const store = await openStore(join(root, '.batchctl/state.db'), { programVersion: '0.0.0' });
  const [job] = await store.listJobs({ pendingOnly: false, limit: 1 });
  if (job === undefined) throw new Error('no job');
  return connect(root, job, store, openJobFiles(root));
}

function connect(root: string, job: Job, store: JobStore, files: JobFiles): Fixture {
  const progress: Progress[] = [];
  const waits: number[] = [];
  let streams: readonly (Stream | Error)[] = [];
  let downloads = 0;
  let mayList = false;
  const clock: Clock = {
    now: () => new Date(NOW_MS),
    monotonicMs: () => waits.reduce((sum, ms) => sum + ms, 0),
    random: () => 0.5,
    randomBytes: (length) => new Uint8Array(length),
    async sleep(ms) {
      if (ms > 0) waits.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  const refuse = (): never => {
    throw new Error('retrieving asks for nothing else');
  };
  const provider: BatchProvider = {
    account: ACCOUNT,
    createBatch: refuse,
    async listBatches() {
      if (!mayList) refuse();
      const batches = (await store.shards(job.id)).flatMap(({ batch }) => (batch === null ? [] : [batch]));
      return { batches, hasMore: false, unreadable: 0, lastId: batches.at(-1)?.id ?? null, stamp: STAMP };
    },
    cancelBatch: refuse,
    countTokens: refuse,
    describeModel: refuse,
    sendMessage: refuse,
    async retrieveBatch(id) {
      const view = (await store.shards(job.id)).find((one) => one.batch?.id === id);
      if (view?.batch === null || view === undefined) throw notFound();
      return { batch: view.batch, stamp: STAMP };
    },
    async openResults() {
      const stream = streams[Math.min(downloads, streams.length - 1)];
      downloads += 1;
      if (stream === undefined || stream instanceof Error) throw stream ?? notFound();
      return { bytes: send(stream), startsAt: 0, etag: null };
    },
  };
  const locks: Deps['locks'] = { lockJob: refuse, lockSealing: refuse, jobHolder: () => null };
  const deps: Deps = {
    store,
    files,
    clock,
    provider,
    locks,
    report: (one) => progress.push(one),
    polls: new Map(),
    rendering: async (jobFile) => renderDeps(root, jobFile),
  };
  return {
    root,
    job,
    run: { job, deps, heads: new Map(), time: createServerTime(clock), settleMs: 900_000 },
    store,
    files,
    progress,
    waits,
    answer(...next) {
      streams = next;
      downloads = 0;
    },
    allowListing() {
      mayList = true;
    },
    downloads: () => downloads,
    views: () => store.shards(job.id),
    close() {
      store.close();
      searchAndRemove(root);
    },
  };
}

async function* send(stream: Stream): AsyncGenerator<Uint8Array> {
  for (const piece of stream) {
    if (typeof piece === 'function') piece();
    else yield Buffer.from(piece);
  }
}

export function notFound(): ProviderError {
  return new ProviderError('not found', { code: 'not_found', next: 'again', status: 404 });
}

/** Every file under a folder with its text, sorted; temporary names included. */
export function tree(root: string, at: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(root, at), { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, at, name);
    if (statSync(path).isFile()) found[name] = readFileSync(path, 'utf8');
  }
  return found;
}
