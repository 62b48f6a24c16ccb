import type { AppliedReport } from '../core/applied-report.ts';
import { StoreError } from '../core/errors.ts';
import { isFinal, type JobState } from '../core/job.ts';
import type { JournalJob, JournalShard } from '../core/journal.ts';
import type { JournalFold } from '../core/journal-lines.ts';
import type { Clock } from '../core/ports/clock.ts';
import { type JobFiles, outputsPath, rawPath, recordsPath } from '../core/ports/files.ts';
import type { ReportProgress } from '../core/ports/progress.ts';
import type { RestoredJob, RestoringStore } from '../core/ports/restoring.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { prunedTotals } from '../core/pruned.ts';
import { asSubmitted, restoreShards, type SentFacts, supersede } from '../core/restored-shards.ts';
import { customIdAtHead } from '../core/result-line.ts';
import { pricedAt } from '../core/shard-billing.ts';
import { applyResults } from './apply-results.ts';
import { loadFrozen } from './frozen-job.ts';
import { isOfOneJob } from './left-out.ts';
import { outputPathOf, placeRows, toRow } from './place-rows.ts';
import { restoreBill } from './restore-bill.ts';
import { readShardRows, type StageRows } from './restored-rows.ts';

export interface RestoreDeps {
  readonly restoring: RestoringStore;
  readonly files: JobFiles;
  readonly clock: Clock;
  readonly report: ReportProgress;
}

/** What came back of one job. */
export interface RestoredReport {
  readonly jobId: string;
  readonly state: JobState;
  readonly views: readonly ShardView[];
  /** It was final, and is not any more, because raw results are gone: they are downloaded again. */
  readonly isReopened: boolean;
  readonly remarks: readonly string[];
}

const CHUNK_ROWS = 5_000;

/**
 * Makes a job again from its journal, its files, its receipts and its seals in the log. Nothing of the job's files is
 * changed, save that outputs are put back that are gone.
 *
 * @throws StoreError when files are gone without which its rows are not known; nothing of the job is in the store then.
 */
