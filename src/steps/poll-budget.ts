import { type Account, isEmulatorAccount } from '../core/job.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { BatchProvider } from '../core/ports/provider.ts';
import type { Deps } from './deps.ts';

/**
 * What looking at batches may cost an account in any minute, whatever the interval and however many jobs look. The API
 * allows 1,000 to 4,000 calls a minute by tier, all batch endpoints and all programs of the account together (rate limits
 * page): a hundredth of that leaves it to those who send.
 */
const CALLS_A_MINUTE = 10;
const MINUTE_MS = 60_000;
/** A call for one batch, and one for the workspace where it is not found. */
const CALLS_A_BATCH = 2;

/** The budgets of one process, by base URL. */
export type PollBudgets = Map<string, PollBudget>;

/** Of the account that these adapters talk to. */
export function pollBudgetOf({
  polls,
  provider,
  clock,
}: Pick<Deps, 'polls' | 'provider' | 'clock'>): PollBudget {
  const { account } = provider;
  const known = polls.get(account.baseUrl);
  if (known !== undefined) return known;
  const budget = new PollBudget(account, clock);
  polls.set(account.baseUrl, budget);
  return budget;
}

interface Look {
  readonly atMs: number;
  calls: number;
  isShort: boolean;
  seen: ReadonlySet<string>;
}

/**
 * Counts the calls by which one process sees how the batches of one account stand, and says when it may make more. All
 * times are this machine's monotonic ones. Creates, the fences before them and downloads are not counted; the listings that
 * settle a doubt are, but they are never put off, because their times are evidence.
 *
 * An emulator has no limit to keep, and its batches last seconds.
 */
export class PollBudget {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #perMinute: number;
  /** Of the last minute, in order. */
  #callsAtMs: number[] = [];
  #look: Look | null = null;
  readonly #askedAtMs = new Map<string, number>();

  constructor(account: Pick<Account, 'baseUrl'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#perMinute = isEmulatorAccount(account) ? Number.POSITIVE_INFINITY : CALLS_A_MINUTE;
  }

  /** How many calls there is room for now. */
  left(): number {
    return this.#perMinute - this.#recent().length;
  }

  /**
   * When a first look at these batches may begin: at once, but for a full minute, or a look at all of them a moment ago, which
   * the store has taken in.
   */
  firstLookMs(batchIds: readonly string[]): number {
    const roomMs = this.#roomMs(1);
    const look = this.#look;
    const isSeen = look !== null && batchIds.every((id) => look.seen.has(id));
    return isSeen ? Math.max(roomMs, look.atMs + this.#spacingMs()) : roomMs;
  }

  /**
   * When the next of several looks may begin: so much later as the last one cost, so that they come evenly, and not before it
   * may cost as much again. Looks of a single call each would otherwise use up the room that a long one needs.
   */
  nextLookMs(): number {
    if (this.#look === null) return this.#clock.monotonicMs();
    const { atMs, calls, isShort } = this.#look;
    const needed = isShort ? this.#perMinute : Math.min(this.#perMinute, Math.max(1, calls));
    return Math.max(atMs + this.#spacingMs() * Math.max(1, calls), this.#roomMs(needed));
  }

  /** From here on what `counted` is asked for belongs to a new look. */
  beginLook(): void {
    this.#look = { atMs: this.#clock.monotonicMs(), calls: 0, isShort: false, seen: new Set() };
  }

  /**
   * Those first that were asked for one by one longest ago, or never; as many as there are calls for when their turn comes.
   * What is left out has its turn with a later look.
   */
  *turns<T>(items: readonly T[], idOf: (item: T) => string): Generator<T> {
    const askedAt = (item: T): number => this.#askedAtMs.get(idOf(item)) ?? Number.NEGATIVE_INFINITY;
    // Two that were never asked for differ by NaN.
    for (const item of [...items].sort((a, b) => askedAt(a) - askedAt(b) || 0)) {
      if (this.left() < CALLS_A_BATCH) return this.fallShort();
      yield item;
    }
  }

  /** The look had no calls left for some of what it was to show. */
  fallShort(): void {
    if (this.#look !== null) this.#look.isShort = true;
  }

  /** What the look has shown, and the store has taken in. */
  seen(batchIds: ReadonlySet<string>): void {
    if (this.#look !== null) this.#look.seen = batchIds;
  }

  /** The same provider, with each call counted that may be part of a look. */
  counted(provider: BatchProvider): BatchProvider {
    return {
      ...provider,
      listBatches: (page, signal) => {
        this.#count();
        return provider.listBatches(page, signal);
      },
      retrieveBatch: (id, signal) => {
        this.#count();
        this.#askedAtMs.set(id, this.#clock.monotonicMs());
        return provider.retrieveBatch(id, signal);
      },
    };
  }

  #count(): void {
    this.#callsAtMs.push(this.#clock.monotonicMs());
    if (this.#look !== null) this.#look.calls += 1;
  }

  /** When there is room for so many calls. */
  #roomMs(calls: number): number {
    const recent = this.#recent();
    // The latest of those that have to be a minute old by then.
    const last = recent[recent.length - 1 - (this.#perMinute - calls)];
    return last === undefined ? this.#clock.monotonicMs() : last + MINUTE_MS;
  }

  #spacingMs(): number {
    return MINUTE_MS / this.#perMinute;
  }

  #recent(): readonly number[] {
    const sinceMs = this.#clock.monotonicMs() - MINUTE_MS;
    this.#callsAtMs = this.#callsAtMs.filter((atMs) => atMs > sinceMs);
    return this.#callsAtMs;
  }
}
