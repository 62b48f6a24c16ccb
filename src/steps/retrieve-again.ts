import { hasEnded } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { KnownBatch, ShardView } from '../core/ports/store-views.ts';
import { isRawWhole } from './check-raw.ts';
import type { Deps, LocalDeps } from './deps.ts';
import { type Download, downloadResults } from './download-results.ts';
import { SUMMARY_FILE } from './finish-job.ts';
import { refusePruned } from './refuse-pruned.ts';
import { repeatRead } from './repeat-read.ts';
import { requireHome } from './require-home.ts';
import { restoreResults } from './restore-results.ts';
import { FAILED_FILE, RESULTS_FILE } from './write-results.ts';

/** A shard of a final job for which the API must be asked again. */
export interface Gap {
  readonly view: ShardView;
  readonly batch: KnownBatch;
}

/**
 * Shards whose raw results are missing or damaged, and those that were lost and may answer after all.
 *
 * @throws UsageError when the answers of the job were pruned.
 */
export async function findGaps(job: Job, deps: LocalDeps): Promise<readonly Gap[]> {
  await refusePruned(job, deps);
  const gaps: Gap[] = [];
  for (const view of await deps.store.shards(job.id)) {
    const { shard, batch } = view;
    if (batch === null) continue;
    const isGap =
      shard.state === 'lost'
        ? batch.archivedAt === null && view.submission?.state === 'created'
        : isDownloaded(view) && !(await isRawWhole(job, shard, deps));
    if (isGap) gaps.push({ view, batch });
  }
  return gaps;
}

interface Trouble {
  readonly gap: Gap;
  readonly why: string;
  readonly isForGood: boolean;
}

/**
 * Downloads what the gaps of a final job lack, and puts back every file that is gone. Nothing is sent. What is there is
 * replaced only by a whole download, so whatever fails or is killed leaves no less than there was.
 *
 * The caller holds the job's lock.
 *
 * @returns how many files were written again.
 * @throws ProviderError when raw results cannot be had again; all that can be put back without them is.
 */
export async function retrieveAgain(
  job: Job,
  gaps: readonly Gap[],
  deps: Deps,
  signal: AbortSignal,
): Promise<number> {
  if (gaps.length > 0) await requireHome(job, deps, signal);
  const troubles: Trouble[] = [];
  let written = 0;
  for (const gap of gaps) {
    signal.throwIfAborted();
    const trouble = await closeGap(job, gap, deps, signal);
    if (trouble === null) written += 1;
    else if (gap.view.shard.state !== 'lost') troubles.push(trouble);
    else deps.report({ kind: 'notice', text: `batch ${gap.batch.id} is still lost: ${trouble.why}` });
  }
  const unreadable = new Set(troubles.map(({ gap }) => gap.view.shard.id));
  written += await restoreResults(job, deps, signal, unreadable);
  if (troubles.length > 0) throw await unobtainable(job, troubles, deps);
  return written;
}

/** Null once the raw results are on disk and recorded. */
async function closeGap(job: Job, gap: Gap, deps: Deps, signal: AbortSignal): Promise<Trouble | null> {
  try {
    const download = await askAgain(job, gap, deps, signal);
    if (download.kind === 'downloaded') return null;
    const why = download.kind === 'foreign' ? 'it has results of another job' : download.why;
    return { gap, why, isForGood: download.kind === 'expired_results' };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    return { gap, why: error.message, isForGood: false };
  }
}

async function askAgain(job: Job, { view, batch }: Gap, deps: Deps, signal: AbortSignal): Promise<Download> {
  const { shard, tally, candidates } = view;
  const isProven = !candidates.some((candidate) => candidate.batchId === batch.id);
  if (shard.state !== 'lost') {
    const atLeast = tally === null ? 0 : tally.requests - tally.missing;
    return downloadResults({ job, shard, batch, isProven, atLeast }, deps, signal);
  }
  const { store, provider, clock } = deps;
  const fresh = (await repeatRead(() => provider.retrieveBatch(batch.id, signal), clock, signal)).batch;
  await store.recordSeen(fresh);
  if (!hasEnded(fresh)) {
    const why = `it answers again and is ${fresh.processingStatus}`;
    return { kind: 'not_available', why, isBatchUnknown: false, isStrange: false };
  }
  // Nothing in it would be no news: its rows are missing as it is.
  return downloadResults({ job, shard, batch: fresh, isProven, atLeast: 1 }, deps, signal);
}

function isDownloaded({ shard }: ShardView): boolean {
  return shard.state === 'applied' || shard.state === 'downloaded';
}

async function unobtainable(
  job: Job,
  troubles: readonly Trouble[],
  { store, files }: LocalDeps,
): Promise<ProviderError> {
  const dir = files.resultsDir(job.jobId);
  const isForGood = troubles.every((trouble) => trouble.isForGood);
  const whys = troubles.map(
    ({ gap, why }) => `shard ${gap.view.shard.number} (batch ${gap.batch.id}): ${why}`,
  );
  const shards = (await store.shards(job.id)).filter(isDownloaded).length;
  const whole = shards - troubles.length;
  const left = [RESULTS_FILE, FAILED_FILE, SUMMARY_FILE]
    .map((name) => `${dir}/${name}`)
    .filter((path) => files.exists(path));
  const leftText = [
    ...left,
    `the raw results of ${whole} of ${shards} shards`,
    'answers already written to files of their own',
    'the verdict of every row',
  ].join(', ');
  return new ProviderError(
    isForGood
      ? `raw results of job ${job.jobId} are gone, here and at the API`
      : `raw results of job ${job.jobId} are gone here and could not be had again now`,
    {
      code: isForGood ? 'results_gone' : 'results_unavailable',
      status: null,
      retryable: !isForGood,
      why: `${whys.join('; ')}. Left: ${leftText}`,
      next: isForGood
        ? `put ${dir} back from a backup; batchctl verify ${job.jobId} names what is missing`
        : `batchctl retrieve ${job.jobId} later`,
    },
  );
}
