import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { journalPath, shardPath } from '../core/ports/files.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import {
  countUnanswered,
  isAllGood,
  isLeftover,
  isNeverSubmitted,
  isOfSplitShard,
  type LeftAlone,
  NOTHING,
  type PruneWishes,
  plus,
  type Size,
  whyLeftAlone,
} from '../core/prune-rules.ts';
import { readPruned } from '../core/pruned.ts';
import { isSettledShard } from '../core/shard.ts';
import { isAfterRunDue } from './after-run.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { sizeOfResults } from './prune-results.ts';

export interface SizedFile {
  readonly path: string;
  readonly bytes: number;
}

/** What of a job there is to prune. */
export interface Prunable {
  /** What nothing will ever read. */
  readonly leftovers: readonly SizedFile[];
  readonly requests: readonly PrunableRequests[];
  readonly results: Size;
  /** All files of a job that is forgotten as a whole, or of which only the bill is kept. */
  readonly everything: Size;
  /** Rows in the database that go with them. */
  readonly rows: number;
}

export interface PrunableRequests extends SizedFile {
  readonly view: ShardView;
  /** Rows that cannot be sent again without it. */
  readonly unanswered: number;
}

/** Null: the job may be pruned. `watched`: the jobs with a submission that is still looked for. */
export async function findObstacle(
  job: Job,
  wishes: PruneWishes,
  watched: readonly Pick<Job, 'id'>[],
  deps: LocalDeps,
): Promise<LeftAlone | null> {
  const { store, clock } = deps;
  const nowMs = clock.now().getTime();
  // The rest is asked only of a job that is old enough: there may be a thousand.
  const facts = { nowMs, isWatched: false, isAfterRunDue: false, duplicates: [] };
  const first = whyLeftAlone(job, wishes, facts);
  if (first !== null) return first;
  return whyLeftAlone(job, wishes, {
    nowMs,
    isWatched: watched.some(({ id }) => id === job.id),
    isAfterRunDue: await isAfterRunOpen(job, deps),
    duplicates: await store.lateDuplicates(job.id),
  });
}

/** Jobs of programs that use the library never come to what a job file asks for, and most ask for nothing. */
async function isAfterRunOpen(job: Job, deps: LocalDeps): Promise<boolean> {
  if (!(await isAfterRunDue(job, deps))) return false;
  try {
    const frozen = await loadFrozen(job, deps.files);
    return frozen !== null && (frozen.git !== null || frozen.onEnd !== null);
  } catch (error) {
    // It cannot be read, so no run will ever do what it asks for.
    if (error instanceof StoreError) return false;
    throw error;
  }
}

export const NOTHING_FOUND: Prunable = {
  leftovers: [],
  requests: [],
  results: NOTHING,
  everything: NOTHING,
  rows: 0,
};

/** Looks at names and sizes alone. */
export async function findPrunable(job: Job, wishes: PruneWishes, deps: LocalDeps): Promise<Prunable> {
  const { store, files } = deps;
  const rows = job.records * job.stages.length;
  if (isNeverSubmitted(job)) return { ...NOTHING_FOUND, everything: await sizeOfJob(job, deps), rows };
  const { answersAt } = readPruned(await store.events(job.id));
  // Also what a kill has left of a job of which they were pruned.
  if (wishes.answers || answersAt !== null) {
    const hasRows = await anyRow(job, deps);
    return { ...NOTHING_FOUND, everything: await sizeOfJob(job, deps), rows: hasRows ? rows : 0 };
  }
  const views = await store.shards(job.id);
  const requests: PrunableRequests[] = [];
  const hasFailed = views.some((view) => countUnanswered(view) > 0);
  for (const view of views) {
    const { shard } = view;
    // A row that went out again, and failed again, may take a late answer to what was asked here (steps/take-late.ts).
    const isNeeded = async (): Promise<boolean> => hasFailed && (await store.pastSeqs(shard.id)).length > 0;
    const isFree = wishes.failed || (isAllGood(view) && !(await isNeeded()));
    if (!isSettledShard(shard.state) || !isFree) continue;
    const path = shardPath(files.requestsDir(job.jobId), shard.stage, shard.number);
    if (files.exists(path))
      requests.push({ view, path, bytes: files.size(path), unanswered: countUnanswered(view) });
  }
  const results = wishes.results ? await sizeOfResults(job, deps) : NOTHING;
  return { ...NOTHING_FOUND, leftovers: await findLeftovers(job, views, deps), requests, results };
}

async function findLeftovers(
  job: Job,
  views: readonly ShardView[],
  { files }: LocalDeps,
): Promise<readonly SizedFile[]> {
  const requestsDir = files.requestsDir(job.jobId);
  const known = new Set(views.map(({ shard }) => shardPath('', shard.stage, shard.number).slice(1)));
  const found: SizedFile[] = [];
  for (const folder of [requestsDir, files.resultsDir(job.jobId)]) {
    for await (const { name, kind, bytes } of files.entries(folder)) {
      const isSplit = folder === requestsDir && isOfSplitShard(name, job.spec.stages, known);
      if (kind === 'file' && (isSplit || isLeftover(name))) found.push({ path: `${folder}/${name}`, bytes });
    }
  }
  return found;
}

async function anyRow(job: Job, { store }: LocalDeps): Promise<boolean> {
  for (const stage of job.spec.stages) if ((await store.rows(job.id, stage, 0, 1)).length > 0) return true;
  return false;
}

/** Of all that stands in its two folders, but for the journal of a job that was submitted. */
export async function sizeOfJob(job: Job, { files }: LocalDeps): Promise<Size> {
  let size = NOTHING;
  const folders = [files.requestsDir(job.jobId), files.resultsDir(job.jobId)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const { name, kind, bytes } of files.entries(folder)) {
      const path = `${folder}/${name}`;
      if (kind === 'folder') folders.push(path);
      else if (isNeverSubmitted(job) || path !== journalPath(files.requestsDir(job.jobId)))
        size = plus(size, bytes);
    }
  }
  return size;
}
