import type { BackoffRule } from './backoff.ts';

/**
 * The account's queue: how many requests of unfinished batches the API lets be in process. How many it is depends on the
 * tier, which no call tells; a create above it is refused with 429, after all of its body has gone up. So a run learns from
 * that answer what there was no room for, and sends no 250 MB again before something has changed.
 */

/** Requests in batches that may not have ended, as far as this store knows. The API counts fewer: what it has processed is out. */
export interface InFlight {
  /** Of this job, those in doubt included. */
  readonly own: number;
  /** Batches of other jobs of the account. */
  readonly others: readonly OtherBatch[];
  /** What of other jobs may have become a batch. */
  readonly doubts: readonly { readonly jobId: string; readonly requests: number }[];
}

export interface OtherBatch {
  readonly id: string;
  /** Whose it is. */
  readonly jobId: string;
  readonly createdAt: string;
  readonly requests: number;
  /** Of its key, beside that of this run. To a key of another workspace every batch is not found. */
  readonly workspace: 'same' | 'other' | 'unknown';
}

/** A create that was refused with 429 while requests of ours were in flight. */
export interface QueueRefusal {
  /** Server time. */
  readonly atMs: number;
  /** So many were in the queue, beside those of the create. */
  readonly inFlight: number;
  /** For so long after it no other one that would need more room. */
  readonly pauseMs: number;
  /** So many in a row. */
  readonly times: number;
  /** What it was about, as far as the answer tells. */
  readonly about: RefusedAbout;
}

export type RefusedAbout = 'queue' | 'calls';

/** Why a shard is not sent now. */
export interface QueueWait {
  readonly inFlight: number;
  /** `--max-in-flight`; null: the API had no room. */
  readonly limit: number | null;
  /** Server time at which it may be tried all the same; null: only once a batch has ended. */
  readonly untilMs: number | null;
  readonly about: RefusedAbout;
}

/** Another job with requests in flight. */
export interface RoomTaker {
  readonly jobId: string;
  readonly requests: number;
  /** So many of them only may be in flight: nobody knows whether they became a batch. */
  readonly inDoubt: number;
}

/** The other jobs that take the room, those with the most requests first. */
export function takersOf({ others, doubts }: Pick<InFlight, 'others' | 'doubts'>): readonly RoomTaker[] {
  const byJob = new Map<string, RoomTaker>();
  const add = (jobId: string, requests: number, inDoubt: number): void => {
    const before = byJob.get(jobId) ?? { jobId, requests: 0, inDoubt: 0 };
    byJob.set(jobId, { jobId, requests: before.requests + requests, inDoubt: before.inDoubt + inDoubt });
  };
  for (const { jobId, requests } of others) add(jobId, requests, 0);
  for (const { jobId, requests } of doubts) add(jobId, requests, requests);
  return [...byJob.values()].sort((a, b) => b.requests - a.requests);
}

/** The last shard of a job that found no room, unless one of the job was sealed after that. */
export interface RoomWait {
  readonly shardId: number;
  /** `--max-in-flight` of that run; null: the API had no room. */
  readonly limit: number | null;
}

/** How long refused creates are apart. */
export interface QueueRule {
  /** From one that was refused to any other. */
  readonly leastMs: number;
  /** To another one for which there is no room by what is known. */
  readonly backoff: BackoffRule;
}

/** Each may cost 250 MB of upload; an hour of a full queue makes six. With the quarter that chance takes off it is a minute. */
export const QUEUE_RULE: QueueRule = {
  leastMs: 60_000,
  backoff: { firstMs: 80_000, factor: 2, maxMs: 1_800_000 },
};
/** An emulator's batches last seconds. */
export const EMULATOR_QUEUE_RULE: QueueRule = {
  leastMs: 750,
  backoff: { firstMs: 1_000, factor: 2, maxMs: 15_000 },
};
/** The API's limits on calls are kept by the minute (rate limits page), so that none of them asks for a longer wait. */
const CALLS_WAIT_MS = 60_000;
/** Until the first answer a run goes by the clock of its machine, which may be slow by some minutes. */
const MOST_AHEAD_MS = 15 * 60_000;
/** What was refused so long ago says nothing about a queue of now. */
const FORGOTTEN_AFTER_MS = 3_600_000;

/**
 * Whether a shard of so many requests may go: null, or what it waits for. As much as the queue held when it refused more,
 * there is room for, as a rule; for more than that there may be room by now, since the API processes rows and others of the
 * account finish theirs, and that is tried when the pause is over.
 */
export function findWait(
  requests: number,
  inFlight: number,
  facts: {
    readonly limit: number | null;
    readonly refusal: QueueRefusal | null;
    readonly nowMs: number;
    readonly leastMs: number;
  },
): QueueWait | null {
  const { limit, refusal, nowMs, leastMs } = facts;
  if (limit !== null && inFlight + requests > limit)
    return { inFlight, limit, untilMs: null, about: 'queue' };
  if (refusal === null) return null;
  const fits = inFlight + requests <= refusal.inFlight;
  const pauseMs = fits ? Math.min(leastMs, refusal.pauseMs) : refusal.pauseMs;
  const untilMs = refusal.atMs + pauseMs;
  return nowMs >= untilMs ? null : { inFlight, limit: null, untilMs, about: refusal.about };
}

/**
 * The refusal that counts, and it never lies ahead. One dated later than now by much was dated by a clock that was wrong: it would
 * hold every shard until that time comes. One that is some minutes ahead counts as of now: the pause is never longer than it was,
 * and by its end an answer has shown the time. One of before the queue took more than it had refused says nothing any more.
 */
export function latestRefusal(
  refusals: readonly (QueueRefusal | null)[],
  { nowMs, takenMs }: { readonly nowMs: number; readonly takenMs: number },
): QueueRefusal | null {
  const counting = refusals
    .filter((one) => one !== null)
    .filter(({ atMs }) => atMs > takenMs && atMs <= nowMs + MOST_AHEAD_MS);
  const latest = counting.sort((a, b) => a.atMs - b.atMs).at(-1);
  return latest === undefined ? null : { ...latest, atMs: Math.min(latest.atMs, nowMs) };
}

/**
 * What a 429 is about. A full queue and too many calls have no code of their own, and how the first is worded is not
 * documented: words that name the queue are believed, and a wait of up to a minute without them is taken for that of a limit
 * on calls. A second one in a row, a minute later, is not.
 */
export function refusedAbout(words: string, retryAfterMs: number | null, times: number): RefusedAbout {
  const isLong = retryAfterMs === null || retryAfterMs > CALLS_WAIT_MS;
  return /\bqueue/i.test(words) || isLong || times > 1 ? 'queue' : 'calls';
}

/** How many in a row a refusal is. */
export function timesRefused(before: QueueRefusal | null, nowMs: number): number {
  const isLately = before !== null && nowMs < before.atMs + before.pauseMs + FORGOTTEN_AFTER_MS;
  return isLately ? before.times + 1 : 1;
}
