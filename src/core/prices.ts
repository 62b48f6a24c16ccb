import type { ModelPrice, PriceBand } from './model-price.ts';
import { MICRO, microUsdOf, type Rate } from './money.ts';

// Where a row was read, under platform.claude.com/docs/en, and when.
const PAGE = { source: 'about-claude/pricing', asOf: '2026-09-02' };
const PAGE_LATER = { source: 'about-claude/pricing, as read for claudit 1.9.2', asOf: '2026-10-24' };
const SONNET = { source: 'models/sonnet-5-5/overview', asOf: '2026-10-24' };
const HAIKU = { source: 'models/haiku-5-5/overview', asOf: '2026-10-24' };
const NOTES = { source: 'release-notes/overview', asOf: '2026-11-12' };
const LIKE_FABLE = {
  ...NOTES,
  source: `${NOTES.source}; of the cache nothing is published, it is taken to be as of Fable 5.2`,
};

/** Above so many tokens of prompt each token of a request, output included, has the price of the second band. */
const HAIKU_BAND = 100_000;
/** What was sent before may be priced later: Sonnet 5.5 reads its cache at half the price from this day on. */
const SONNET_CHANGE = '2026-10-07';
/** The surcharge for `inference_geo: us` is for models from 4.6 on. */
const UP_TO_4_5 = { ...PAGE, usPercent: 100 };

/**
 * Real-time prices of the models on sale on 2026-11-20, in USD for a million tokens. All but Haiku 5.5 cost the same at
 * any length of the prompt.
 */
// biome-ignore format: a table, to be held against the price page
export const SHIPPED_PRICES: readonly ModelPrice[] = [
  //                                   input  output 5m write 1h write read
  price('claude-fable-5-2',       [usd(  8,     40,   10,      16,     0.20)],  NOTES),
  price('claude-mythos-5-2',      [usd(  8,     40,   10,      16,     0.20)],  LIKE_FABLE),
  price('claude-fable-5-1',       [usd( 10,     50,   12.50,   20,     0.25)],  PAGE),
  price('claude-mythos-5-1',      [usd( 10,     50,   12.50,   20,     0.25)],  PAGE),
  price('claude-fable-5',         [usd( 10,     50,   12.50,   20,     1.00)],  PAGE),
  price('claude-mythos-5',        [usd( 10,     50,   12.50,   20,     1.00)],  PAGE),
  price('claude-opus-5-5',        [usd(  4,     20,    5,       8,     0.20)],  PAGE_LATER),
  price('claude-opus-5',          [usd(  5,     25,    6.25,   10,     0.50)],  PAGE),
  price('claude-opus-4-8',        [usd(  5,     25,    6.25,   10,     0.50)],  PAGE),
  price('claude-opus-4-7',        [usd(  5,     25,    6.25,   10,     0.50)],  PAGE),
  price('claude-opus-4-6',        [usd(  5,     25,    6.25,   10,     0.50)],  PAGE),
  price('claude-opus-4-5',        [usd(  5,     25,    6.25,   10,     0.50)],  { ...UP_TO_4_5, aliases: ['claude-opus-4-5-20251101'] }),
  price('claude-sonnet-5-5',      [usd(  2,     10,    2.50,    4,     0.20)],  { ...SONNET, until: SONNET_CHANGE }),
  price('claude-sonnet-5-5',      [usd(  2,     10,    2.50,    4,     0.10)],  { ...SONNET, from: SONNET_CHANGE }),
  price('claude-sonnet-5',        [usd(  2,     10,    2.50,    4,     0.20)],  PAGE),
  price('claude-sonnet-4-6',      [usd(  3,     15,    3.75,    6,     0.30)],  PAGE),
  price('claude-sonnet-4-5',      [usd(  3,     15,    3.75,    6,     0.30)],  { ...UP_TO_4_5, aliases: ['claude-sonnet-4-5-20250929'] }),
  price('claude-haiku-5-5', [upTo(HAIKU_BAND,
                                   usd(  0.10,   0.50, 0.125,   0.20,  0.01)),
                                   usd(  0.50,   2.50, 0.625,   1.00,  0.05)],  HAIKU),
  price('claude-haiku-4-5',       [usd(  1,      5,    1.25,    2,     0.10)],  { ...UP_TO_4_5, aliases: ['claude-haiku-4-5-20251001'] }),
];

/** Of one web search: 10 USD for 1,000 (about-claude/pricing). Never halved: for batches no discount is published. */
export const WEB_SEARCH_MICRO_USD = (10 * MICRO) / 1_000;

/** In a batch half of each price; the factors of batch and region are those of about-claude/pricing. */
function price(
  model: string,
  bands: readonly PriceBand[],
  facts: Pick<ModelPrice, 'source' | 'asOf'> & Partial<ModelPrice>,
): ModelPrice {
  return { model, aliases: [], bands, batchPercent: 50, usPercent: 110, from: null, until: null, ...facts };
}

function usd(input: number, output: number, write5m: number, write1h: number, read: number): PriceBand {
  return {
    maxPromptTokens: null,
    input: rateOf(input),
    output: rateOf(output),
    cacheWrite5m: rateOf(write5m),
    cacheWrite1h: rateOf(write1h),
    cacheRead: rateOf(read),
  };
}

function upTo(maxPromptTokens: number, band: PriceBand): PriceBand {
  return { ...band, maxPromptTokens };
}

function rateOf(usdPrice: number): Rate {
  const rate = microUsdOf(usdPrice);
  if (rate === null) throw new Error(`${usdPrice} USD is no whole number of micro-dollars`);
  return rate;
}
