import type { CalculatedRow } from '../core/calculator.ts';
import { type CostSum, modelName, type PaidLine, savedAgainst, sumLines } from '../core/cost-rows.ts';
import { decimalUsd, type MicroUsd } from '../core/money.ts';
import { guardFormula } from '../steps/export-csv.ts';
import type { PriceRow } from './print-prices.ts';

/** Null is an empty cell. */
type Cell = string | number | null;

type Keys = Readonly<Record<string, (paid: PaidLine) => string | null>>;

/** What one job has cost: a line for all answers that have these in common. */
export function jobCsv(lines: readonly PaidLine[]): Promise<string> {
  return sumsCsv(lines, {
    stage: ({ shard }) => shard.stage,
    group: ({ shard }) => shard.group,
    model: ({ line }) => modelName(line),
    failure: ({ line }) => line.failure,
    origin: ({ shard }) => shard.origin,
  });
}

/** The same of all jobs. */
export function summaryCsv(lines: readonly PaidLine[]): Promise<string> {
  return sumsCsv(lines, {
    month: ({ shard }) => shard.at.slice(0, 7),
    job_id: ({ shard }) => shard.jobId,
    name: ({ shard }) => shard.name,
    model: ({ line }) => modelName(line),
  });
}

export function calculatorCsv(rows: readonly CalculatedRow[]): Promise<string> {
  return toCsv(
    ['items', 'model', 'real_time_usd', 'batch_usd', 'saved_usd'],
    rows.map(({ items, model, realTime, batch }) => [
      items,
      model,
      ...[realTime, batch, realTime - batch].map(decimalUsd),
    ]),
  );
}

const PRICE_COLUMNS = [
  'model',
  'max_prompt_tokens',
  'input_usd',
  'output_usd',
  'cache_write_5m_usd',
  'cache_write_1h_usd',
  'cache_read_usd',
  'batch_input_usd',
  'batch_output_usd',
  'from',
  'until',
  'source',
  'as_of',
];

/** USD for a million tokens; a line for each band. */
export function pricesCsv(rows: readonly PriceRow[]): Promise<string> {
  return toCsv(
    PRICE_COLUMNS,
    rows.map(({ price, band, batchInput, batchOutput }) => [
      price.model,
      band.maxPromptTokens,
      ...[band.input, band.output, band.cacheWrite5m, band.cacheWrite1h, band.cacheRead].map(decimalUsd),
      ...[batchInput, batchOutput].map(decimalUsd),
      price.from,
      price.until,
      price.source,
      price.asOf,
    ]),
  );
}

const SUM_COLUMNS: Readonly<Record<string, (sum: CostSum) => Cell>> = {
  answers: ({ answers }) => answers,
  input_tokens: ({ input }) => input,
  cache_write_5m_tokens: ({ cacheWrite5m }) => cacheWrite5m,
  cache_write_1h_tokens: ({ cacheWrite1h }) => cacheWrite1h,
  cache_read_tokens: ({ cacheRead }) => cacheRead,
  output_tokens: ({ output }) => output,
  web_searches: ({ webSearches }) => webSearches,
  cost_usd: ({ cost }) => decimalOrEmpty(cost),
  real_time_usd: ({ realTime }) => decimalOrEmpty(realTime),
  saved_usd: ({ realTime, cost }) => decimalOrEmpty(savedAgainst(realTime, cost)),
  uncached_usd: ({ uncached }) => decimalOrEmpty(uncached),
};

function sumsCsv(lines: readonly PaidLine[], keys: Keys): Promise<string> {
  const keysOf = (paid: PaidLine): readonly Cell[] => Object.values(keys).map((read) => read(paid));
  const alike = Map.groupBy(lines, (paid) => JSON.stringify(keysOf(paid)));
  return toCsv(
    [...Object.keys(keys), ...Object.keys(SUM_COLUMNS)],
    [...alike.values()].map((same) => {
      const sum = sumLines(same);
      return [...same.slice(0, 1).flatMap(keysOf), ...Object.values(SUM_COLUMNS).map((read) => read(sum))];
    }),
  );
}

function decimalOrEmpty(micro: MicroUsd | null): string | null {
  return micro === null ? null : decimalUsd(micro);
}

/** RFC 4180. */
async function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  const lines = rows.map((row) => row.map((cell) => (cell === null ? '' : guardFormula(String(cell)))));
  return stringify([[...header], ...lines], { record_delimiter: '\r\n', quote_record_delimiter: true });
}