export async function restoreJob(
  fold: JournalFold & { readonly job: JournalJob },
  sent: SentFacts,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<RestoredReport> {
  const { events } = fold;
  const { restoring, files } = deps;
  const at = deps.clock.now().toISOString();
  const { shards: told, remarks } = restoreShards(asSubmitted(fold.job, fold.shards), fold, sent, at);
  const job = asSubmitted(fold.job, told);
  const totals = prunedTotals(events);
  // Its records go first: where they are there, so is all the rest.
  if (totals !== null && job.final !== null && !files.exists(recordsPath(files.requestsDir(job.job_id))))
    return restoreBill({ job: { ...job, final: job.final }, shards: told, events }, totals, remarks, deps);
  const first = await readShardRows(job, told, files);
  const kept = supersedeMoved(told, first);
  const rows = kept.some((shard, index) => shard !== told[index])
    ? await readShardRows(job, kept, files)
    : first;
  const { shards, gone } = await checkRaw(job, kept, files);
  const restored = await restoring.begin(job, shards);
  try {
    await addRows(job, shards, rows, restored, deps, signal);
  } catch (error) {
    await restoring.store.dropJob(restored.id);
    throw error;
  }
  await addPast(shards, rows, restored, restoring);
  await restoring.settle(restored, { job, shards, events });
  const unread = await applyAgain(shards, restored, deps, signal).then(() => [], saidLater);
  const all = [...remarks, ...gone, ...unread];
  const isReopened = job.final !== null && !(await finishAgain(job.final, restored, restoring));
  const now = await restoring.store.jobById(restored.id);
  const views = await restoring.store.shards(restored.id);
  return { jobId: job.job_id, state: now.state, views, isReopened, remarks: all };
}

/** A row goes out again only when it is settled: a shard that was never sent and lost rows to a later one was split. */
function supersedeMoved(
  shards: readonly JournalShard[],
  rows: ReadonlyMap<string, StageRows>,
): readonly JournalShard[] {
  const moved = new Set([...rows.values()].flatMap((stage) => [...stage.moved.values()].flat()));
  return shards.map((shard, index) => (moved.has(index) ? supersede(shard) : shard));
}

/**
 * Raw results of a batch that are gone or changed are to be downloaded again. Those that came one by one cannot be: the
 * shard keeps what was recorded, and the next run says what is missing. Asking again would pay again.
 */
async function checkRaw(
  job: JournalJob,
  shards: readonly JournalShard[],
  files: JobFiles,
): Promise<{ readonly shards: readonly JournalShard[]; readonly gone: readonly string[] }> {
  const gone: string[] = [];
  const checked: JournalShard[] = [];
  for (const shard of shards) {
    const isRead = shard.state === 'downloaded' || shard.state === 'applied';
    const path = rawPath(files.resultsDir(job.job_id), shard.stage, shard.number);
    if (!isRead || (files.exists(path) && (await files.sha256(path)) === shard.raw?.sha256)) {
      checked.push(shard);
      continue;
    }
    gone.push(`${path} is gone or damaged`);
    const canAsk = shard.submissions.some((one) => one.state === 'created');
    checked.push({ ...shard, state: canAsk ? 'live' : 'downloaded', raw: canAsk ? null : shard.raw });
  }
  return { shards: checked, gone };
}

async function addRows(
  job: JournalJob,
  shards: readonly JournalShard[],
  rows: ReadonlyMap<string, StageRows>,
  restored: RestoredJob,
  { restoring, files }: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const { store } = restoring;
  const dir = files.requestsDir(job.job_id);
  const now = await store.jobById(restored.id);
  const frozen = await loadFrozen(now, files);
  const outputs = lineReader(files, outputsPath(dir));
  const [firstStage] = now.stages;
  const seqs = rows.get(firstStage?.name ?? '')?.seqs();
  let count = 0;
  try {
    for await (const lines of files.lines(recordsPath(dir))) {
      signal.throwIfAborted();
      for (let at = 0; at < lines.length; at += CHUNK_ROWS) {
        const places = [];
        for (const line of lines.slice(at, at + CHUNK_ROWS)) {
          const customId = customIdAtHead(line.text);
          const seq = seqs?.next().value;
          if (customId === null || typeof seq !== 'number') throw damagedRecords(job, dir, count);
          const paths = readPaths(await outputs.next());
          places.push({ seq, customId, recordOffset: line.offset, recordLength: line.length, paths });
          count += 1;
        }
        for (const [index, stage] of now.stages.entries()) {
          const placed = places.map(({ paths, ...place }) => {
            const outputPath = outputPathOf(now, stage.name, frozen, place.customId, paths[index] ?? null);
            const shard = rows.get(stage.name)?.latest(place.seq) ?? null;
            const nonce = shard === null ? null : (shards[shard]?.nonce ?? null);
            const shardId = nonce === null ? null : (restored.shardIds.get(nonce) ?? null);
            return { ...toRow(now, stage.name, { ...place, outputPath }), shardId };
          });
          if ((await placeRows(store, now, stage, placed)).length > 0) throw damagedRecords(job, dir, count);
        }
      }
    }
  } finally {
    await outputs.close();
  }
  if (count !== job.records) throw damagedRecords(job, dir, count);
}

function damagedRecords(job: JournalJob, dir: string, count: number): StoreError {
  return new StoreError(`${recordsPath(dir)} is damaged`, {
    code: 'records_damaged',
    why: `the job was built of ${job.records} records, and it is wrong after line ${count}`,
    next: 'put it back from a copy, then batchctl doctor --rebuild again',
  });
}

/** The lines of a file one by one; null after its end, and where there is no such file. */
function lineReader(
  files: JobFiles,
  path: string,
): { next(): Promise<string | null>; close(): Promise<void> } {
  if (!files.exists(path)) return { next: async () => null, close: async () => undefined };
  const chunks = files.lines(path)[Symbol.asyncIterator]();
  let waiting: string[] = [];
  return {
    async next() {
      while (waiting.length === 0) {
        const chunk = await chunks.next();
        if (chunk.done === true) return null;
        waiting = chunk.value.map(({ text }) => text).reverse();
      }
      return waiting.pop() ?? null;
    },
    async close() {
      await chunks.return?.();
    },
  };
}

function readPaths(line: string | null): readonly (string | null)[] {
  // The build wrote a list of paths and nulls.
  return line === null ? [] : (JSON.parse(line) as (string | null)[]);
}

async function addPast(
  shards: readonly JournalShard[],
  rows: ReadonlyMap<string, StageRows>,
  { stageIds, shardIds }: RestoredJob,
  restoring: RestoringStore,
): Promise<void> {
  for (const [stage, { moved }] of rows) {
    const stageId = stageIds.get(stage);
    if (stageId === undefined || moved.size === 0) continue;
    const past = [...moved].map(([seq, indexes]) => ({
      seq,
      past: indexes.flatMap((index) => {
        const shard = shards[index];
        const shardId = shard === undefined ? undefined : shardIds.get(shard.nonce);
        if (shard === undefined || shardId === undefined) return [];
        return [{ shardId, isCanceled: shard.state === 'canceled' }];
      }),
    }));
    for (let at = 0; at < past.length; at += CHUNK_ROWS)
      await restoring.addPast(stageId, past.slice(at, at + CHUNK_ROWS));
  }
}

/** Of shards that were applied: what their rows came to, and cost, is read from the raw results once more. */
async function applyAgain(
  shards: readonly JournalShard[],
  restored: RestoredJob,
  { restoring, files, clock, report }: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const { store } = restoring;
  const applied = new Set(shards.filter(({ state }) => state === 'applied').map(({ nonce }) => nonce));
  const now = await store.jobById(restored.id);
  for (const { shard, batch } of await store.shards(restored.id)) {
    signal.throwIfAborted();
    if (!applied.has(shard.nonce)) continue;
    const at = pricedAt(now, batch);
    const facts = { job: now, shard, batchId: batch?.id ?? null, pricedAt: at, before: UNTOUCHED };
    await applyResults(facts, { store, files, clock, report }, signal);
  }
}

/** By now the job is there with its batches: its next run stops at what is wrong with its files, and says what helps. */
function saidLater(error: unknown): readonly string[] {
  if (!isOfOneJob(error)) throw error;
  return [`${error.message}, so that its rows are judged later: ${error.why ?? error.code}`];
}

/** Outputs that are there stay as they are, edited or not. */
const UNTOUCHED: AppliedReport = {
  shardId: 0,
  stage: '',
  shard: 0,
  batchId: null,
  distinct: 0,
  duplicate: 0,
  unknown: 0,
  malformed: 0,
  conflicting: 0,
  problems: [],
  problemCount: 0,
  refusedOutputs: [],
  withoutOutput: [],
};

async function finishAgain(
  final: NonNullable<JournalJob['final']>,
  { id }: RestoredJob,
  { store, finish }: RestoringStore,
): Promise<boolean> {
  const views = await store.shards(id);
  const isSettled = views.every(({ shard }) => ['applied', 'canceled', 'lost'].includes(shard.state));
  if (!isSettled) return false;
  await finish(id, final);
  return isFinal((await store.jobById(id)).state);
}
