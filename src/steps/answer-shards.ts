import { erroredLine, succeededLine } from '../core/answer-line.ts';
import type { AnswerOptions } from '../core/answering.ts';
import { admit, type Pace, pause, settle, startPace } from '../core/pace.ts';
import type { MessageOutcome } from '../core/ports/provider.ts';
import { type RequestLine, tokensAtMost } from '../core/request-line.ts';
import type { Shard } from '../core/shard.ts';
import { type AnswerBudget, openAnswerBudget } from './answer-budget.ts';
import { answerError, manyFailures } from './answer-errors.ts';
import { type Answers, openAnswers } from './answers.ts';
import type { Budget, Hold } from './budget.ts';
import { isHeldBack, readGate } from './first-shards.ts';
import type { Run } from './run.ts';

/** So many failures that may pass, one after another and each after its repeats, are an outage and not bad luck. */
const FAILURES_IN_A_ROW = 20;

const TICK_MS = 1_000;
/** A rate says little before. */
const RATE_AFTER_MS = 5_000;

interface Question extends RequestLine {
  readonly answers: Answers;
}

/**
 * Asks every request without an answer of the job's shards of route `real_time` and records each shard once it is whole.
 * What an answer looks like on disk is what a batch would have brought, so the rest of the way is the same. A run that
 * was killed asks again only what was under way. Stops early, without an error, when the job is canceled meanwhile, after
 * its longest time, or at the end of the budget.
 *
 * The caller holds the job's lock.
 *
 * @returns what the budget holds back; null when it does not.
 * @throws AuthError, DecisionError, ProviderError when asking on makes no sense; what was answered is kept.
 */
export async function answerShards(
  run: Run,
  options: AnswerOptions,
  budget: Budget | null,
  signal: AbortSignal,
): Promise<Hold | null> {
  const views = await run.deps.store.shards(run.job.id);
  const gate = await readGate(run.job.id, views, run.deps.store);
  const shards = views
    .filter((view) => !isHeldBack(view, gate))
    .map((view) => view.shard)
    .filter((shard) => shard.route === 'real_time' && shard.state === 'built');
  if (shards.length === 0) return null;
  const room = await openAnswerBudget(run, budget, shards, signal);
  if ('kind' in room) return room;
  return new Answering(run, shards, options, room, signal).run();
}

/** One call of the above. */
class Answering {
  readonly #run: Run;
  readonly #shards: readonly Shard[];
  readonly #options: AnswerOptions;
  readonly #room: AnswerBudget;
  readonly #signal: AbortSignal;
  /** No request is begun any more; those under way are waited for. */
  readonly #halt = new AbortController();
  readonly #open = new Set<Answers>();
  /** Failures that may pass and came one after another. They become rows only once something else is answered. */
  #failures: { readonly question: Question; readonly line: string }[] = [];
  #error: unknown = null;
  #hold: Hold | null = null;
  #pace: Pace;
  #underWay = 0;
  #recorded = 0;
  #atStart = 0;
  readonly #startedMs: number;
  readonly #requests: number;

  constructor(
    run: Run,
    shards: readonly Shard[],
    options: AnswerOptions,
    room: AnswerBudget,
    signal: AbortSignal,
  ) {
    this.#run = run;
    this.#room = room;
    this.#shards = shards;
    this.#options = options;
    this.#signal = signal;
    this.#startedMs = run.deps.clock.monotonicMs();
    this.#pace = startPace(options, this.#startedMs);
    this.#requests = shards.reduce((sum, shard) => sum + shard.requests, 0);
  }

