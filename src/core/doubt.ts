import { type Batch, sumCounts } from './batch.ts';
import type { Candidate, Fence, Look, Submission } from './submission.ts';

/**
 * What may be concluded about a sealed submission whose answer was lost. Pure; the drawing is in docs/states.md.
 *
 * All times are the server's. Nobody documents whether a batch's `created_at` is the time of the first or of the last
 * byte of its create, nor that `Date` and `created_at` come from one clock. So the window opens ten minutes before the
 * upload, there is a second one where this machine's clock disagrees with `Date`, and the fence, which lists what was there by then, is a set to exclude and not a place to stop at.
 */
/** An answer that takes longer than this is given up, so a batch cannot be born later. */
const CREATE_MAX_MS = 15 * 60_000;
/** How long a submission in doubt must stay unseen before it is judged absent, unless the user says otherwise. */
export const DEFAULT_SETTLE_MS = 15 * 60_000;
/** How far before the upload a listing reaches and a batch may be dated. */
export const FENCE_REACH_MS = 10 * 60_000;
/** Batches which a fence keeps though none of them can be the submission's; several, because a user may delete some. */
const OTHERS_KEPT = 10;
/** Two clocks that differ by less than this are taken for one: `Date` has whole seconds, and machines drift. */
const CLOCKS_AGREE_MS = 60_000;
/** Without a `Date` from the server only this machine's clock is left, and that may be wrong by hours. */
const NO_DATE_SLACK_MS = 24 * 60 * 60_000;

/** How long a submission that was judged absent, or refused after its tail, is still looked for. */
export const WATCH_ABSENT_MS = 24 * 60 * 60_000;
export const WATCH_REJECTED_MS = 60 * 60_000;

/** Looks after the seal, as shares of the settle time: 0, 5, 15, 30, 60 … 900 s of 15 minutes, then every 10 minutes. */
const SCHEDULE = [0, 1 / 180, 1 / 60, 1 / 30, 1 / 15, 2 / 15, 4 / 15, 8 / 15, 1];
const AFTERWARDS = 2 / 3;
const CLEAN_LOOKS_NEEDED = 3;
const UNTOLD_LOOKS = 5;
/** Readings of a candidate's results before it is said that they tell nothing: as many as make a batch gone (gone.ts). */
const ANSWERS_NEEDED = 5;
/** However short the settle time, the account is not listed in a hot loop. */
const LEAST_WAIT_MS = 1_000;

/** The least time between two looks that count as two. */
export function lookSpacingMs(settleMs: number): number {
  return settleMs / 15;
}

export interface DoubtFacts {
  readonly submission: Pick<Submission, 'uploadStartedMs' | 'sealedMs' | 'fence'>;
  readonly requests: number;
}

/** Whether a listed batch may be the one that this submission made. What other submissions own is not asked here. */
export function mayBeOurs(batch: Batch, { submission, requests }: DoubtFacts): boolean {
  const { sealedMs, fence, uploadStartedMs } = submission;
  if (sealedMs === null || fence === null) return false;
  if (sumCounts(batch.counts) !== requests || fence.batchIds.includes(batch.id)) return false;
  const createdMs = Date.parse(batch.createdAt);
  const slackMs = slackOf(fence);
  return shiftsOf(fence).some(
    (shiftMs) =>
      createdMs >= uploadStartedMs + shiftMs - FENCE_REACH_MS - slackMs &&
      createdMs <= sealedMs + shiftMs + CREATE_MAX_MS + slackMs,
  );
}

/** A batch of a listing, as far as a fence looks at it. */
export interface FencedBatch extends Pick<Batch, 'id' | 'createdAt'> {
  /** It is some submission's of this store already, so that nobody takes it for another one's. */
  readonly isTaken?: boolean;
}

/**
 * What a fence keeps of the account's batches, newest first: those that `mayBeOurs` would otherwise take for the
 * submission's, and the newest of the others, each «a batch that must be there» for `weighLook`, which a quiet account would
 * else have none of. Not the whole listing, nor all that the job itself has sent by then: with 1,000 ids a submission a
 * store of 5,000 shards has 189 MB, with ten 7.
 */
