import type { ModelPrice, PriceBand, PriceOverride } from './model-price.ts';
import { MICRO, priceTokens, type Rate } from './money.ts';
import { SHIPPED_PRICES } from './prices.ts';

/** The prices that hold for one job: those that are shipped, with what its job file says in their place. */
export interface PriceList {
  /** By the id of the model or another name of it; null: no price is known. `at`: RFC 3339, or a date. */
  priceOf(model: string | null, at: string): ModelPrice | null;
  /** Those that hold at that time, in the order of the price page; what the job file adds comes last. */
  all(at: string): readonly ModelPrice[];
}

/** Overrides are taken in order, so that the last one of a model wins. */
export function openPriceList(overrides: readonly PriceOverride[]): PriceList {
  let prices = SHIPPED_PRICES;
  for (const override of overrides) prices = withOverride(prices, override);
  const byName = new Map<string, ModelPrice[]>();
  for (const price of prices) {
    for (const name of [price.model, ...price.aliases])
      byName.set(name, [...(byName.get(name) ?? []), price]);
  }
  return {
    priceOf(model, at) {
      const known = model === null ? [] : (byName.get(model) ?? []);
      // Most have one price for all time, and each answer of a job is looked up.
      const [only] = known;
      if (only !== undefined && only.from === null && only.until === null) return only;
      const date = dateOf(at);
      return known.find((price) => holdsOn(price, date)) ?? null;
    },
    all(at) {
      const date = dateOf(at);
      return prices.filter((price) => holdsOn(price, date));
    },
  };
}

/** Which band prices a prompt of so many tokens, cached or not. */
export function bandFor({ bands }: ModelPrice, promptTokens: number): number {
  const index = bands.findIndex(
    (band) => band.maxPromptTokens === null || promptTokens <= band.maxPromptTokens,
  );
  return index === -1 ? bands.length - 1 : index;
}

/** Prices change at midnight UTC. */
function dateOf(at: string): string {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? at.slice(0, 10) : new Date(ms).toISOString().slice(0, 10);
}

function holdsOn({ from, until }: ModelPrice, date: string): boolean {
  return (from === null || from <= date) && (until === null || date < until);
}

function withOverride(prices: readonly ModelPrice[], override: PriceOverride): readonly ModelPrice[] {
  const isMeant = ({ model, aliases }: ModelPrice): boolean =>
    model === override.model || aliases.includes(override.model);
  if (prices.some(isMeant))
    return prices.map((price) => (isMeant(price) ? changePrice(price, override) : price));
  const added = addedPrice(override);
  return added === null ? prices : [...prices, added];
}

const OVERRIDDEN = 'prices of the job file';

function changePrice(price: ModelPrice, override: PriceOverride): ModelPrice {
  const { bands, batchPercent } = price;
  // One price is said, for prompts of any length. What it leaves out is that of the longest ones, the dearest.
  const isOneBand = override.input !== null || override.output !== null;
  return {
    ...price,
    bands: (isOneBand ? bands.slice(-1) : bands).map((band) => changeBand(band, override)),
    batchPercent: override.batchPercent ?? batchPercent,
    source: OVERRIDDEN,
    asOf: '',
  };
}

function changeBand(band: PriceBand, override: PriceOverride): PriceBand {
  return {
    maxPromptTokens: band.maxPromptTokens,
    input: override.input ?? band.input,
    output: override.output ?? band.output,
    cacheWrite5m: override.cacheWrite5m ?? band.cacheWrite5m,
    cacheWrite1h: override.cacheWrite1h ?? band.cacheWrite1h,
    cacheRead: override.cacheRead ?? band.cacheRead,
  };
}

/** Null: without both prices a model that is not shipped has none. */
function addedPrice({ model, input, output, batchPercent, ...cache }: PriceOverride): ModelPrice | null {
  if (input === null || output === null) return null;
  return {
    model,
    aliases: [],
    bands: [
      {
        maxPromptTokens: null,
        input,
        output,
        // What these are on the shipped models, the reads of a few new ones aside (about-claude/pricing).
        cacheWrite5m: cache.cacheWrite5m ?? percentOf(input, 125),
        cacheWrite1h: cache.cacheWrite1h ?? percentOf(input, 200),
        cacheRead: cache.cacheRead ?? percentOf(input, 10),
      },
    ],
    batchPercent: batchPercent ?? 50,
    // A model that is not shipped is newer than 4.6.
    usPercent: 110,
    from: null,
    until: null,
    source: OVERRIDDEN,
    asOf: '',
  };
}

function percentOf(rate: Rate, percent: number): Rate {
  return priceTokens([{ tokens: MICRO, rate }], [percent]);
}
