import { hasEnded } from '../core/batch.ts';
import { describeEarlier, type Earlier } from '../core/earlier-batches.ts';
import type { KnownError } from '../core/errors.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { isSettledShard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';
import {
  type Account,
  type Connect,
  isOpen,
  isWanted,
  lookAtAccounts,
  type Watched,
} from './look-at-accounts.ts';
import { createServerTime } from './server-time.ts';

/** What is to be watched, asked anew for each look: a job that starts meanwhile joins in. */
export type PickWatched = () => Promise<readonly Watched[]>;

/** A shard as a look found it. */
export interface WatchedShard {
  readonly job: Job;
  readonly view: ShardView;
  /** Server time, from the creation of its batch to now or to its end; null without a batch. */
  readonly elapsedMs: number | null;
  /** Null without a batch, and once it has ended. Negative: past. */
  readonly expiresInMs: number | null;
  readonly earlier: Earlier | null;
  /** Who is at work on the job, if anybody is. */
  readonly holder: string | null;
}

export interface WatchLook {
  readonly at: Date;
  /** This machine's clock that never jumps, to count on from. */
  readonly atMs: number;
  readonly shards: readonly WatchedShard[];
  /** What kept this look from being whole. It is tried again. */
  readonly troubles: readonly KnownError[];
  /** From now; null: this was the last one. */
  readonly nextLookMs: number | null;
}

export interface WatchDeps extends LocalDeps {
  readonly locks: WorkspaceLocks;
  readonly connect: Connect;
}

/** The store alone tells of shards that no batch carries; reading it costs next to nothing. */
const STORE_INTERVAL_MS = 2_000;
const EARLIER_BATCHES = 500;

/**
 * Looks at batches until none of them is pending and nobody is at work on their jobs. It takes in what the API says and
 * nothing else: no lock, no download, no decision. What passes (offline, 429, 5xx) is shown and met by later looks.
 *
 * `show` returns whether anybody still listens. Returns the last look.
 *
 * @throws AuthError, and what the API refuses for good.
 */
export async function watchBatches(
  pick: PickWatched,
  intervalMs: number | null,
  deps: WatchDeps,
  show: (look: WatchLook) => Promise<boolean>,
  signal: AbortSignal,
): Promise<WatchLook> {
  const { clock } = deps;
  const accounts = new Map<string, Account>();
  /** Shards that were shown stay, so that their end is seen. */
  const shown = new Set<number>();
  for (;;) {
    signal.throwIfAborted();
    const watched = await pick();
    await lookAtAccounts(watched, accounts, intervalMs, deps, signal);
    const shards = await readShards(await pick(), accounts, shown, deps);
    const foreign = [...accounts.values()].find((account) => account.isForeign)?.trouble ?? null;
    const isPending = shards.some(
      (one) => isOpen(one, accounts) || (one.holder !== null && !isFinal(one.job.state)),
    );
    if (!isPending && foreign !== null) throw foreign;
    const nowMs = clock.monotonicMs();
    const nextLookMs = isPending ? Math.max(0, nextDueMs(shards, accounts, intervalMs, nowMs) - nowMs) : null;
    const troubles = [...accounts.values()].flatMap(({ trouble }) => (trouble === null ? [] : [trouble]));
    const look: WatchLook = { at: clock.now(), atMs: nowMs, shards, troubles, nextLookMs };
    const isHeard = await show(look);
    if (nextLookMs === null || !isHeard) return look;
    await clock.sleep(nextLookMs, signal);
  }
}

function nextDueMs(
  shards: readonly WatchedShard[],
  accounts: ReadonlyMap<string, Account>,
  intervalMs: number | null,
  nowMs: number,
): number {
  const open = shards.filter((one) => isOpen(one, accounts));
  const dues = open.map(({ job }) => accounts.get(job.account?.baseUrl ?? '')?.dueMs ?? nowMs);
  return dues.length === 0 ? nowMs + (intervalMs ?? STORE_INTERVAL_MS) : Math.min(...dues);
}

async function readShards(
  watched: readonly Watched[],
  accounts: ReadonlyMap<string, Account>,
  shown: Set<number>,
  { store, clock, locks }: WatchDeps,
): Promise<readonly WatchedShard[]> {
  // By its id: several ids may name the same.
  const found = new Map<number, WatchedShard>();
  const endedOf = new Map<string, Awaited<ReturnType<typeof store.endedBatches>>>();
  for (const { job, batchId } of watched) {
    const baseUrl = job.account?.baseUrl ?? '';
    const ended = endedOf.get(baseUrl) ?? (await store.endedBatches(baseUrl, EARLIER_BATCHES));
    endedOf.set(baseUrl, ended);
    const nowMs = (accounts.get(baseUrl)?.time ?? createServerTime(clock)).nowMs();
    const holder = isFinal(job.state) ? null : locks.jobHolder(job.jobId);
    for (const view of await store.shards(job.id)) {
      if (!isWanted(view, batchId)) continue;
      if (isSettledShard(view.shard.state) && !shown.has(view.shard.id)) continue;
      shown.add(view.shard.id);
      found.set(view.shard.id, {
        job,
        view,
        holder,
        ...timesOf(view, nowMs),
        earlier: earlierOf(view, ended),
      });
    }
  }
  return [...found.values()];
}

function timesOf({ batch }: ShardView, nowMs: number): Pick<WatchedShard, 'elapsedMs' | 'expiresInMs'> {
  if (batch === null) return { elapsedMs: null, expiresInMs: null };
  const untilMs = batch.endedAt === null ? nowMs : Date.parse(batch.endedAt);
  return {
    elapsedMs: Math.max(0, untilMs - Date.parse(batch.createdAt)),
    expiresInMs: hasEnded(batch) ? null : Date.parse(batch.expiresAt) - nowMs,
  };
}

function earlierOf(
  { shard, batch }: ShardView,
  ended: Parameters<typeof describeEarlier>[0],
): Earlier | null {
  // Its own time is among the ended ones once it has ended, and is shown beside them.
  if (batch === null || hasEnded(batch)) return null;
  return describeEarlier(ended, shard.requests);
}