export function fenceIds(
  batches: readonly FencedBatch[],
  uploadStartedMs: number,
  clocks: Clocks,
): readonly string[] {
  const fromMs = uploadStartedMs - FENCE_REACH_MS - slackOf(clocks);
  let others = 0;
  return batches
    .filter(({ createdAt, isTaken = false }) => {
      const createdMs = Date.parse(createdAt);
      const isInWindow = createdMs >= fromMs || isNearMachineTime(createdMs, uploadStartedMs, clocks);
      return (isInWindow && !isTaken) || ++others <= OTHERS_KEPT;
    })
    .map(({ id }) => id);
}

/** In the second window of `mayBeOurs`; the seal, which it ends after, is seconds away. */
function isNearMachineTime(
  createdMs: number,
  uploadStartedMs: number,
  { serverMs, skewMs }: Clocks,
): boolean {
  if (skewMs === undefined || serverMs === null) return false;
  const ownMs = createdMs + skewMs;
  return ownMs >= uploadStartedMs - FENCE_REACH_MS && ownMs <= serverMs + 2 * CREATE_MAX_MS;
}

/** What a fence knows of the clocks. */
type Clocks = Pick<Fence, 'serverMs' | 'skewMs'>;

/**
 * How far this machine's clock is behind the server's `Date`; undefined while they agree. A proxy may answer with a `Date`
 * of its own, and a machine may be wrong by hours: where they disagree, one of them is right about `created_at`.
 */
export function clockSkewMs(serverMs: number | null, machineMs: number): number | undefined {
  if (serverMs === null || Math.abs(serverMs - machineMs) < CLOCKS_AGREE_MS) return undefined;
  return serverMs - machineMs;
}

function slackOf({ serverMs }: Clocks): number {
  return serverMs === null ? NO_DATE_SLACK_MS : 0;
}

/** From the server's time to the times by which the batch may be dated. */
function shiftsOf({ skewMs }: Clocks): readonly number[] {
  return skewMs === undefined ? [0] : [0, -skewMs];
}

/** How far back a listing has to go: `mayBeOurs` takes nothing older for the batch of this upload. */
export function listingReachMs(uploadStartedMs: number, clocks: Clocks): number {
  return uploadStartedMs + Math.min(...shiftsOf(clocks)) - FENCE_REACH_MS - slackOf(clocks);
}

/** The same for a submission; without a fence nothing may be its batch. */
export function reachOf({ uploadStartedMs, fence }: DoubtFacts['submission']): number {
  return fence === null ? Number.POSITIVE_INFINITY : listingReachMs(uploadStartedMs, fence);
}

export type Verdict =
  /** At least one candidate is not rejected: poll it, never send again. */
  | { readonly kind: 'provisional' }
  /** Proven not to exist: may go out again. */
  | { readonly kind: 'absent' }
  /** Listings came for long enough, and none told anything: the user has to look. */
  | { readonly kind: 'untold' }
  | { readonly kind: 'wait'; readonly nextLookMs: number };

/**
 * Absence takes the whole settle time and three clean looks apart from each other, each of which saw a batch that had to
 * be there, the last of them after the settle time. A candidate, once seen, counts until its results reject it.
 *
 * Where everything that had to be there was deleted, or the account was empty and never names its workspace, no look will
 * ever tell: after twice the settle time and five of them it is the user's to decide, rather than waited for.
 */
export function judgeDoubt(facts: {
  readonly sealedMs: number;
  readonly settleMs: number;
  readonly looks: readonly Look[];
  readonly candidates: readonly Pick<Candidate, 'verdict'>[];
}): Verdict {
  if (facts.candidates.some((candidate) => candidate.verdict !== 'rejected')) return { kind: 'provisional' };
  // The server's clock is known to a second, hence one more than was asked for.
  const settledMs = facts.sealedMs + facts.settleMs + 1_000;
  const good = facts.looks.filter((look) => look.clean && look.knownSeen).map((look) => look.serverMs);
  const spaced = countSpaced(good, lookSpacingMs(facts.settleMs));
  if (spaced >= CLEAN_LOOKS_NEEDED && good.some((at) => at >= settledMs)) return { kind: 'absent' };
  const clean = facts.looks.filter((look) => look.clean).map((look) => look.serverMs);
  const isLate = clean.some((at) => at >= settledMs + facts.settleMs) && good.every((at) => at < settledMs);
  if (isLate && countSpaced(clean, lookSpacingMs(facts.settleMs)) >= UNTOLD_LOOKS) return { kind: 'untold' };
  const lastMs = Math.max(facts.sealedMs, ...facts.looks.map((look) => look.serverMs));
  return { kind: 'wait', nextLookMs: nextLookMs(facts.sealedMs, lastMs, facts.settleMs) };
}

