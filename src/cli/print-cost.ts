import {
  type Comparison,
  type CostReport,
  deviationOf,
  estimatedCost,
  type OpenPart,
} from '../core/cost-report.ts';
import { type CostSum, cacheHitPercent, percentOf, savedAgainst } from '../core/cost-rows.ts';
import type { PartEstimate } from '../core/estimate.ts';
import { isFinal } from '../core/job.ts';
import { formatUsd, formatUsdOrUnknown, type MicroUsd } from '../core/money.ts';
import { costColumns, formatPercent } from './cost-columns.ts';
import { formatMany, formatTable } from './output.ts';
import { formatEstimate } from './print-estimate.ts';

/** What one job has cost: facts, what is not known, and a table for each way to divide it. */
export function formatCost(report: CostReport): string {
  const { job, estimate, total } = report;
  const facts = [['job', job.jobId], ['state', job.state], ...factsOf(report)];
  const lines = facts.map(([name = '', text = '']) => `${name.padEnd(10)}${text}`);
  if (job.mode === null && estimate !== null) lines.push('', ...formatEstimate(estimate));
  if (total.answers > 0) lines.push('', ...formatTables(report));
  return lines.join('\n');
}

function factsOf(report: CostReport): readonly (readonly [string, string])[] {
  const { job, total, max, open, missing, reused, retries, duplicates } = report;
  const range = estimatedCost(report.estimate?.total, job);
  const deviation = deviationOf(report);
  const facts: [string, string][] = [];
  const tell = (name: string, text: string | null): void => {
    if (text !== null) facts.push([name, text]);
  };
  if (range !== null)
    tell(
      'estimate',
      `${formatUsd(range.likely)}, between ${formatUsd(range.low)} and ${formatUsd(range.high)}`,
    );
  tell('cost', describeCost(report));
  if (deviation !== null) tell('deviation', describeDeviation(deviation));
  if (job.mode === 'batch' && total.answers > 0) tell('real time', describeRealTime(total));
  tell('cache', describeCaching(total));
  if (retries.answers > 0)
    tell(
      'retries',
      `${formatUsdOrUnknown(retries.cost)} of it, for ${formatMany(retries.answers, 'answer')} of later attempts`,
    );
  for (const { batchId, kept } of duplicates)
    tell(
      'twice',
      kept === null
        ? `${batchId} was paid beside the batch of its shard; what it cost is not known yet`
        : `${formatUsdOrUnknown(kept.cost)} of it, for ${formatMany(kept.answers, 'answer')} of ${batchId}, a second batch of its shard`,
    );
  if (max !== null) tell('budget', describeBudget(max, total.cost));
  // Before the submission that is all of it, and the estimate says it better.
  if (job.mode !== null) tell('not sent', describeOpen(open.unsent));
  tell('under way', describeOpen(open.underWay));
  tell('lost', describeOpen(open.lost));
  if (missing > 0)
    tell('missing', `${formatMany(missing, 'request')} without a line in the results; taken as not charged`);
  if (reused > 0) tell('reused', `${formatMany(reused, 'answer')} of earlier jobs, at no cost`);
  return facts;
}

function describeCost({ job, total, open }: CostReport): string {
  if (job.mode === null) return 'nothing yet; it was not sent';
  if (total.answers === 0 && total.cost === 0) {
    // Whoever answered them charged for them.
    if (open.lost.requests > 0) return 'unknown: the results are gone';
    return isFinal(job.state) ? '$0; nothing was answered' : 'nothing yet';
  }
  const lost = open.lost.requests > 0 ? '; what was lost is not in it' : '';
  const answers = `for ${formatMany(total.answers, 'answer')}${isFinal(job.state) ? '' : ' so far'}${lost}`;
  if (total.cost !== null) return `${formatUsd(total.cost)} ${answers}`;
  return `${total.known > 0 ? `at least ${formatUsd(total.known)}` : 'unknown'} ${answers}`;
}

function describeDeviation({ difference, percent, isInside }: Comparison): string {
  if (difference === 0) return 'none: as estimated';
  const share = percent === null ? '' : ` (${formatPercent(Math.abs(percent))})`;
  const side = difference < 0 ? 'below' : 'above';
  return `${formatUsd(Math.abs(difference))}${share} ${side} the estimate, ${isInside ? 'within' : 'outside'} its range`;
}

function describeRealTime({ realTime, cost }: CostSum): string {
  const saved = savedAgainst(realTime, cost);
  if (realTime === null || saved === null) return 'unknown';
  const percent = percentOf(saved, realTime);
  const share = percent === null ? '' : ` (${formatPercent(percent)})`;
  return `${formatUsd(realTime)} would have been charged; ${formatUsd(saved)}${share} saved`;
}

function describeCaching(sum: CostSum): string | null {
  const hits = cacheHitPercent(sum);
  if (hits === null) return null;
  const text = `${formatPercent(hits)} of the marked tokens were read`;
  const saved = savedAgainst(sum.uncached, sum.cost);
  if (saved === null) return text;
  return saved < 0
    ? `${text}; ${formatUsd(-saved)} dearer than without`
    : `${text}; ${formatUsd(saved)} saved`;
}

function describeBudget(max: MicroUsd, cost: MicroUsd | null): string {
  const percent = cost === null || cost === 0 ? null : percentOf(cost, max);
  return percent === null ? formatUsd(max) : `${formatUsd(max)}, ${formatPercent(percent)} of it spent`;
}

function describeOpen({ requests, high }: OpenPart): string | null {
  if (requests === 0) return null;
  const most = high === null ? 'at a price that is not known' : `at most ${formatUsd(high)}`;
  return `${formatMany(requests, 'request')}, ${most}`;
}

function formatTables(report: CostReport): readonly string[] {
  const { job, estimate, stages, groups, models, failures } = report;
  const likelyOf = (part: PartEstimate | undefined): MicroUsd | null =>
    estimatedCost(part, job)?.likely ?? null;
  const stageRows = stages.map((row) => ({
    ...row,
    likely: likelyOf(estimate?.stages.find(({ stage }) => stage === row.name)),
  }));
  const groupParts = new Map(estimate?.groups.map((part) => [part.group, part]));
  const groupRows = groups.map((row) => ({ ...row, likely: likelyOf(groupParts.get(row.name)) }));
  const tables = [
    formatTable(costColumns('STAGE', 'with_estimate'), stageRows),
    formatTable(costColumns('MODEL'), models),
    ...(groups.length > 0 ? [formatTable(costColumns('GROUP', 'with_estimate'), groupRows)] : []),
    ...(failures.length > 0 ? [formatTable(costColumns('NO GOOD'), failures)] : []),
  ];
  return [tables.join('\n\n')];
}