  async run(): Promise<Hold | null> {
    const stopTicks = new AbortController();
    const ticks = this.#tick(stopTicks.signal);
    const onAbort = (): void => this.#halt.abort();
    this.#signal.addEventListener('abort', onAbort);
    const queue = this.#questions();
    try {
      await Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#work(queue)));
      this.#signal.throwIfAborted();
      if (this.#error !== null) throw this.#error;
      await this.#writeFailures();
      this.#report();
      return this.#hold;
    } finally {
      await queue.return(undefined);
      this.#signal.removeEventListener('abort', onAbort);
      stopTicks.abort();
      await ticks;
      for (const answers of this.#open) answers.close();
    }
  }

  /** Over all shards, so that a job of many small groups is asked as fast as one of a single shard. */
  async *#questions(): AsyncGenerator<Question> {
    for (const shard of this.#shards) {
      const answers = await openAnswers(this.#run.job, shard, this.#run.deps);
      this.#open.add(answers);
      this.#atStart += answers.count;
      for await (const request of answers.unanswered()) yield { ...request, answers };
      // Where an earlier run was killed between the last answer and the record.
      await this.#recordIfWhole(answers);
    }
  }

  async #work(queue: AsyncGenerator<Question>): Promise<void> {
    try {
      while (!this.#halt.signal.aborted) {
        const next = await queue.next();
        if (next.done === true || this.#halt.signal.aborted) return;
        await this.#ask(next.value);
      }
    } catch (error) {
      this.#stop(error);
    }
  }

  /** The first one tells why. */
  #stop(error: unknown): void {
    this.#error ??= error;
    this.#halt.abort();
  }

  async #ask(question: Question): Promise<void> {
    const { job, deps } = this.#run;
    const { apiVersion, betas } = job.spec;
    const tokens = this.#options.tokensPerMinute === null ? 0 : tokensAtMost(question.paramsJson);
    let reserved = 0;
    this.#underWay += 1;
    try {
      const outcome = await this.#room.sendMessage(
        question.answers.shard,
        {
          paramsJson: question.paramsJson,
          apiVersion,
          betas,
          admit: async () => {
            if (await this.#admit(tokens)) reserved += tokens;
          },
          onPause: (ms) => this.#pauseAll(ms),
          onHold: (hold) => {
            this.#hold ??= hold;
            this.#halt.abort();
          },
          halt: this.#halt.signal,
        },
        this.#signal,
      );
      const used = outcome.kind === 'answered' && tokens > 0 ? outcome.tokens : 0;
      this.#pace = settle(this.#pace, reserved, used, deps.clock.monotonicMs());
      await this.#take(question, outcome);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** False when it was ended by a halt. */
  async #admit(tokens: number): Promise<boolean> {
    const { clock } = this.#run.deps;
    while (!this.#halt.signal.aborted) {
      const { pace, waitMs } = admit(this.#pace, tokens, clock.monotonicMs());
      this.#pace = pace;
      if (waitMs === 0) return true;
      await clock.sleep(waitMs, this.#halt.signal);
    }
    return false;
  }

  #pauseAll(ms: number): void {
    const { clock, report } = this.#run.deps;
    const nowMs = clock.monotonicMs();
    const leftMs = this.#pace.pausedUntilMs - nowMs;
    this.#pace = pause(this.#pace, ms, nowMs);
    if (leftMs <= 0) report({ kind: 'waiting', why: 'the API asks for a pause', ms });
  }

  async #take(question: Question, outcome: MessageOutcome): Promise<void> {
    switch (outcome.kind) {
      case 'answered':
        await this.#writeFailures();
        await this.#write(question, succeededLine(question.wireId, outcome.messageJson));
        return;
      case 'withheld':
        return;
      case 'unreachable':
        this.#stop(answerError(this.#run.job, outcome));
        return;
      case 'refused': {
        const line = erroredLine(question.wireId, outcome.envelopeJson);
        if (outcome.refusal === 'request') {
          await this.#writeFailures();
          await this.#write(question, line);
        } else if (outcome.refusal === 'passing') this.#noteFailure(question, line, outcome.error);
        else this.#stop(answerError(this.#run.job, outcome));
        return;
      }
      default:
        outcome satisfies never;
    }
  }

  #noteFailure(question: Question, line: string, error: Error): void {
    this.#failures.push({ question, line });
    if (this.#failures.length < FAILURES_IN_A_ROW) return;
    this.#failures = [];
    this.#stop(manyFailures(this.#run.job, FAILURES_IN_A_ROW, error));
  }

  async #writeFailures(): Promise<void> {
    const failures = this.#failures;
    this.#failures = [];
    for (const { question, line } of failures) await this.#write(question, line);
  }

  async #write({ answers, seq }: Question, line: string): Promise<void> {
    answers.write(seq, line);
    await this.#recordIfWhole(answers);
  }

  async #recordIfWhole(answers: Answers): Promise<void> {
    if (!answers.isComplete || !this.#open.delete(answers)) return;
    this.#recorded += answers.count;
    try {
      await answers.record();
    } finally {
      answers.close();
    }
  }

  /** Once a second: what came is made safe, another process's cancel is heard, and the user sees how far it is. */
  async #tick(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#run.deps;
    while (!signal.aborted) {
      try {
        this.#report();
        for (const answers of this.#open) answers.sync();
        const { jobId, cancelRequestedAt } = await store.jobById(this.#run.job.id);
        if (cancelRequestedAt !== null) this.#haltQuietly(`job ${jobId} was canceled`);
        else if (
          clock.monotonicMs() - this.#startedMs >=
          (this.#options.longestMs ?? Number.POSITIVE_INFINITY)
        )
          this.#haltQuietly('the longest wait is over');
      } catch (error) {
        this.#stop(error);
        return;
      }
      await clock.sleep(TICK_MS, signal);
    }
  }

  /** Without an error: what is under way is still taken in. */
  #haltQuietly(why: string): void {
    if (this.#halt.signal.aborted) return;
    this.#halt.abort();
    const text = `${why}: nothing more is asked; what is under way is waited for`;
    this.#run.deps.report({ kind: 'notice', text });
  }

  #report(): void {
    const { clock, report } = this.#run.deps;
    const nowMs = clock.monotonicMs();
    const elapsedMs = nowMs - this.#startedMs;
    const answered = [...this.#open].reduce((sum, answers) => sum + answers.count, this.#recorded);
    report({
      kind: 'answering',
      answered,
      requests: this.#requests,
      perMinute: elapsedMs < RATE_AFTER_MS ? null : ((answered - this.#atStart) * 60_000) / elapsedMs,
      underWay: this.#underWay,
      pausedMs: Math.max(0, this.#pace.pausedUntilMs - nowMs),
    });
  }
}
