import type { JobFileProblem } from './job-file-problems.ts';
import type { JobFileInput } from './job-file-schema.ts';
import { expectedAt } from './job-file-values.ts';
import type { PriceOverride } from './model-price.ts';
import { type MicroUsd, microUsdOf } from './money.ts';
import { didYouMean } from './nearest.ts';
import { SHIPPED_PRICES } from './prices.ts';
import { ASK_ABOVE_MICRO_USD, type ExpectedOutput, type SpendingRules } from './spending-rules.ts';

type Path = JobFileProblem['path'];
type PriceInput = NonNullable<JobFileInput['prices']>[string];

/** What a job file says of money; problems are added. */
export function toSpending(file: JobFileInput, problems: JobFileProblem[]): SpendingRules {
  const { budget, prices = {} } = file;
  if (budget !== undefined && Object.keys(budget).length === 0) {
    const problem = '"budget" is empty; it has "max_usd", "ask_above_usd" or both';
    problems.push({ path: ['budget'], problem });
  }
  const usd = (value: number | undefined, path: Path): MicroUsd | null => toMicro(value, path, problems);
  return {
    maxMicroUsd: usd(budget?.max_usd, ['budget', 'max_usd']),
    askAboveMicroUsd: usd(budget?.ask_above_usd, ['budget', 'ask_above_usd']) ?? ASK_ABOVE_MICRO_USD,
    prices: Object.entries(prices).map(([model, price]) => toOverride(model, price, problems)),
    expectedOutput: expectedOutputOf(file),
  };
}

function toOverride(model: string, price: PriceInput, problems: JobFileProblem[]): PriceOverride {
  const path = ['prices', model];
  if (Object.keys(price).length === 0) {
    const problem = `"prices.${model}" is empty; it must be ${expectedAt(path)}`;
    problems.push({ path, problem });
  } else if (price.input === undefined || price.output === undefined) {
    const known = SHIPPED_PRICES.flatMap((one) => [one.model, ...one.aliases]);
    const problem = `"prices.${model}" needs "input" and "output": batchctl knows no price of this model${didYouMean(model, known)}`;
    if (!known.includes(model)) problems.push({ path, problem });
  }
  const rate = (key: Exclude<keyof PriceInput, 'batch'>): MicroUsd | null =>
    toMicro(price[key], [...path, key], problems);
  return {
    model,
    input: rate('input'),
    output: rate('output'),
    cacheWrite5m: rate('cache_write_5m'),
    cacheWrite1h: rate('cache_write_1h'),
    cacheRead: rate('cache_read'),
    batchPercent: toPercent(price.batch, [...path, 'batch'], problems),
  };
}

function toMicro(value: number | undefined, path: Path, problems: JobFileProblem[]): MicroUsd | null {
  if (value === undefined) return null;
  const micro = microUsdOf(value);
  if (micro === null) problems.push({ path, problem: tooFine(value, path) });
  return micro;
}

/** Whole percents: prices are multiplied as integers (core/money.ts). */
function toPercent(value: number | undefined, path: Path, problems: JobFileProblem[]): number | null {
  if (value === undefined) return null;
  const percent = Math.round(value * 100);
  // 0.29 * 100 is not quite 29; a third decimal is off by far more.
  if (Math.abs(value * 100 - percent) > 1e-6) problems.push({ path, problem: tooFine(value, path) });
  return percent;
}

function tooFine(value: number, path: Path): string {
  return `"${path.map(String).join('.')}" must be ${expectedAt(path)}, not "${value}"`;
}

/** A stage that says nothing itself has what the top level says. */
function expectedOutputOf(file: JobFileInput): SpendingRules['expectedOutput'] {
  const stages = file.stages ?? [{ name: 'main', expected_output_tokens: undefined }];
  return Object.fromEntries(
    stages.flatMap(({ name, expected_output_tokens: own }) => {
      const expected = own ?? file.expected_output_tokens;
      return expected === undefined ? [] : [[name, toExpected(expected)]];
    }),
  );
}

function toExpected(expected: number | string): ExpectedOutput {
  if (typeof expected === 'number') return { kind: 'tokens', tokens: expected };
  return { kind: 'percent', percent: Number(expected.replace('%', '')) };
}
