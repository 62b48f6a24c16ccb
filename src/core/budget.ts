import { MICRO, type MicroUsd } from './money.ts';
import type { RequestSizes } from './request-sizes.ts';
import type { Shard } from './shard.ts';

/** What a shard stands for in the budget of its job. */
export interface ShardStake extends Pick<Shard, 'state' | 'origin'> {
  /** What its answers cost; null until they are applied, and where some of them have no price. */
  readonly cost: MicroUsd | null;
  /** The most that it may cost; null: some of its requests have no price. */
  readonly bound: MicroUsd | null;
  /** Of a shard that is asked one by one: what its answers so far cost. */
  readonly answered: MicroUsd;
}

/** What a job has cost, and what may come on top of it whatever is done now. */
export interface Commitment {
  readonly spent: MicroUsd;
  readonly reserved: MicroUsd;
}

/**
 * Whatever may have been paid counts: a shard that is out by the most it may cost, in doubt or not, until its answers say
 * what it cost; one that was lost for good. Null: some of that is not known.
 */
export function commitmentOf(stakes: readonly ShardStake[]): Commitment | null {
  let spent = 0;
  let reserved = 0;
  for (const stake of stakes) {
    if (stake.origin === 'reused') continue;
    switch (stake.state) {
      case 'building':
      case 'split':
      case 'canceled':
        break;
      case 'built':
        spent += stake.answered;
        break;
      case 'applied':
      case 'live':
      case 'downloaded':
      case 'lost':
        if (stake.state === 'applied' && stake.cost !== null) spent += stake.cost;
        else if (stake.bound === null) return null;
        else reserved += stake.bound;
        break;
      default:
        stake.state satisfies never;
    }
  }
  return { spent, reserved };
}

/** Whether something that may cost `bound` can go out without the limit ever being passed. */
export function isWithin(max: MicroUsd, { spent, reserved }: Commitment, bound: MicroUsd): boolean {
  return spent + reserved + bound <= max;
}

/** At least this much, as a flag takes it: whole cents, or hundredths of a cent below a dollar. */
export function usdAtLeast(micro: MicroUsd): string {
  const [step, digits] = micro < MICRO ? [100, 4] : [10_000, 2];
  return ((Math.ceil(micro / step) * step) / MICRO).toFixed(digits);
}

/** The same requests with no answer longer than this. Sums are cut and not requests, so it is never too little. */
export function withMaxTokens(sizes: RequestSizes, maxTokens: number): RequestSizes {
  const classes = sizes.classes.map((one) => ({
    ...one,
    maxTokens: Math.min(one.maxTokens, one.requests * maxTokens),
  }));
  return { ...sizes, classes };
}

/**
 * The largest `max_tokens` with which all of it stays within `left`. Null: none does, or answers are not what most of it
 * is. `boundAt`: the bound with answers of so many tokens at most.
 */
export function maxTokensWithin(
  left: MicroUsd,
  most: number,
  boundAt: (maxTokens: number) => MicroUsd | null,
): number | null {
  const whole = boundAt(most);
  const prompts = boundAt(0);
  if (whole === null || prompts === null || whole - prompts < prompts) return null;
  let fits = 0;
  let above = most;
  while (above - fits > 1) {
    const middle = Math.floor((fits + above) / 2);
    if ((boundAt(middle) ?? Number.POSITIVE_INFINITY) <= left) fits = middle;
    else above = middle;
  }
  return fits === 0 ? null : fits;
}
