import type { SeedReport } from './run-seed.ts';

/** Sums over all seeds that were run, in a form that is printed and written as JSON alike. */
export interface Totals {
  readonly seeds: number;
  readonly failed: number;
  readonly processes: number;
  readonly kills: number;
  readonly posts: number;
  readonly batches: number;
  readonly foreign_batches: number;
  readonly seals: number;
  readonly doubts: number;
  readonly adopted: number;
  readonly judged_absent: number;
  readonly candidates_rejected: number;
  readonly stuck: number;
  /** Those judged absent, from the seal to the deciding look, as a share of the settle time. */
  readonly median_verdict: number | null;
}

export function sumUp(reports: readonly SeedReport[]): Totals {
  const sum = (value: (report: SeedReport) => number): number =>
    reports.reduce((total, report) => total + value(report), 0);
  const event = (kind: string): number => sum(({ store }) => store.events.get(kind) ?? 0);
  const verdicts = reports
    .flatMap(({ plan, store }) => store.absentAfterMs.map((ms) => ms / (plan.settleSeconds * 1000)))
    .sort((a, b) => a - b);
  return {
    seeds: reports.length,
    failed: sum(({ problems }) => (problems.length > 0 ? 1 : 0)),
    processes: sum(({ processes }) => processes),
    kills: sum(({ kills }) => kills),
    posts: sum(({ posts }) => posts),
    batches: sum(({ batches }) => batches),
    foreign_batches: sum(({ foreignBatches }) => foreignBatches),
    seals: sum(({ store }) => store.submissions.filter(({ isSealed }) => isSealed).length),
    doubts: event('submission_doubted'),
    adopted: event('adopted'),
    judged_absent: event('judged_absent'),
    candidates_rejected: event('candidate_rejected'),
    stuck: event('judged_stuck'),
    median_verdict: verdicts[Math.floor(verdicts.length / 2)] ?? null,
  };
}
