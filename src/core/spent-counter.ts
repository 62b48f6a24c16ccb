import {
  type Billing,
  type FoundPrice,
  findPrice,
  isBilledAsBatch,
  isUsOnly,
  priceUsage,
} from './billing.ts';
import type { Judgement } from './judge.ts';
import { NOTHING_BILLED, type SpentLine } from './spent-line.ts';

type Sums = { -readonly [key in CountedKey]: number };
type CountedKey = Exclude<
  keyof SpentLine,
  'model' | 'band' | 'serviceTier' | 'isUs' | 'failure' | 'cost' | 'realTime' | 'uncached'
>;

interface OpenLine extends Pick<SpentLine, 'model' | 'serviceTier' | 'isUs' | 'failure'> {
  /** Null: it has no price. */
  readonly found: FoundPrice | null;
  readonly sums: Sums;
}

/**
 * What the answers of one shard cost, while its rows go by: tokens are summed for each price and priced once, so that
 * roundings do not pile up. Memory does not grow with the shard.
 */
export class SpentCounter {
  readonly #billing: Billing;
  readonly #lines = new Map<string, OpenLine>();

  constructor(billing: Billing) {
    this.#billing = billing;
  }

  /**
   * Only answers are billed (build-with-claude/batch-processing), good or not, and those of rows that have gone out again
   * since. One that does not say what it used costs nobody knows what, not nothing.
   */
  add({ status, failure, model, billed }: Pick<Judgement, 'status' | 'failure' | 'model' | 'billed'>): void {
    if (this.#billing.route === 'none' || (status !== 'succeeded' && billed === null)) return;
    const usage = billed ?? NOTHING_BILLED;
    const found = billed === null ? null : findPrice(model, usage, this.#billing);
    const { serviceTier } = usage;
    const isUs = isUsOnly(usage);
    const key = JSON.stringify([model, found?.band ?? 0, serviceTier, isUs, failure, billed === null]);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { model, serviceTier, isUs, failure, found, sums: { ...NO_SUMS } };
      this.#lines.set(key, line);
    }
    const { sums } = line;
    sums.answers += 1;
    sums.input += usage.input;
    sums.output += usage.output;
    sums.outputSquares += usage.output ** 2;
    sums.cacheWrite5m += usage.cacheWrite5m;
    sums.cacheWrite1h += usage.cacheWrite1h;
    sums.cacheRead += usage.cacheRead;
    sums.webSearches += usage.webSearches;
  }

  lines(): readonly SpentLine[] {
    return [...this.#lines.values()].map(({ found, sums, ...key }) => {
      const isBatch = isBilledAsBatch(key.serviceTier, this.#billing.route);
      const charge = found === null ? UNKNOWN : priceUsage(sums, found, { isBatch, isUs: key.isUs });
      return { ...key, band: found?.band ?? 0, ...sums, ...charge };
    });
  }
}

/** Sentences on answers of a batch that were charged at another price than that of batches. */
export function namesOtherTiers(lines: readonly SpentLine[], batchId: string): readonly string[] {
  const answers = new Map<string, number>();
  for (const { serviceTier, answers: more } of lines) {
    if (serviceTier === null || serviceTier === 'batch') continue;
    answers.set(serviceTier, (answers.get(serviceTier) ?? 0) + more);
  }
  return [...answers].map(
    ([tier, count]) =>
      `${count === 1 ? '1 answer' : `${count} answers`} of batch ${batchId} ${count === 1 ? 'was' : 'were'} not billed as batch (service_tier ${tier}) but at the full price`,
  );
}

const UNKNOWN = { cost: null, realTime: null, uncached: null };

const NO_SUMS: Sums = {
  answers: 0,
  input: 0,
  output: 0,
  outputSquares: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  cacheRead: 0,
  webSearches: 0,
};
