import type { Estimate, PartEstimate, Range, StageEstimate } from '../core/estimate.ts';
import { formatUsd, type MicroUsd } from '../core/money.ts';
import { type Column, formatCount, formatMany, formatTable } from './output.ts';

/** A job may have thousands of groups. */
const SHOWN_GROUPS = 10;
/** Of a terminal. */
const COLUMNS_OF_A_LINE = 80;

/** What a job is expected to be and to cost: its tokens and what they rest on, then batch beside real time. */
export function formatEstimate(estimate: Estimate): readonly string[] {
  const { total, unpriced } = estimate;
  return [
    ...withBasis(`input     ${formatTokens(total.inputTokens)}`, inputBasis(estimate)),
    ...withBasis(`output    ${formatTokens(total.outputTokens)}`, outputBasis(estimate)),
    ...formatCache(estimate),
    '',
    ...formatTable(COLUMNS, rowsOf(estimate)).split('\n'),
    ...unpriced.map((model) => `unknown: no price for model ${model} ("prices" in the job file adds one)`),
  ];
}

interface Row {
  readonly name: string;
  readonly part: Pick<PartEstimate, 'batch' | 'realTime'> | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'PRICE', value: ({ name }) => name },
  priceColumn('BATCH: LOW', 'batch', 'low'),
  priceColumn('LIKELY', 'batch', 'likely'),
  priceColumn('HIGH', 'batch', 'high'),
  priceColumn('REAL TIME: LOW', 'realTime', 'low'),
  priceColumn('LIKELY', 'realTime', 'likely'),
  priceColumn('HIGH', 'realTime', 'high'),
];

function priceColumn(title: string, way: 'batch' | 'realTime', end: keyof Range): Column<Row> {
  const value = ({ part }: Row): string => (part === null ? '' : formatEnd(part[way], end));
  return { title, value, align: 'right' };
}

function formatEnd(price: Range<MicroUsd> | null, end: keyof Range): string {
  return price === null ? 'unknown' : formatUsd(price[end]);
}

function rowsOf({ stages, groups, total }: Estimate): readonly Row[] {
  const hidden = groups.length - SHOWN_GROUPS;
  return [
    ...(stages.length > 1 ? stages.map((stage) => ({ name: stage.stage, part: stage })) : []),
    ...groups.slice(0, SHOWN_GROUPS).map((group) => ({ name: JSON.stringify(group.group), part: group })),
    ...(hidden > 0 ? [{ name: `… ${formatMany(hidden, 'more group')}`, part: null }] : []),
    { name: 'total', part: total },
  ];
}

function formatTokens({ low, likely, high }: Range): string {
  const most = `${formatCount(likely)} tokens`;
  return low === high ? most : `${most}, ${formatCount(low)} to ${formatCount(high)}`;
}

/** On the next line where it would be broken in the middle of a word. */
function withBasis(tokens: string, basis: string): readonly string[] {
  const line = `${tokens} (${basis})`;
  return line.length <= COLUMNS_OF_A_LINE ? [line] : [tokens, `          (${basis})`];
}

function inputBasis({ stages }: Estimate): string {
  const now = stages.filter(({ isLater }) => !isLater);
  const counted = now.reduce((sum, { calibration }) => sum + calibration.counted, 0);
  const isAll = now.every(({ calibration, requests }) => calibration.counted > 0 || requests === 0);
  const basis =
    counted === 0
      ? 'a local guess'
      : `counted on ${formatMany(counted, 'request')}${isAll ? '' : ', some stages guessed'}`;
  return now.length < stages.length ? `${basis}; later stages are guessed` : basis;
}

const OUTPUT_BASES: Readonly<Record<StageEstimate['outputBasis'], string>> = {
  history: 'as earlier answers were',
  expected: 'as expected_output_tokens says',
  max_tokens: 'a guess: half of max_tokens',
};

function outputBasis({ stages }: Estimate): string {
  const bases = new Set(stages.map((stage) => stage.outputBasis));
  return [...bases].map((basis) => OUTPUT_BASES[basis]).join('; ');
}

function formatCache({ stages }: Estimate): readonly string[] {
  return stages.flatMap(({ stage, cacheHitRate }, index) => {
    if (cacheHitRate === null) return [];
    const { low, likely, high } = cacheHitRate;
    const where = stages.length > 1 ? `${stage}: ` : '';
    const isFirst = stages.findIndex((one) => one.cacheHitRate !== null) === index;
    const rates = `${formatShare(likely)} of the marked tokens are read from it, ${formatShare(low)} to ${formatShare(high)}`;
    return [`${isFirst ? 'cache' : ''}`.padEnd(10) + where + rates];
  });
}

function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** An estimate as `--json` prints it; docs/json.md describes it. */
export function estimateDocument({ madeAt, stages, total, groups, unpriced }: Estimate): object {
  return {
    made_at: madeAt,
    total: partDocument(total),
    stages: stages.map((stage) => ({
      stage: stage.stage,
      ...partDocument(stage),
      is_later: stage.isLater,
      counted: stage.calibration.counted,
      calibration: rangeDocument(stage.calibration),
      output_basis: stage.outputBasis,
      cache_hit_rate: stage.cacheHitRate === null ? null : rangeDocument(stage.cacheHitRate),
    })),
    groups: groups.map((group) => ({ group: group.group, ...partDocument(group) })),
    unpriced,
  };
}

function partDocument({ requests, inputTokens, outputTokens, batch, realTime }: PartEstimate): object {
  return {
    requests,
    input_tokens: rangeDocument(inputTokens),
    output_tokens: rangeDocument(outputTokens),
    batch: priceDocument(batch),
    real_time: priceDocument(realTime),
  };
}

function rangeDocument({ low, likely, high }: Range): object {
  return { low, likely, high };
}

function priceDocument(price: Range<MicroUsd> | null): object {
  return {
    low_microusd: price?.low ?? null,
    likely_microusd: price?.likely ?? null,
    high_microusd: price?.high ?? null,
  };
}
