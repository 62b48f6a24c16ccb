import { promptTokens } from './billing.ts';
import type { MicroUsd } from './money.ts';
import type { ShardSpending } from './ports/store-views.ts';
import type { SpentLine } from './spent-line.ts';
import { type SpentSum, sumSpent } from './spent-sum.ts';

/** Paid answers with what tells them from others. */
export interface PaidLine {
  readonly shard: Omit<ShardSpending, 'lines'>;
  readonly line: SpentLine;
}

/** What answers cost. */
export interface CostSum extends SpentSum {
  /** The part of its cost that is known; the cost is null when there is another. */
  readonly known: MicroUsd;
}

/** What answers cost that have something in common. */
export interface CostRow extends CostSum {
  readonly name: string;
}

/** The lines of all shards, in their order. Shards whose lines are not known have none. */
export function paidLines(shards: readonly ShardSpending[]): readonly PaidLine[] {
  return shards.flatMap(({ lines, ...shard }) => (lines ?? []).map((line) => ({ shard, line })));
}

/** A row for each name of shards, in the order in which they first come; shards whose name is null are left out. */
export function groupShards(
  shards: readonly ShardSpending[],
  nameOf: (shard: ShardSpending) => string | null,
): readonly CostRow[] {
  return [...groupBy(shards, nameOf)].map(([name, same]) => ({ name, ...sumShards(same) }));
}

/** The same for what tells lines of one shard apart. */
export function groupLines(
  lines: readonly PaidLine[],
  nameOf: (line: SpentLine) => string | null,
): readonly CostRow[] {
  return [...groupBy(lines, ({ line }) => nameOf(line))].map(([name, same]) => ({
    name,
    ...sumLines(same),
  }));
}

/** Unknown as soon as one of the shards is. */
export function sumShards(shards: readonly ShardSpending[]): CostSum {
  const sum = sumLines(paidLines(shards));
  const isWhole = shards.every((shard) => shard.lines !== null);
  return isWhole ? sum : { ...sum, cost: null, realTime: null, uncached: null };
}

/** Unknown as soon as one of the lines is. */
export function sumLines(lines: readonly PaidLine[]): CostSum {
  const known = lines.reduce((sum, { line }) => sum + (line.cost ?? 0), 0);
  return { ...sumSpent(lines.map(({ line }) => line)), known };
}

function groupBy<T>(items: readonly T[], nameOf: (item: T) => string | null): ReadonlyMap<string, T[]> {
  const byName = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    if (name === null) continue;
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [item]);
    else same.push(item);
  }
  return byName;
}

/** What answers call a model; they name one but for faults of the API. */
export function modelName({ model }: SpentLine): string {
  return model ?? '(no model named)';
}

/** What stands in the way of a cost. */
export interface UnknownCosts {
  /** Models without a price, as their answers call them. */
  readonly unpriced: readonly string[];
  /** Answers that do not say what they used. */
  readonly withoutUsage: number;
  /** Shards that were applied by a version without prices, and whose raw results are gone. */
  readonly unknownShards: number;
}

export function unknownCosts(shards: readonly ShardSpending[]): UnknownCosts {
  const unpriced = new Set<string>();
  let withoutUsage = 0;
  for (const { line } of paidLines(shards)) {
    if (line.cost !== null) continue;
    if (promptTokens(line) + line.output === 0) withoutUsage += line.answers;
    else unpriced.add(modelName(line));
  }
  const unknownShards = shards.filter((shard) => shard.lines === null).length;
  return { unpriced: [...unpriced], withoutUsage, unknownShards };
}

/** Of the tokens under cache marks, the percentage that was read and not written; null when nothing was marked. */
export function cacheHitPercent(sum: SpentSum): number | null {
  const written = sum.cacheWrite5m + sum.cacheWrite1h;
  return percentOf(sum.cacheRead, sum.cacheRead + written);
}

/** To a tenth; null of nothing. */
export function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 1000) / 10;
}

/** What was not charged, against another price of the same tokens; null when one of them is unknown. */
export function savedAgainst(other: MicroUsd | null, cost: MicroUsd | null): MicroUsd | null {
  return other === null || cost === null ? null : other - cost;
}
