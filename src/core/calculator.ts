import type { ModelPrice } from './model-price.ts';
import { type MicroUsd, priceTokens } from './money.ts';
import { bandFor } from './price-list.ts';

/** So many requests of one kind. */
export interface Calculation {
  readonly items: number;
  /** Tokens of one request, and of one answer. */
  readonly input: number;
  readonly output: number;
}

export interface CalculatedRow {
  readonly items: number;
  readonly model: string;
  readonly realTime: MicroUsd;
  readonly batch: MicroUsd;
}

const STEPS = [100, 500, 1_000, 5_000, 10_000];

/** A row for each number of items, up to the one that was asked for, and model. Nothing of it is cached. */
export function calculateCosts(what: Calculation, models: readonly ModelPrice[]): readonly CalculatedRow[] {
  const numbers = [...STEPS.filter((step) => step < what.items), what.items];
  return numbers.flatMap((items) => models.map((model) => calculateRow({ ...what, items }, model)));
}

function calculateRow({ items, input, output }: Calculation, price: ModelPrice): CalculatedRow {
  const band = price.bands[bandFor(price, input)];
  if (band === undefined) throw new RangeError(`${price.model} has no price for a prompt of ${input} tokens`);
  const parts = [
    { tokens: items * input, rate: band.input },
    { tokens: items * output, rate: band.output },
  ];
  return {
    items,
    model: price.model,
    realTime: priceTokens(parts, []),
    batch: priceTokens(parts, [price.batchPercent]),
  };
}

/** Cheapest first. Mythos is left out: it is not open to everybody. */
const LINES = ['haiku', 'sonnet', 'opus', 'fable'];

/** The newest model of each line, by the numbers in their ids. */
export function newestOfEachLine(models: readonly ModelPrice[]): readonly ModelPrice[] {
  return LINES.flatMap((line) => {
    const versioned = models
      .map((model) => ({ model, version: versionOf(model.model, line) }))
      .filter(({ version }) => version > 0);
    const newest = versioned.reduce<(typeof versioned)[number] | null>(
      (best, one) => (best === null || one.version > best.version ? one : best),
      null,
    );
    return newest === null ? [] : [newest.model];
  });
}

/** `claude-opus-5-5` is newer than `claude-opus-5`; what follows with more digits is a date. 0: of another line. */
function versionOf(id: string, line: string): number {
  const [, major, minor] = new RegExp(`^claude-${line}-(\\d{1,2})(?:-(\\d{1,2}))?(?!\\d)`).exec(id) ?? [];
  return major === undefined ? 0 : Number(major) * 100 + Number(minor ?? 0);
}
