import type { Judgement } from './judge.ts';
import type { ModelPrice } from './model-price.ts';
import { type MicroUsd, priceTokens } from './money.ts';
import { bandFor, type PriceList } from './price-list.ts';
import { WEB_SEARCH_MICRO_USD } from './prices.ts';
import { isObject } from './result-line.ts';
import type { Shard } from './shard.ts';
import type { BilledCounts, BilledUsage } from './spent-line.ts';

/** What the price of an answer depends on besides its tokens. */
export interface Billing {
  readonly route: Shard['route'];
  /** RFC 3339: the prices of that day. */
  readonly at: string;
  readonly prices: PriceList;
  /** Priced by this where the model that the answer names has no price: the one that was asked for. */
  readonly fallbackModel?: string | null;
}

/** What an answer costs, or several that are charged alike. */
export interface Charge {
  readonly cost: MicroUsd;
  /** The same tokens at the real-time price. */
  readonly realTime: MicroUsd;
  /** The cost, had nothing been cached: every token of the prompt at the price of input. */
  readonly uncached: MicroUsd;
}

/** The price list's entry and band of an answer; null: it has no price. */
export interface FoundPrice {
  readonly price: ModelPrice;
  readonly band: number;
}

/**
 * The `usage` of an answer, as far as it is billed; null when there is none. What was written to the cache without a word
 * for how long counts as 5 minutes, the default.
 */
export function readBilledUsage(usage: unknown): BilledUsage | null {
  if (!isObject(usage)) return null;
  const written = objectOr(usage['cache_creation']);
  const hour = count(written['ephemeral_1h_input_tokens']);
  const allWritten = count(usage['cache_creation_input_tokens']);
  return {
    input: count(usage['input_tokens']),
    output: count(usage['output_tokens']),
    cacheWrite5m: Math.max(count(written['ephemeral_5m_input_tokens']), allWritten - hour),
    cacheWrite1h: hour,
    cacheRead: count(usage['cache_read_input_tokens']),
    webSearches: count(objectOr(usage['server_tool_use'])['web_search_requests']),
    serviceTier: textOrNull(usage['service_tier']),
    inferenceGeo: textOrNull(usage['inference_geo']),
  };
}

/** All tokens of the prompt, cached or not: what the bands of a price count. */
export function promptTokens(
  usage: Pick<BilledUsage, 'input' | 'cacheWrite5m' | 'cacheWrite1h' | 'cacheRead'>,
): number {
  return usage.input + usage.cacheWrite5m + usage.cacheWrite1h + usage.cacheRead;
}

/** The price of an answer by the model that it names, else by the one that was asked for. */
export function findPrice(
  model: string | null,
  usage: BilledUsage,
  { prices, at, fallbackModel = null }: Billing,
): FoundPrice | null {
  const price = prices.priceOf(model, at) ?? prices.priceOf(fallbackModel, at);
  return price === null ? null : { price, band: bandFor(price, promptTokens(usage)) };
}

/** Asked for in the United States, which costs more. */
export function isUsOnly({ inferenceGeo }: Pick<BilledUsage, 'inferenceGeo'>): boolean {
  return inferenceGeo === 'us';
}

/** The answer says so; where it says nothing, its request went in a batch. */
export function isBilledAsBatch(serviceTier: string | null, route: Shard['route']): boolean {
  return serviceTier === null ? route === 'batch' : serviceTier === 'batch';
}

/** What one answer costs, rounded by itself; null: it has no price. An answer that was taken over costs nothing. */
export function chargeOf(
  usage: BilledUsage,
  { model, ...billing }: Billing & { readonly model: string | null },
): Charge | null {
  if (billing.route === 'none') return FREE;
  const found = findPrice(model, usage, billing);
  if (found === null) return null;
  const isBatch = isBilledAsBatch(usage.serviceTier, billing.route);
  return priceUsage(usage, found, { isBatch, isUs: isUsOnly(usage) });
}

/** The same in one number; null also where the answer does not say what it used. */
export function costOfAnswer(
  { model, billed }: Pick<Judgement, 'model' | 'billed'>,
  billing: Billing,
): MicroUsd | null {
  return billed === null ? null : (chargeOf(billed, { ...billing, model })?.cost ?? null);
}

const FREE: Charge = { cost: 0, realTime: 0, uncached: 0 };

/** The factors multiply each other (about-claude/pricing); searches are charged in full whatever they are. */
export function priceUsage(
  tokens: BilledCounts,
  { price, band }: FoundPrice,
  { isBatch, isUs }: { readonly isBatch: boolean; readonly isUs: boolean },
): Charge {
  const rates = price.bands[band];
  if (rates === undefined) throw new Error(`${price.model} has no price band ${band}`);
  const geo = isUs ? [price.usPercent] : [];
  const charged = isBatch ? [price.batchPercent, ...geo] : geo;
  const output = { tokens: tokens.output, rate: rates.output };
  const parts = [
    { tokens: tokens.input, rate: rates.input },
    { tokens: tokens.cacheWrite5m, rate: rates.cacheWrite5m },
    { tokens: tokens.cacheWrite1h, rate: rates.cacheWrite1h },
    { tokens: tokens.cacheRead, rate: rates.cacheRead },
    output,
  ];
  const plain = [{ tokens: promptTokens(tokens), rate: rates.input }, output];
  const searches = tokens.webSearches * WEB_SEARCH_MICRO_USD;
  return {
    cost: priceTokens(parts, charged) + searches,
    realTime: priceTokens(parts, geo) + searches,
    uncached: priceTokens(plain, charged) + searches,
  };
}

function objectOr(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Tokens are whole; anything else would be no count. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
