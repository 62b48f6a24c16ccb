import type { Billing } from '../core/billing.ts';
import { type Commitment, commitmentOf, isWithin } from '../core/budget.ts';
import { type Bounding, boundOf } from '../core/cost-bound.ts';
import type { Calibration } from '../core/estimate.ts';
import type { Job } from '../core/job.ts';
import { formatUsd, type MicroUsd } from '../core/money.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { openPriceList, type PriceList } from '../core/price-list.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import type { Shard } from '../core/shard.ts';
import { answeredCost } from './answered-cost.ts';
import { estimateJob } from './estimate-job.ts';
import type { Run } from './run.ts';
import { sizesOfShards } from './shard-sizes.ts';

/** Why something does not go out. */
export type Hold =
  | {
      readonly kind: 'over';
      readonly shard: Shard;
      /** How many of its requests would have gone out now. */
      readonly requests: number;
      /** The most that these may cost. */
      readonly bound: MicroUsd;
      readonly committed: Commitment;
    }
  /** Models without a price; null: requests that name none. */
  | { readonly kind: 'unpriced'; readonly shard: Shard; readonly models: readonly (string | null)[] };

/** The most that the job may cost: what `--max-usd` said last, else its job file. Null: no bound. */
export async function budgetOf(job: Job, store: Pick<JobStore, 'limitOf'>): Promise<MicroUsd | null> {
  return (await store.limitOf(job.id)) ?? job.spec.spending.maxMicroUsd;
}

/** Null: no bound, and then nothing of this costs anything. */
export async function openBudget(run: Run): Promise<Budget | null> {
  const max = await budgetOf(run.job, run.deps.store);
  return max === null ? null : new Budget(run, max);
}

/**
 * What one run may send. Only the holder of the job's lock sends, so that nothing goes out between a look and the send
 * that it allowed; a send that was cut off is out, whatever became of it.
 */
export class Budget {
  readonly prices: PriceList;
  readonly #run: Run;
  #max: MicroUsd;
  readonly #calibrations = new Map<string, Calibration>();
  readonly #bounds = new Map<number, MicroUsd | null>();
  readonly #sizes = new Map<number, RequestSizes>();
  /** As it was by these views, with what has gone out since. */
  #committed: { readonly views: readonly ShardView[]; commitment: Commitment | null } | null = null;
  #isTold = false;

  constructor(run: Run, max: MicroUsd) {
    this.#run = run;
    this.#max = max;
    this.prices = openPriceList(run.job.spec.spending.prices);
  }

  get max(): MicroUsd {
    return this.#max;
  }

