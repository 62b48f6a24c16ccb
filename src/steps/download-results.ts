import { type BackoffRule, backoffMs } from '../core/backoff.ts';
import { type Batch, RESULTS_KEPT_MS } from '../core/batch.ts';
import { ProviderError, StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { rawPath } from '../core/ports/files.ts';
import type { ResultsStream } from '../core/ports/provider.ts';
import { idsAsTheyCome, idsByNonce, type RequestIds } from '../core/request-ids.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import { ResultsCheck, type StreamCounts } from '../core/results-check.ts';
import type { Shard } from '../core/shard.ts';
import { MOST_ROWS } from './adopted-rows.ts';
import type { Deps } from './deps.ts';
import { BrokenStream, readResults } from './read-results.ts';
import { repeatRead } from './repeat-read.ts';

export type Download =
  /** On disk and recorded. Fewer `distinct` than requests: the rest is missing, as several downloads agreed. */
  | { readonly kind: 'downloaded'; readonly counts: StreamCounts }
  /** Nothing in it is ours; nothing of it was kept. */
  | { readonly kind: 'foreign' }
  /** Worth coming back for. `isBatchUnknown`: the batch itself is not found either. */
  | {
      readonly kind: 'not_available';
      readonly why: string;
      readonly isBatchUnknown: boolean;
      /** Whole each time, with rows of somebody else each time and none of ours. */
      readonly isStrange: boolean;
    }
  /** Gone for good. */
  | { readonly kind: 'expired_results'; readonly why: string };

export interface DownloadTarget {
  readonly job: Job;
  readonly shard: Shard;
  readonly batch: Batch;
  /** Its id came from the answer to our own create, so strange lines in it never make it someone else's. */
  readonly isProven: boolean;
  /** How many rows are known to be there: fewer are never believed. 0 when not given. */
  readonly atLeast?: number;
  /** Where they go and who notes that; the shard's own raw results when not given. */
  readonly keep?: {
    readonly path: string;
    readonly note: (raw: { readonly bytes: number; readonly sha256: string }) => void;
  };
}

/** Whole ones, or answers that were none. */
const MAX_DOWNLOADS = 3;
/** Those that broke off beside them: a bad line is no word about the results, but somebody may have to mend it. */
const MAX_BROKEN = 6;
const DOWNLOAD_BACKOFF: BackoffRule = { firstMs: 2_000, factor: 4, maxMs: 10_000 };
const REPORT_EVERY_BYTES = 1 << 20;
/** On a slow line a megabyte is long in coming. */
const REPORT_EVERY_MS = 1_000;

/**
 * Brings the results of an ended batch to disk, whole and byte for byte, and records that they are there. A stream that
 * is short, or broke where the server does not give the rest, starts again from zero: this batch's, no other one's. A kill at
 * any moment leaves a `.partial` that the next call overwrites.
 */
export async function downloadResults(
  target: DownloadTarget,
  deps: Deps,
  signal: AbortSignal,
): Promise<Download> {
  const { batch } = target;
  if (batch.archivedAt !== null) return expired(`its results were removed on ${batch.archivedAt}`);
  const expected = await expectedOf(target, deps);
  const tries: Tries = { held: [], broken: 0 };
  for (let attempt = 1; ; attempt += 1) {
    const once = await downloadOnce(target, expected, tries, deps, signal);
    if (once.kind !== 'again') return once;
    if (once.isBroken) tries.broken += 1;
    const { held, broken } = tries;
    if (attempt - broken === MAX_DOWNLOADS || broken === MAX_BROKEN) {
      const isStrange = held.length === MAX_DOWNLOADS && held.every(isOfSomebodyElse);
      return { ...once, kind: 'not_available', isStrange };
    }
    deps.report({ kind: 'notice', text: `results of ${batch.id}: ${once.why}; downloading again` });
    // A line that broke is tried soon; what the API says may take a while to change.
    const waited = once.isBroken ? 1 : attempt - broken;
    await deps.clock.sleep(backoffMs(DOWNLOAD_BACKOFF, waited, deps.clock.random()), signal);
    signal.throwIfAborted();
  }
}

/** The streams of one call so far. */
interface Tries {
  /** What each whole one had. */
  readonly held: StreamCounts[];
  /** How many broke off after they had begun. */
  broken: number;
}

/** What the results are to hold. */
interface Expected {
  readonly seqs: readonly number[];
  /** Fresh for each stream. */
  readonly ids: () => RequestIds;
}

/** Of a batch that was made elsewhere only the number of requests is known, so that any legal id counts as one of them. */
async function expectedOf({ job, shard }: DownloadTarget, { store }: Deps): Promise<Expected> {
  if (!job.spec.adopted) return { seqs: await store.shardSeqs(shard.id), ids: () => idsByNonce(shard.nonce) };
  return {
    seqs: Array.from({ length: MOST_ROWS }, (_, index) => index + 1),
    ids: () => idsAsTheyCome(MOST_ROWS),
  };
}

interface Again {
  readonly kind: 'again';
  readonly why: string;
  readonly isBatchUnknown: boolean;
  /** The stream broke off, after it had begun. */
  readonly isBroken: boolean;
}

/** Adds to `tries` what its stream had, if it was whole. */
async function downloadOnce(
  target: DownloadTarget,
  expected: Expected,
  tries: Tries,
  deps: Deps,
  signal: AbortSignal,
): Promise<Download | Again> {
  const { job, shard, batch, isProven, keep } = target;
  let stream: ResultsStream;
  // Before the first byte, which may be long in coming: what was shown until now was that batches are waited for.
  deps.report({ kind: 'downloading', batchId: batch.id, bytes: 0 });
  try {
    stream = await repeatRead(() => deps.provider.openResults(batch, signal), deps.clock, signal);
  } catch (error) {
    return notOpened(error, batch, deps, signal);
  }
  const path = keep?.path ?? rawPath(deps.files.resultsDir(job.jobId), shard.stage, shard.number);
  const file = deps.files.createHashed(path, { private: job.spec.private });
  try {
    const check = new ResultsCheck(expected.ids(), new ResultSeqs(expected.seqs));
    let reported = { bytes: 0, atMs: deps.clock.monotonicMs() };
    const bytes = readResults(stream, batch, deps, signal);
    for await (const chunk of bytes) {
      file.writeBytes(chunk);
      check.push(chunk);
      if (!isProven && check.isForeign(false)) return { kind: 'foreign' };
      const nowMs = deps.clock.monotonicMs();
      if (file.bytes - reported.bytes < REPORT_EVERY_BYTES && nowMs - reported.atMs < REPORT_EVERY_MS)
        continue;
      reported = { bytes: file.bytes, atMs: nowMs };
      deps.report({ kind: 'downloading', batchId: batch.id, bytes: file.bytes });
    }
    check.end();
    if (!isProven && check.isForeign(true)) return { kind: 'foreign' };
    const { counts } = check;
    tries.held.push(counts);
    if (!isSettled(tries, target)) return again(`${counts.distinct} of ${shard.requests} rows came`);
    const raw = file.finish();
    if (keep === undefined) await deps.store.recordDownload(shard.id, raw);
    else keep.note(raw);
    deps.report({ kind: 'downloading', batchId: batch.id, bytes: raw.bytes });
    return { kind: 'downloaded', counts };
  } catch (error) {
    if (!(error instanceof BrokenStream)) throw withLastDay(error, batch);
    return { ...again(`the connection broke after ${file.bytes} bytes`), isBroken: true };
  } finally {
    file.discard();
  }
}

/** Whoever has to make room first should know how long that can wait. */
function withLastDay(error: unknown, batch: Batch): unknown {
  if (!(error instanceof StoreError) || error.code !== 'disk_full') return error;
  const lastDay = new Date(Date.parse(batch.createdAt) + RESULTS_KEPT_MS).toISOString().slice(0, 10);
  return new StoreError(error.message, {
    code: error.code,
    why: `${error.why ?? 'the disk is full'}; the API keeps the results of ${batch.id} until ${lastDay}`,
    next: error.next,
    cause: error,
  });
}

/**
 * A short stream is believed only when a second one had exactly as much, none had more and none broke off: what a row is
 * missing of was paid for, and a connection that closes early looks the same as a result that is not there.
 *
 * Without any row all must agree, on nothing at all: a batch that was canceled or expired before its first row may list
 * none. That says something only of a batch that is ours beyond doubt; of another one it would be no proof either way.
 */
function isSettled({ held, broken }: Tries, { shard, isProven, atLeast = 0 }: DownloadTarget): boolean {
  const last = held.at(-1)?.distinct ?? 0;
  if (last >= shard.requests) return true;
  if (held.length < MAX_DOWNLOADS || broken > 0 || last < atLeast) return false;
  if (last === 0) return isProven && held.every(isEmpty);
  const isBest = held.every(({ distinct }) => distinct <= last);
  const agreed = held.filter(({ distinct }) => distinct === last).length >= 2;
  return isBest && agreed;
}

function isEmpty({ distinct, unknown, malformed }: StreamCounts): boolean {
  return distinct === 0 && unknown === 0 && malformed === 0;
}

function isOfSomebodyElse({ distinct, unknown }: StreamCounts): boolean {
  return distinct === 0 && unknown > 0;
}

function again(why: string, isBatchUnknown = false): Again {
  return { kind: 'again', why, isBatchUnknown, isBroken: false };
}

/**
 * A 404 for the results of an ended batch may pass (anthropics/anthropic-sdk-python issue 1432), so it is final only
 * when the server itself says that the results are removed, or that 29 days are over.
 */
async function notOpened(
  error: unknown,
  batch: Batch,
  deps: Deps,
  signal: AbortSignal,
): Promise<Download | Again> {
  signal.throwIfAborted();
  if (!(error instanceof ProviderError)) throw error;
  if (error.status === 404 || error.status === 410) return askWhy(error.message, batch, deps, signal);
  if (error.retryable) return again(error.message);
  throw error;
}

async function askWhy(
  message: string,
  batch: Batch,
  deps: Deps,
  signal: AbortSignal,
): Promise<Download | Again> {
  try {
    const now = await repeatRead(() => deps.provider.retrieveBatch(batch.id, signal), deps.clock, signal);
    if (now.batch.archivedAt !== null) return expired(`its results were removed on ${now.batch.archivedAt}`);
    const ageMs = (now.stamp.serverMs ?? 0) - Date.parse(now.batch.createdAt);
    if (ageMs > RESULTS_KEPT_MS) return expired('its results are kept for 29 days, and those are over');
    return again(message);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProviderError) return again(message, error.status === 404);
    throw error;
  }
}

function expired(why: string): Download {
  return { kind: 'expired_results', why };
}
