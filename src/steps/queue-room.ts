import { backoffMs } from '../core/backoff.ts';
import { type AuthError, ProviderError } from '../core/errors.ts';
import { isEmulatorAccount } from '../core/job.ts';
import {
  EMULATOR_QUEUE_RULE,
  findWait,
  latestRefusal,
  type OtherBatch,
  QUEUE_RULE,
  type QueueRefusal,
  type QueueRule,
  type QueueWait,
  type RoomTaker,
  refusedAbout,
  takersOf,
  timesRefused,
} from '../core/queue.ts';
import type { Shard } from '../core/shard.ts';
import type { Run } from './run.ts';

/** A shard that is not sent now, and why. */
export interface Waiting {
  readonly shard: Shard;
  readonly wait: QueueWait;
}

interface Facts {
  /** Requests in flight, of all jobs. */
  inFlight: number;
  others: readonly OtherBatch[];
  readonly takers: readonly RoomTaker[];
  readonly refusal: QueueRefusal | null;
  /** Of the store when they were read, and our seals since. */
  serial: number;
}

/**
 * What one run knows of the room in the account's queue: what is in flight there of all jobs of this store, the limit that
 * the user set, and what the API has refused. It is counted anew when somebody else has sealed something, and where it is
 * said that a look may have changed it.
 */
export class QueueRoom {
  /** `--max-in-flight`; null: as much as the API takes. */
  readonly limit: number | null;
  readonly #run: Run;
  readonly #rule: QueueRule;
  #facts: Facts | null = null;
  /** Of this run; the store keeps those whose tail had left. */
  #refusal: QueueRefusal | null = null;
  /** When the queue last took more than it had refused before. */
  #takenMs = Number.NEGATIVE_INFINITY;
  readonly #gone = new Set<string>();

  constructor(run: Run, limit: number | null) {
    this.#run = run;
    this.limit = limit;
    this.#rule = isEmulatorAccount(run.deps.provider.account) ? EMULATOR_QUEUE_RULE : QUEUE_RULE;
  }

  /** Null: the shard may go. */
  async findWait({ requests }: Shard): Promise<QueueWait | null> {
    const facts = await this.#read();
    const nowMs = this.#run.time.nowMs();
    const { leastMs } = this.#rule;
    return findWait(requests, facts.inFlight, {
      limit: this.limit,
      refusal: this.#latest(facts),
      nowMs,
      leastMs,
    });
  }

  /** What is known may have changed: batches have been looked at. */
  forget(): void {
    this.#facts = null;
  }

  /** Batches of other jobs that fill the queue, as the store has them. */
  async others(): Promise<readonly OtherBatch[]> {
    return (await this.#read()).others;
  }

  /** Other jobs that have requests in flight. */
  async takers(): Promise<readonly RoomTaker[]> {
    return (await this.#read()).takers;
  }

  /** The API does not know the batch of another job: it was deleted, which it can be once it has ended. */
  gone(id: string): void {
    this.#gone.add(id);
    this.forget();
  }

  /** The shard is sealed, and its batch was made, or may have been. */
  async sent({ requests }: Shard): Promise<void> {
    const facts = this.#facts ?? (await this.#read());
    const refusal = this.#latest(facts);
    facts.serial += 1;
    facts.inFlight += requests;
    if (refusal !== null && facts.inFlight > refusal.inFlight) this.#takenMs = this.#run.time.nowMs();
  }

  /**
   * A create met a 429. Null: nothing of ours was in the queue, so that it was not we who filled it, and no batch of ours can
   * make room.
   */
  async refused(error: ProviderError | AuthError): Promise<QueueRefusal | null> {
    const { time, deps } = this.#run;
    // As it was before the create, whose own seal is in the store by now.
    const facts = this.#facts ?? (await this.#read());
    if (facts.inFlight === 0) return null;
    const nowMs = time.nowMs();
    const times = timesRefused(this.#latest(facts), nowMs);
    const retryAfterMs = error instanceof ProviderError ? error.retryAfterMs : null;
    this.#refusal = {
      atMs: nowMs,
      inFlight: facts.inFlight,
      pauseMs: backoffMs(this.#rule.backoff, times, deps.clock.random(), retryAfterMs),
      times,
      about: refusedAbout(error.why ?? '', retryAfterMs, times),
    };
    return this.#refusal;
  }

  async #read(): Promise<Facts> {
    const { job, time, deps } = this.#run;
    const { serial } = await deps.store.standing(job.id);
    if (this.#facts?.serial === serial) return this.#facts;
    const { inFlight, refusal } = await deps.store.queueOf(deps.provider.account, job.id, time.nowMs());
    const others = inFlight.others.filter(({ id }) => !this.#gone.has(id));
    const takers = takersOf({ ...inFlight, others });
    const sum = takers.reduce((all, { requests }) => all + requests, inFlight.own);
    this.#facts = { inFlight: sum, others, takers, refusal, serial };
    return this.#facts;
  }

  #latest({ refusal }: Facts): QueueRefusal | null {
    const nowMs = this.#run.time.nowMs();
    return latestRefusal([refusal, this.#refusal], { nowMs, takenMs: this.#takenMs });
  }
}