  /**
   * Null: the shard may go out as a whole. Asked again with the very same views, these are not added up again: what has
   * gone out since must have been told by `sent`.
   */
  async holdOf(shard: Shard, views: readonly ShardView[], signal: AbortSignal): Promise<Hold | null> {
    await this.refresh();
    const bound = await this.boundOf(shard, signal);
    if (this.#committed?.views !== views)
      this.#committed = { views, commitment: await this.commitment(views, signal) };
    const committed = this.#committed.commitment;
    if (bound === null || committed === null) return this.unpriced(shard, views);
    if (isWithin(this.max, committed, bound)) return null;
    return { kind: 'over', shard, requests: shard.requests, bound, committed };
  }

  /** The shard has, or may have, become a batch. */
  async sent(shard: Shard, signal: AbortSignal): Promise<void> {
    const bound = await this.boundOf(shard, signal);
    const known = this.#committed;
    if (known === null || known.commitment === null) return;
    const { spent, reserved } = known.commitment;
    known.commitment = bound === null ? null : { spent, reserved: reserved + bound };
  }

  /** Another process may have built the same content from a job file with another budget meanwhile. */
  async refresh(): Promise<void> {
    this.#max = (await budgetOf(this.#run.job, this.#run.deps.store)) ?? this.#max;
  }

  async unpriced(shard: Shard, views: readonly ShardView[]): Promise<Hold> {
    const models = new Set<string | null>();
    for (const view of views) {
      for (const { model } of (await this.sizesOf(view.shard))?.classes ?? [])
        if (this.prices.priceOf(model, this.#now()) === null) models.add(model);
    }
    return { kind: 'unpriced', shard, models: [...models] };
  }

  /** What is spent and reserved by now. Null: some of it has no price. */
  async commitment(views: readonly ShardView[], signal: AbortSignal): Promise<Commitment | null> {
    const stakes = [];
    for (const { shard, cost } of views) {
      const { state, origin } = shard;
      const mayCost = state === 'live' || state === 'downloaded' || state === 'lost' || state === 'applied';
      const bound =
        mayCost && cost === null && origin !== 'reused' ? await this.boundOf(shard, signal) : null;
      stakes.push({ state, origin, cost, bound, answered: await this.#answered(shard, signal) });
    }
    const committed = commitmentOf(stakes);
    const unseen = await this.#unseen(views, signal);
    return committed === null || unseen === null
      ? null
      : { ...committed, reserved: committed.reserved + unseen };
  }

  /** What may have been paid beside the answers that count: the process that knew of it may be gone. */
  async #unseen(views: readonly ShardView[], signal: AbortSignal): Promise<MicroUsd | null> {
    const { store } = this.#run.deps;
    let sum = 0;
    for (const { shardId, most } of await store.unseenPayments(this.#run.job.id)) {
      const shard = views.find((view) => view.shard.id === shardId)?.shard;
      const micro = most ?? (shard === undefined ? 0 : await this.boundOf(shard, signal));
      if (micro === null) return null;
      sum += micro;
    }
    return sum;
  }

  /** The most that the shard may cost. Null: some of its requests have no price. */
  async boundOf(shard: Shard, signal: AbortSignal): Promise<MicroUsd | null> {
    const known = this.#bounds.get(shard.id);
    if (known !== undefined) return known;
    const sizes = await this.sizesOf(shard);
    const bound = sizes === null ? null : boundOf(sizes, await this.basisOf(shard, signal));
    this.#bounds.set(shard.id, bound);
    return bound;
  }

  /** What a bound of requests of this shard rests on. */
  async basisOf({ stage, route }: Pick<Shard, 'stage' | 'route'>, signal: AbortSignal): Promise<Bounding> {
    const calibration = await this.#calibrationOf(stage, signal);
    return { calibration, route, prices: this.prices, at: this.#now() };
  }

  async sizesOf(shard: Shard): Promise<RequestSizes | null> {
    if (!this.#sizes.has(shard.id)) {
      const { job, deps } = this.#run;
      const views = await deps.store.shards(job.id);
      for (const [id, sizes] of await sizesOfShards(job, views, deps)) this.#sizes.set(id, sizes);
    }
    return this.#sizes.get(shard.id) ?? null;
  }

  /** Asked for once a stage and a job: what was counted is kept with the estimate. */
  async #calibrationOf(stage: string, signal: AbortSignal): Promise<Calibration> {
    const known = this.#calibrations.get(stage) ?? (await this.#calibrate(stage, signal));
    this.#calibrations.set(stage, known);
    return known;
  }

  async #calibrate(stage: string, signal: AbortSignal): Promise<Calibration> {
    const { deps, job } = this.#run;
    const kept = await deps.store.estimateOf(job.id);
    const before = kept?.stages.find((one) => one.stage === stage)?.calibration;
    if (before !== undefined && before.counted > 0) return before;
    const estimate = await estimateJob(await deps.store.jobById(job.id), deps, signal);
    const calibration = estimate.stages.find((one) => one.stage === stage)?.calibration;
    if (calibration === undefined) throw new Error(`the estimate of ${job.jobId} has no stage ${stage}`);
    // What the job was submitted with stays, so that it can be compared with what it cost.
    const stages = kept?.stages.map((one) => (one.stage === stage ? { ...one, calibration } : one));
    await deps.store.keepEstimate(
      job.id,
      kept === null ? estimate : { ...kept, stages: stages ?? kept.stages },
    );
    return calibration;
  }

  async #answered(shard: Shard, signal: AbortSignal): Promise<MicroUsd> {
    if (shard.state !== 'built' || shard.route !== 'real_time') return 0;
    const cost = await answeredCost(this.#run, shard, await this.billingOf(shard));
    return cost ?? (await this.boundOf(shard, signal)) ?? 0;
  }

  /** What answers of this shard are priced by. */
  async billingOf(shard: Shard): Promise<Billing> {
    const fallbackModel = (await this.sizesOf(shard))?.classes[0]?.model ?? null;
    return { route: shard.route, at: this.#now(), prices: this.prices, fallbackModel };
  }

  /** That the run waits for room, the first time. */
  tellOnce(hold: Hold): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const { number, route } = hold.shard;
    const text =
      hold.kind === 'unpriced'
        ? `shard ${number} is not sent: some of what it asks for has no price`
        : `${route === 'batch' ? `shard ${number} waits` : 'nothing more is asked for now'}: it may cost up to ${formatUsd(hold.bound)}; of the limit of ${formatUsd(this.max)} ${formatUsd(hold.committed.spent)} is spent, and ${formatUsd(hold.committed.reserved)} reserved for what is out`;
    this.#run.deps.report({ kind: 'notice', text });
  }

  #now(): string {
    return this.#run.deps.clock.now().toISOString();
  }
}
