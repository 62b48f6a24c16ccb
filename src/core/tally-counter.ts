import type { Judgement } from './judge.ts';
import { addUsage, type FailureClass, NO_USAGE, type Tally, type TokenUsage } from './result.ts';

/** Totals of one shard while its rows go by. */
export class TallyCounter {
  readonly #statuses = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  readonly #failures: Partial<Record<FailureClass, number>> = {};
  #usage: TokenUsage = NO_USAGE;

  /** Tokens count where they were paid, whether or not the row has gone out again since. */
  add(
    { status, failure, usage }: Pick<Judgement, 'status' | 'failure' | 'usage'>,
    { isCurrent, isPaid }: { readonly isCurrent: boolean; readonly isPaid: boolean },
  ): void {
    if (usage !== null && isPaid) this.#usage = addUsage(this.#usage, usage);
    if (!isCurrent) return;
    this.#statuses[status] += 1;
    if (failure !== null) this.#failures[failure] = (this.#failures[failure] ?? 0) + 1;
  }

  total(missing: number): Tally {
    const { succeeded, errored, canceled, expired } = this.#statuses;
    return {
      requests: succeeded + errored + canceled + expired + missing,
      ...this.#statuses,
      missing,
      failures: missing === 0 ? { ...this.#failures } : { ...this.#failures, missing },
      usage: this.#usage,
    };
  }
}
