import { type Commitment, isWithin } from '../core/budget.ts';
import { type Bounding, boundOfRequest } from '../core/cost-bound.ts';
import { judgeResult } from '../core/judge.ts';
import type { MicroUsd } from '../core/money.ts';
import type { MessageCall, MessageOutcome } from '../core/ports/provider.ts';
import type { Shard } from '../core/shard.ts';
import type { SpentCounter } from '../core/spent-counter.ts';
import { sumSpent } from '../core/spent-sum.ts';
import { countAnswered } from './answered-cost.ts';
import type { Budget, Hold } from './budget.ts';
import type { Deps } from './deps.ts';
import type { Run } from './run.ts';

/** A call that the budget may hold back: it is `withheld` then, once `onHold` has aborted `halt`. */
export interface BudgetedCall extends MessageCall {
  readonly onHold: (hold: Hold) => void;
}

/** Asks one by one, and never for more than the budget has room for. */
export interface AnswerBudget {
  /**
   * As the provider's. Before each POST it takes room for the most that this may cost, and waits for it where those under
   * way may leave some; what was paid takes its place once the answer is there.
   */
  sendMessage(shard: Shard, call: BudgetedCall, signal: AbortSignal): Promise<MessageOutcome>;
}

interface Asked {
  readonly basis: Bounding;
  readonly counter: SpentCounter;
  spent: MicroUsd;
}

/** `budget` null: there is room for everything. A hold when some of what was spent, or is to be asked, has no price. */
export async function openAnswerBudget(
  run: Run,
  budget: Budget | null,
  shards: readonly Shard[],
  signal: AbortSignal,
): Promise<AnswerBudget | Hold> {
  const { provider } = run.deps;
  if (budget === null) return { sendMessage: (_shard, call, within) => provider.sendMessage(call, within) };
  await budget.refresh();
  const ids = new Set(shards.map((shard) => shard.id));
  const views = await run.deps.store.shards(run.job.id);
  const others = await budget.commitment(
    views.filter((view) => !ids.has(view.shard.id)),
    signal,
  );
  const asked = new Map<number, Asked>();
  for (const shard of shards) {
    const counter = await countAnswered(run, shard, await budget.billingOf(shard));
    const bound = await budget.boundOf(shard, signal);
    if (bound === null || others === null) return budget.unpriced(shard, views);
    const spent = sumSpent(counter.lines()).cost ?? bound;
    asked.set(shard.id, { basis: await budget.basisOf(shard, signal), counter, spent });
  }
  return new Room(run.deps, budget, others ?? { spent: 0, reserved: 0 }, asked);
}

class Room implements AnswerBudget {
  readonly #deps: Pick<Deps, 'provider' | 'store'>;
  readonly #budget: Pick<Budget, 'max'>;
  readonly #others: Commitment;
  readonly #asked: ReadonlyMap<number, Asked>;
  #reserved = 0;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(
    deps: Pick<Deps, 'provider' | 'store'>,
    budget: Pick<Budget, 'max'>,
    others: Commitment,
    asked: ReadonlyMap<number, Asked>,
  ) {
    this.#deps = deps;
    this.#budget = budget;
    this.#others = others;
    this.#asked = asked;
  }

  async sendMessage(shard: Shard, call: BudgetedCall, signal: AbortSignal): Promise<MessageOutcome> {
    const asked = this.#asked.get(shard.id);
    const bound = asked === undefined ? null : boundOfRequest(call.paramsJson, asked.basis);
    if (asked === undefined || bound === null) throw new Error(`shard ${shard.number} has no bound`);
    let isReserved = false;
    const free = (paid: MicroUsd): void => {
      if (!isReserved) return;
      isReserved = false;
      this.#underWay -= 1;
      this.#reserved -= bound - paid;
      for (const wake of this.#waiting.splice(0)) wake();
    };
    const admit = async (): Promise<void> => {
      if (!isReserved) isReserved = await this.#reserve(shard, bound, call);
      await call.admit();
    };
    // Nobody knows whether it was paid, so its room stays taken, and a repeat needs room of its own.
    let lost: MicroUsd = 0;
    const onLost = (): void => {
      if (isReserved) lost += bound;
      free(bound);
    };
    try {
      const outcome = await this.#deps.provider.sendMessage({ ...call, admit, onLost }, signal);
      if (outcome.kind === 'answered') count(asked, outcome.messageJson, bound);
      return outcome;
    } finally {
      free(0);
      // For the runs after this one.
      if (lost > 0) await this.#deps.store.keepLostAnswer(shard.id, lost);
    }
  }

  /** False: nothing more is asked. */
  async #reserve(shard: Shard, bound: MicroUsd, { halt, onHold }: BudgetedCall): Promise<boolean> {
    while (!halt.aborted) {
      const committed = this.#committed();
      if (isWithin(this.#budget.max, committed, bound)) {
        this.#reserved += bound;
        this.#underWay += 1;
        return true;
      }
      if (this.#underWay === 0) {
        onHold({ kind: 'over', shard, requests: 1, bound, committed });
        return false;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return false;
  }

  #committed(): Commitment {
    let spent = this.#others.spent;
    for (const asked of this.#asked.values()) spent += asked.spent;
    return { spent, reserved: this.#others.reserved + this.#reserved };
  }
}

/** As applying the results will count it, so that roundings make no difference. */
function count(asked: Asked, messageJson: string, bound: MicroUsd): void {
  const message: unknown = JSON.parse(messageJson);
  asked.counter.add(judgeResult({ type: 'succeeded', message }));
  asked.spent = sumSpent(asked.counter.lines()).cost ?? asked.spent + bound;
}
