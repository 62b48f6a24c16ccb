import type { ModelPrice, PriceBand } from '../core/model-price.ts';
import { decimalUsd, MICRO, priceTokens, type Rate } from '../core/money.ts';
import { type Column, formatCount, formatTable } from './output.ts';

/** One band of a model's price. */
export interface PriceRow {
  readonly price: ModelPrice;
  readonly band: PriceBand;
  /** Of prompts with more tokens than this; null: the first band. */
  readonly above: number | null;
  readonly batchInput: Rate;
  readonly batchOutput: Rate;
}

export function priceRows(prices: readonly ModelPrice[]): readonly PriceRow[] {
  return prices.flatMap((price) =>
    price.bands.map((band, index) => ({
      price,
      band,
      above: price.bands[index - 1]?.maxPromptTokens ?? null,
      batchInput: batchRate(band.input, price),
      batchOutput: batchRate(band.output, price),
    })),
  );
}

function batchRate(rate: Rate, { batchPercent }: ModelPrice): Rate {
  return priceTokens([{ tokens: MICRO, rate }], [batchPercent]);
}

/** The price list, with where each price was read below it. */
export function formatPrices(prices: readonly ModelPrice[]): string {
  const sources = [...new Set(prices.map(sourceOf))];
  const column = (title: string, rateOf: (row: PriceRow) => Rate): Column<PriceRow> => ({
    title,
    value: (row) => formatRate(rateOf(row)),
    align: 'right',
  });
  const columns: readonly Column<PriceRow>[] = [
    {
      title: 'MODEL',
      value: ({ price, above }) => (above === null ? price.model : `  above ${formatCount(above)}`),
    },
    column('INPUT', ({ band }) => band.input),
    column('OUTPUT', ({ band }) => band.output),
    column('5M', ({ band }) => band.cacheWrite5m),
    column('1H', ({ band }) => band.cacheWrite1h),
    column('READ', ({ band }) => band.cacheRead),
    column('BATCH IN', ({ batchInput }) => batchInput),
    column('OUT', ({ batchOutput }) => batchOutput),
    {
      title: 'REF',
      value: ({ price, above }) => (above === null ? `[${sources.indexOf(sourceOf(price)) + 1}]` : ''),
    },
  ];
  return [
    'USD for a million tokens; 5M and 1H: written to the cache, READ: read from it',
    '',
    formatTable(columns, priceRows(prices)),
    '',
    ...prices.filter(({ from, until }) => from !== null || until !== null).map(formatDates),
    ...sources.map((source, index) => `[${index + 1}] ${source}`),
  ].join('\n');
}

function sourceOf({ source, asOf }: ModelPrice): string {
  return asOf === '' ? source : `${source}, ${asOf}`;
}

function formatDates({ model, from, until }: ModelPrice): string {
  return `${model}:${from === null ? '' : ` from ${from}`}${until === null ? '' : ` until ${until}`}`;
}

/** Two places, or as many as it takes: `12.50`, `0.0625`. */
function formatRate(rate: Rate): string {
  return decimalUsd(rate).replace(/0{1,4}$/, '');
}
