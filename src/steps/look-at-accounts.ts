import { backoffMs, POLL_BACKOFF, pollIntervalMs } from '../core/backoff.ts';
import { hasEnded } from '../core/batch.ts';
import { isKnownError, type KnownError, ProviderError, type UsageError } from '../core/errors.ts';
import { isEmulatorAccount, isFinal, type Job } from '../core/job.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Deps, LocalDeps } from './deps.ts';
import { askOneByOne, openBatches } from './poll-batches.ts';
import { pollBudgetOf } from './poll-budget.ts';
import { EMULATOR_INTERVAL_MS } from './schedule.ts';
import { seeBatches } from './see-batches.ts';
import { createServerTime, type ServerTime } from './server-time.ts';
import { walkBatches } from './walk-batches.ts';

/** A job to look at. */
export interface Watched {
  readonly job: Job;
  /** Null: all of the job. */
  readonly batchId: string | null;
}

/** What it takes to talk to the API of a job. @throws AuthError without a key, UsageError when the job belongs elsewhere */
export type Connect = (job: Job) => Promise<Deps>;

/** An account with jobs on it: one listing serves all of them. */
export interface Account {
  deps: Deps | null;
  time: ServerTime;
  dueMs: number;
  failedLooks: number;
  trouble: KnownError | null;
  /** Its jobs belong to another API: asking again does not help. */
  isForeign: boolean;
}

/** A listing would tell something new of it. */
export function isOpen(
  { job, view }: { readonly job: Job; readonly view: ShardView },
  accounts: ReadonlyMap<string, Account>,
): boolean {
  if (view.shard.state !== 'live' || view.batch === null || hasEnded(view.batch)) return false;
  return accounts.get(job.account?.baseUrl ?? '')?.isForeign !== true;
}

export function isWanted({ batch }: ShardView, batchId: string | null): boolean {
  return batchId === null || batch?.id === batchId;
}

/**
 * One listing for each account that has an open batch and is due. It takes in what the API says and decides nothing. What
 * passes is kept as the account's trouble, and the account is asked again later and later.
 *
 * @throws AuthError, and what the API refuses for good.
 */
export async function lookAtAccounts(
  watched: readonly Watched[],
  accounts: Map<string, Account>,
  intervalMs: number | null,
  deps: Pick<LocalDeps, 'store' | 'clock'> & { readonly connect: Connect },
  signal: AbortSignal,
): Promise<void> {
  const byAccount = new Map<string, { job: Job; views: readonly ShardView[] }[]>();
  for (const { job, batchId } of watched) {
    if (job.account === null || isFinal(job.state)) continue;
    const views = (await deps.store.shards(job.id)).filter(
      (view) => isWanted(view, batchId) && isOpen({ job, view }, accounts),
    );
    if (views.length === 0) continue;
    const { baseUrl } = job.account;
    byAccount.set(baseUrl, [...(byAccount.get(baseUrl) ?? []), { job, views }]);
  }
  for (const [baseUrl, jobs] of byAccount) {
    const account = accounts.get(baseUrl) ?? newAccount(deps);
    accounts.set(baseUrl, account);
    if (deps.clock.monotonicMs() >= account.dueMs)
      await lookAtAccount(account, jobs, intervalMs, deps, signal);
  }
}

function newAccount({ clock }: Pick<LocalDeps, 'clock'>): Account {
  return {
    deps: null,
    time: createServerTime(clock),
    dueMs: Number.NEGATIVE_INFINITY,
    failedLooks: 0,
    trouble: null,
    isForeign: false,
  };
}

async function lookAtAccount(
  account: Account,
  jobs: readonly { readonly job: Job; readonly views: readonly ShardView[] }[],
  intervalMs: number | null,
  { clock, connect }: Pick<LocalDeps, 'clock'> & { readonly connect: Connect },
  signal: AbortSignal,
): Promise<void> {
  const [first] = jobs;
  if (first === undefined) return;
  try {
    account.deps ??= await connect(first.job);
    const budget = pollBudgetOf(account.deps);
    const all = jobs.flatMap(({ views }) => openBatches(views));
    const firstMs = budget.firstLookMs(all.map(({ id }) => id));
    if (firstMs > clock.monotonicMs()) {
      account.dueMs = firstMs;
      return;
    }
    budget.beginLook();
    // What one batch's answer would have us say is seen in the store and shown in its line.
    const provider = budget.counted(account.deps.provider);
    const deps = { ...account.deps, provider, report: () => undefined };
    const shared = { deps, heads: new Map(), time: account.time, settleMs: Number.POSITIVE_INFINITY };
    const run = { ...shared, job: first.job };
    const walk = await walkBatches(run, null, signal);
    const shown = await seeBatches(run, all, walk, budget, signal);
    const asked = jobs.flatMap(({ job, views }) => views.map((view) => ({ run: { ...shared, job }, view })));
    await askOneByOne(asked, shown, budget, signal);
    account.failedLooks = 0;
    account.trouble = null;
    const dueMs = clock.monotonicMs() + (intervalMs ?? grownIntervalMs(account, deps, jobs));
    account.dueMs = Math.max(dueMs, budget.nextLookMs());
  } catch (error) {
    signal.throwIfAborted();
    if (isForeignAccount(error)) {
      account.isForeign = true;
      account.trouble = error;
      return;
    }
    if (!(error instanceof ProviderError) || !error.retryable) throw error;
    account.failedLooks += 1;
    account.trouble = error;
    const waitMs = backoffMs(POLL_BACKOFF, account.failedLooks, clock.random(), error.retryAfterMs);
    const roomMs = account.deps === null ? 0 : pollBudgetOf(account.deps).nextLookMs();
    account.dueMs = Math.max(clock.monotonicMs() + waitMs, roomMs);
  }
}

function isForeignAccount(error: unknown): error is UsageError {
  return isKnownError(error) && error.code === 'other_account';
}

function grownIntervalMs(
  { time }: Account,
  { clock, provider }: Deps,
  jobs: readonly { readonly views: readonly ShardView[] }[],
): number {
  if (isEmulatorAccount(provider.account)) return EMULATOR_INTERVAL_MS;
  const created = jobs.flatMap(({ views }) => views.map((view) => Date.parse(view.batch?.createdAt ?? '')));
  return pollIntervalMs(time.nowMs() - Math.max(...created, 0), clock.random());
}
