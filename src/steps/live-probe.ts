import { type Batch, hasEnded } from '../core/batch.ts';
import type { LiveAnswer, LiveBatch, LiveRecord } from '../core/live-record.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { BatchProvider, CreateOutcome } from '../core/ports/provider.ts';
import { BODY_HEAD, BODY_TAIL } from '../core/shard.ts';
import { createServerTime, type ServerTime } from './server-time.ts';

export interface LiveDeps {
  readonly provider: BatchProvider;
  readonly clock: Clock;
  /** Writes the record down, fsynced, before it returns. */
  readonly keep: (record: LiveRecord) => void;
  readonly say: (text: string) => void;
}

/** The run has failed, or was interrupted, and waits no longer than this for each cancel. */
const LAST_CALL_MS = 5_000;

/** What a batch of one question is to be. */
export interface ProbeBatch {
  readonly probe: string;
  readonly requests: number;
  /** Of each request; without it one that the API takes, of a few tokens. */
  readonly params?: unknown;
  /** Awaited while the last two bytes are held back; it throws to keep them back for good. */
  readonly beforeTail?: () => Promise<void>;
}

/** One call of `doctor --live`: its record, and what every question needs. */
export class LiveProbe {
  readonly provider: BatchProvider;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly time: ServerTime;
  readonly say: LiveDeps['say'];
  readonly #keep: LiveDeps['keep'];
  #record: LiveRecord;

  constructor(record: LiveRecord, { provider, clock, keep, say }: LiveDeps, signal: AbortSignal) {
    this.provider = provider;
    this.clock = clock;
    this.signal = signal;
    this.time = createServerTime(clock);
    this.say = say;
    this.#keep = keep;
    this.#record = record;
    keep(record);
  }

  get record(): LiveRecord {
    return this.#record;
  }

  change(change: Partial<LiveRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#keep(this.#record);
  }

  /** Asks one question and writes its answer down with how long it took. */
  async ask(
    probe: string,
    question: string,
    look: () => Promise<Pick<LiveAnswer, 'answer' | 'detail' | 'as_assumed'>>,
  ): Promise<void> {
    this.say(`${probe}: ${question}`);
    const startedMs = this.clock.monotonicMs();
    const found = await look();
    const seconds = Math.round((this.clock.monotonicMs() - startedMs) / 100) / 10;
    this.change({ answers: [...this.#record.answers, { probe, question, ...found, seconds }] });
  }

  notAsked(probe: string, question: string, detail: string): void {
    const answer = { probe, question, answer: null, detail, as_assumed: null, seconds: 0 };
    this.change({ answers: [...this.#record.answers, answer] });
  }

  /** One POST, which stands in the record before it. Null: the last two bytes were kept back. */
  async create({ probe, requests, params, beforeTail }: ProbeBatch): Promise<CreateOutcome | null> {
    const id = [...this.clock.randomBytes(4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const prefix = `batchctl-live-${id}`;
    const index = this.#record.batches.length;
    const set = (change: Partial<LiveBatch>): void =>
      this.change({
        batches: this.#record.batches.map((one, at) => (at === index ? { ...one, ...change } : one)),
      });
    const intent: LiveBatch = { probe, prefix, requests, state: 'intent', batch_id: null };
    this.change({ batches: [...this.#record.batches, intent] });
    const lines = Array.from({ length: requests }, (_, n) =>
      JSON.stringify({ custom_id: `${prefix}-${n + 1}`, params: params ?? this.#smallParams() }),
    );
    const head = Buffer.from(BODY_HEAD + lines.join(','));
    try {
      const outcome = await this.provider.createBatch(
        {
          apiVersion: this.#record.api_version,
          requests,
          bodyBytes: head.length + BODY_TAIL.length,
          head: async function* () {
            yield head;
          },
          beforeTail: async () => {
            await beforeTail?.();
            return () => true;
          },
          onProgress: () => undefined,
        },
        this.signal,
      );
      if (outcome.kind === 'created') set({ state: 'created', batch_id: outcome.batch.id });
      else if (outcome.kind === 'not_created') set({ state: 'none' });
      else set({ state: 'in_doubt', batch_id: outcome.batch?.id ?? null });
      return outcome;
    } catch (error) {
      // Thrown before the tail alone.
      set({ state: 'none' });
      if (error instanceof TailKept) return null;
      throw error;
    }
  }

  #smallParams(): unknown {
    return { model: this.#record.model, max_tokens: 1, messages: [{ role: 'user', content: 'Say ok.' }] };
  }

  async cancel(id: string): Promise<void> {
    await this.provider.cancelBatch(id, this.signal);
  }

  /** As far as it can be done now; what fails is found by the next call. */
  async cancelLeft(): Promise<void> {
    for (const { state, batch_id } of this.#record.batches) {
      if (state !== 'created' || batch_id === null) continue;
      await this.provider.cancelBatch(batch_id, AbortSignal.timeout(LAST_CALL_MS)).catch(() => undefined);
    }
  }

  /** Waits for its end, and writes that down; null when it takes longer. */
  async untilEnded(id: string, withinMs: number, onLook: (batch: Batch) => void): Promise<Batch | null> {
    const startedMs = this.clock.monotonicMs();
    for (let waitMs = 200; ; waitMs = Math.min(waitMs * 1.5, 5_000)) {
      const { batch, stamp } = await this.provider.retrieveBatch(id, this.signal);
      this.time.note(stamp);
      onLook(batch);
      if (hasEnded(batch)) {
        const batches = this.#record.batches;
        this.change({
          batches: batches.map((one) => (one.batch_id === id ? { ...one, state: 'ended' } : one)),
        });
        return batch;
      }
      if (this.clock.monotonicMs() - startedMs > withinMs) return null;
      await this.clock.sleep(waitMs, this.signal);
      this.signal.throwIfAborted();
    }
  }
}

/** Thrown to keep the last two bytes of a create back. */
export class TailKept extends Error {}
