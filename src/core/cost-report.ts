import {
  type CostRow,
  type CostSum,
  groupLines,
  groupShards,
  modelName,
  type PaidLine,
  paidLines,
  percentOf,
  sumShards,
  type UnknownCosts,
  unknownCosts,
} from './cost-rows.ts';
import type { Estimate, PartEstimate, Range } from './estimate.ts';
import type { Job } from './job.ts';
import { type MicroUsd, sumOrUnknown } from './money.ts';
import type { LateDuplicate, ShardSpending, ShardView } from './ports/store-views.ts';
import type { Shard } from './shard.ts';

/** What a job has cost so far, and what may still come. */
export interface CostReport {
  readonly job: Job;
  readonly estimate: Estimate | null;
  readonly total: CostSum;
  readonly unknown: UnknownCosts;
  readonly open: OpenParts;
  /** Requests without a line in their results: whether they were charged is not known. */
  readonly missing: number;
  /** Answers that were taken from earlier jobs, which paid for them. */
  readonly reused: number;
  /** The budget; null: no bound. */
  readonly max: MicroUsd | null;
  readonly stages: readonly CostRow[];
  /** Empty in a job without groups. */
  readonly groups: readonly CostRow[];
  readonly models: readonly CostRow[];
  /** Answers that were paid and are no good, by class. */
  readonly failures: readonly CostRow[];
  /** Batches that were paid beside the ones that the job has; part of the total once their results are here. */
  readonly duplicates: readonly LateDuplicate[];
  /** What was sent again, after a first attempt. */
  readonly retries: CostSum;
  readonly lines: readonly PaidLine[];
}

/** Requests that have not been paid yet, and the most that they may cost. */
export interface OpenPart {
  readonly requests: number;
  /** Null: some model has no price. */
  readonly high: MicroUsd | null;
}

export interface OpenParts {
  /** Built, and not sent. */
  readonly unsent: OpenPart;
  /** Sent, or asked one by one, and not applied. */
  readonly underWay: OpenPart;
  /** Their batch or its results are gone; they may have been charged. */
  readonly lost: OpenPart;
}

export interface CostFacts {
  readonly job: Job;
  readonly views: readonly ShardView[];
  readonly spent: readonly ShardSpending[];
  readonly estimate: Estimate | null;
  readonly duplicates: readonly LateDuplicate[];
  readonly max: MicroUsd | null;
  /** By shard id: what its answers cost so far, where they come one by one. They are in `spent` too. */
  readonly answered: ReadonlyMap<number, Pick<CostSum, 'answers' | 'cost'>>;
  /** The most that a shard may cost. */
  readonly highOf: (view: ShardView) => MicroUsd | null;
}

export function makeCostReport(facts: CostFacts): CostReport {
  const { job, views, spent, estimate, max } = facts;
  const lines = paidLines(spent);
  return {
    job,
    estimate,
    total: sumShards(spent),
    unknown: unknownCosts(spent),
    open: sumOpenParts(facts),
    missing: views.reduce((count, { shard, tally }) => count + missingOf(shard.state, tally), 0),
    reused: countRequests(views.filter(({ shard }) => shard.origin === 'reused')),
    max,
    stages: groupShards(spent, (shard) => shard.stage),
    groups: groupShards(spent, (shard) => shard.group),
    models: groupLines(lines, modelName),
    failures: groupLines(lines, (line) => line.failure),
    duplicates: facts.duplicates,
    retries: sumShards(spent.filter((shard) => shard.origin === 'retry')),
    lines,
  };
}

/** The rows of a lost shard are missing too; they are told of as lost. */
function missingOf(state: ShardView['shard']['state'], tally: ShardView['tally']): number {
  return state === 'lost' ? 0 : (tally?.missing ?? 0);
}

function sumOpenParts({ job, views, answered, highOf }: CostFacts): OpenParts {
  const byPart: Record<keyof OpenParts, ShardView[]> = { unsent: [], underWay: [], lost: [] };
  for (const view of views) {
    const part = openPartOf(view.shard, job);
    if (part !== null) byPart[part].push(view);
  }
  const leftOf = (view: ShardView): MicroUsd | null => {
    const [high, paid] = [highOf(view), answered.get(view.shard.id)?.cost ?? 0];
    return high === null ? null : Math.max(0, high - paid);
  };
  const sumUp = (open: readonly ShardView[]): OpenPart => ({
    requests:
      countRequests(open) - open.reduce((sum, { shard }) => sum + (answered.get(shard.id)?.answers ?? 0), 0),
    high: sumOrUnknown(open.map(leftOf)),
  });
  return { unsent: sumUp(byPart.unsent), underWay: sumUp(byPart.underWay), lost: sumUp(byPart.lost) };
}

/** Whether the most that a shard may cost is asked for. */
export function mayStillCost({ shard: { state } }: Pick<ShardView, 'shard'>): boolean {
  return state === 'built' || state === 'live' || state === 'downloaded' || state === 'lost';
}

function openPartOf({ state, route }: Shard, job: Job): keyof OpenParts | null {
  switch (state) {
    case 'live':
    case 'downloaded':
      return 'underWay';
    case 'lost':
      return 'lost';
    case 'built':
      // One that is asked request by request stays so until its last answer.
      return route === 'real_time' && job.submitRequestedAt !== null ? 'underWay' : 'unsent';
    case 'building':
    case 'applied':
    case 'split':
    case 'canceled':
      return null;
  }
}

function countRequests(views: readonly ShardView[]): number {
  return views.reduce((count, { shard }) => count + shard.requests, 0);
}

/** The range that a cost is compared with, by the way the job goes; null when there is none, or it has not chosen. */
export function estimatedCost(
  part: Pick<PartEstimate, 'batch' | 'realTime'> | undefined,
  { mode }: Pick<Job, 'mode'>,
): Range<MicroUsd> | null {
  if (part === undefined || mode === null) return null;
  return mode === 'batch' ? part.batch : part.realTime;
}

/** A cost beside what was expected. */
export interface Comparison {
  /** Above the likely estimate; negative below it. */
  readonly difference: MicroUsd;
  /** Of the likely estimate; null when that was nothing. */
  readonly percent: number | null;
  readonly isInside: boolean;
}

interface ComparedCost {
  readonly job: Pick<Job, 'mode' | 'state'>;
  readonly total: Pick<CostSum, 'cost'>;
  readonly estimate: { readonly total: Pick<PartEstimate, 'batch' | 'realTime'> } | null;
}

/** Null until all of it was answered: the cost of a part, or of a job that was canceled, is below the estimate of the whole. */
export function deviationOf({ job, total, estimate }: ComparedCost): Comparison | null {
  const range = estimatedCost(estimate?.total, job);
  return range === null || total.cost === null || job.state !== 'done'
    ? null
    : compareCosts(total.cost, range);
}

export function compareCosts(cost: MicroUsd, { low, likely, high }: Range<MicroUsd>): Comparison {
  return {
    difference: cost - likely,
    percent: percentOf(cost - likely, likely),
    isInside: low <= cost && cost <= high,
  };
}