/**
 * Whether the results of an ended candidate, which still do not say whose it is, never will. They were asked for with every
 * look since it ended: five times at least, over the whole settle time. That it ended long ago alone says nothing, since
 * nobody may have looked meanwhile, and a single answer may be cut or «not found».
 */
export function isPastProof(
  { endedAt, archivedAt }: Pick<Batch, 'endedAt' | 'archivedAt'>,
  facts: { readonly sealedMs: number; readonly settleMs: number; readonly looks: readonly Look[] },
): boolean {
  if (archivedAt !== null) return true;
  if (endedAt === null) return false;
  // Not before the seal, whatever its stamp says: `Date`, which looks and seal are dated by, may be ahead of that clock.
  const fromMs = Math.max(Date.parse(endedAt), facts.sealedMs);
  const asked = facts.looks.map((look) => look.serverMs).filter((at) => at >= fromMs);
  return asked.length >= ANSWERS_NEEDED && Math.max(...asked) - Math.min(...asked) > facts.settleMs;
}

function countSpaced(timesMs: readonly number[], spacingMs: number): number {
  let count = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const at of [...timesMs].sort((a, b) => a - b)) {
    if (at - lastMs < spacingMs) continue;
    count += 1;
    lastMs = at;
  }
  return count;
}

function nextLookMs(sealedMs: number, lastMs: number, settleMs: number): number {
  const next = SCHEDULE.map((share) => sealedMs + share * settleMs + (share === 1 ? 1_000 : 0)).find(
    (at) => at > lastMs,
  );
  return next ?? lastMs + Math.max(AFTERWARDS * settleMs, LEAST_WAIT_MS);
}

/**
 * The workspace that a submission was sealed in. Where the fence does not name it (an answer without the header, or a seal
 * that was restored from less), other seals of its job do; else the workspace that the very key which sealed it acts in,
 * because a key never changes that. Null: nothing tells.
 */
export function homeOfDoubt(
  { fence, keyFingerprint }: { readonly fence: Fence; readonly keyFingerprint: string },
  job: Pick<Fence, 'workspaceId' | 'organizationId'>,
  now: {
    readonly keyFingerprint: string;
    readonly workspaceIds: readonly (string | null)[];
    readonly organizationId: string | null;
  },
): Pick<Fence, 'workspaceId' | 'organizationId'> {
  if (fence.workspaceId !== null) return fence;
  if (job.workspaceId !== null) return job;
  const [first = null, ...others] = new Set(now.workspaceIds);
  const isTold = keyFingerprint === now.keyFingerprint && others.length === 0;
  return { workspaceId: isTold ? first : null, organizationId: isTold ? now.organizationId : null };
}

/** What one walk through the listing is worth as evidence. `fence` names the workspace as far as it is known at all. */
export function weighLook(
  walk: {
    readonly whole: boolean;
    readonly workspaceIds: readonly (string | null)[];
    readonly batchIds: ReadonlySet<string>;
    readonly endReached: boolean;
  },
  fence: Fence,
  ownBatchIds: ReadonlySet<string>,
): Pick<Look, 'clean' | 'knownSeen'> {
  // Where nobody ever named it, a batch that must be there names it: it is visible in its own workspace alone.
  const sameWorkspace =
    fence.workspaceId === null
      ? new Set(walk.workspaceIds).size <= 1
      : walk.workspaceIds.every((id) => id === fence.workspaceId);
  const known = [...fence.batchIds, ...ownBatchIds];
  const knownSeen = known.some((id) => walk.batchIds.has(id));
  // With no batch to see, the workspace must name itself, else an empty list proves nothing.
  const provablyEmpty = known.length === 0 && walk.endReached && fence.workspaceId !== null;
  return { clean: walk.whole && sameWorkspace, knownSeen: knownSeen || provablyEmpty };
}
