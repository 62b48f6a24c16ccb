import { RESULTS_KEPT_MS } from './batch.ts';
import { isFinal, type Job } from './job.ts';
import type { LateDuplicate, ShardView } from './ports/store-views.ts';

/** What the user wants to be rid of, beside what costs nothing to be rid of. */
export interface PruneWishes {
  /** Since the job became final. */
  readonly olderThanMs: number;
  /** Requests of rows that failed too: they cannot be sent again then. */
  readonly failed: boolean;
  /** What is made from the raw results too. */
  readonly results: boolean;
  /** Jobs that nobody submitted too, as a whole. */
  readonly built: boolean;
  /** All but what the job came to and cost. */
  readonly answers: boolean;
}

/** Of several files together. */
export interface Size {
  readonly files: number;
  readonly bytes: number;
}

export const NOTHING: Size = { files: 0, bytes: 0 };

/** With one file more. */
export function plus({ files, bytes }: Size, more: number): Size {
  return { files: files + 1, bytes: bytes + more };
}

/** Why a job is left alone; `reason` is for scripts. */
export interface LeftAlone {
  readonly reason:
    | 'unfinished'
    | 'never_submitted'
    | 'too_young'
    | 'under_watch'
    | 'after_run_due'
    | 'second_batch'
    | 'locked';
  /** A sentence. */
  readonly why: string;
}

export interface PruneFacts {
  readonly nowMs: number;
  /** An attempt that was given up is still looked for. */
  readonly isWatched: boolean;
  /** What comes after its run was cut off. */
  readonly isAfterRunDue: boolean;
  readonly duplicates: readonly LateDuplicate[];
}

type Pruning = Pick<Job, 'jobId' | 'state' | 'createdAt' | 'submitRequestedAt' | 'finalAt'>;

/** Built, and perhaps canceled, and never asked to be sent. */
export function isNeverSubmitted({ state, submitRequestedAt }: Pruning): boolean {
  return submitRequestedAt === null && (state === 'built' || state === 'canceled');
}

/** Null: nothing of the job is under way, nor can become so by itself, and it is old enough. */
export function whyLeftAlone(
  job: Pruning,
  { olderThanMs, built }: Pick<PruneWishes, 'olderThanMs' | 'built'>,
  { nowMs, isWatched, isAfterRunDue, duplicates }: PruneFacts,
): LeftAlone | null {
  const { jobId, state, finalAt, createdAt } = job;
  const isBuilt = isNeverSubmitted(job);
  if (!isBuilt && (!isFinal(state) || finalAt === null))
    return { reason: 'unfinished', why: `it is ${state}` };
  const since = finalAt ?? createdAt;
  const ageMs = nowMs - Date.parse(since);
  // A time of the future is that of another clock.
  if (ageMs < olderThanMs) return { reason: 'too_young', why: `it is ${state} since ${since}` };
  if (isBuilt)
    return built ? null : { reason: 'never_submitted', why: 'it was never submitted; --built forgets it' };
  const next = `batchctl resume ${jobId}`;
  if (isWatched)
    return { reason: 'under_watch', why: `a batch of it that was given up may still turn up; ${next} looks` };
  if (isAfterRunDue)
    return { reason: 'after_run_due', why: `what comes after its run is not done yet; ${next} does it` };
  // Once the API has removed its results nothing is waited for any more.
  if (ageMs < RESULTS_KEPT_MS && duplicates.some(({ kept }) => kept === null))
    return {
      reason: 'second_batch',
      why: `the results of a second batch of it are not here yet; ${next} brings them`,
    };
  return null;
}

/** Whether every row that a shard carries has a good answer, so that none can be sent again. */
export function isAllGood({ shard, tally }: ShardView): boolean {
  return shard.state === 'applied' && tally !== null && Object.keys(tally.failures).length === 0;
}

/** Rows of a shard that `retry` could send again as long as its file is there. */
export function countUnanswered({ tally }: ShardView): number {
  return Object.values(tally?.failures ?? {}).reduce((sum, rows) => sum + rows, 0);
}

const SHARD_NUMBER = /^-\d{4,}\.jsonl$/;

/** Whether a file in the folder of requests is of a shard whose requests other shards carry: none of `shards` has its name. */
export function isOfSplitShard(
  name: string,
  stages: readonly string[],
  shards: ReadonlySet<string>,
): boolean {
  if (shards.has(name)) return false;
  return stages.some((stage) => name.startsWith(stage) && SHARD_NUMBER.test(name.slice(stage.length)));
}

/** What a killed run has left: its files get their names when they are whole. */
export function isLeftover(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.partial');
}
