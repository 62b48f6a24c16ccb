import { promptTokens } from '../core/billing.ts';
import type { CalculatedRow } from '../core/calculator.ts';
import { type CostReport, deviationOf, type OpenPart } from '../core/cost-report.ts';
import {
  type CostRow,
  type CostSum,
  cacheHitPercent,
  percentOf,
  savedAgainst,
  type UnknownCosts,
} from '../core/cost-rows.ts';
import { sideOf } from '../core/job.ts';
import type { CostSummary } from '../steps/cost-summary.ts';
import { estimateDocument } from './print-estimate.ts';
import type { PriceRow } from './print-prices.ts';

/** What `cost <id> --json` prints; docs/json.md describes it. */
export function costDocument(report: CostReport): object {
  const { job, estimate, total, open } = report;
  const deviation = deviationOf(report);
  return {
    job_id: job.jobId,
    name: job.name,
    state: job.state,
    mode: job.mode,
    on: sideOf(job),
    ...sumDocument(total),
    ...unknownDocument(report.unknown),
    estimate: estimate === null ? null : estimateDocument(estimate),
    difference_microusd: deviation?.difference ?? null,
    difference_percent: deviation?.percent ?? null,
    within_range: deviation?.isInside ?? null,
    budget_microusd: report.max,
    unsent: openDocument(open.unsent),
    under_way: openDocument(open.underWay),
    lost: openDocument(open.lost),
    missing: report.missing,
    reused: report.reused,
    late_duplicates: report.duplicates.map(({ batchId, kept }) => ({
      batch_id: batchId,
      answers: kept?.answers ?? null,
      cost_microusd: kept?.cost ?? null,
    })),
    retries: sumDocument(report.retries),
    stages: rowDocuments('stage', report.stages),
    groups: rowDocuments('group', report.groups),
    models: rowDocuments('model', report.models),
    failures: rowDocuments('failure', report.failures),
  };
}

/** What `cost --json` prints. */
export function summaryDocument(summary: CostSummary, jobs: readonly CostRow[]): object {
  return {
    on: summary.on,
    ...sumDocument(summary.total),
    ...unknownDocument(summary.unknown),
    months: rowDocuments('month', summary.months),
    models: rowDocuments('model', summary.models),
    jobs: rowDocuments('job_id', jobs),
    job_count: summary.jobs.length,
    jobs_on_the_other_side: summary.otherJobs,
  };
}

/** What `cost --items --json` prints. */
export function calculatorDocument(rows: readonly CalculatedRow[]): object {
  return rows.map(({ items, model, realTime, batch }) => ({
    items,
    model,
    real_time_microusd: realTime,
    batch_microusd: batch,
    saved_microusd: realTime - batch,
  }));
}

/** What `cost --table --json` prints: a row for each band, in micro-dollars for a million tokens. */
export function pricesDocument(rows: readonly PriceRow[]): object {
  return rows.map(({ price, band, batchInput, batchOutput }) => ({
    model: price.model,
    aliases: price.aliases,
    max_prompt_tokens: band.maxPromptTokens,
    input_microusd: band.input,
    output_microusd: band.output,
    cache_write_5m_microusd: band.cacheWrite5m,
    cache_write_1h_microusd: band.cacheWrite1h,
    cache_read_microusd: band.cacheRead,
    batch_input_microusd: batchInput,
    batch_output_microusd: batchOutput,
    us_percent: price.usPercent,
    from: price.from,
    until: price.until,
    source: price.source,
    as_of: price.asOf === '' ? null : price.asOf,
  }));
}

function rowDocuments(key: string, rows: readonly CostRow[]): readonly object[] {
  return rows.map((row) => ({ [key]: row.name, ...sumDocument(row) }));
}

/** Every sum of answers has these keys. */
function sumDocument(sum: CostSum): object {
  const saved = savedAgainst(sum.realTime, sum.cost);
  return {
    answers: sum.answers,
    cost_microusd: sum.cost,
    known_microusd: sum.known,
    real_time_microusd: sum.realTime,
    saved_microusd: saved,
    saved_percent: saved === null ? null : percentOf(saved, sum.realTime ?? 0),
    cache_hit_percent: cacheHitPercent(sum),
    cache_saved_microusd: savedAgainst(sum.uncached, sum.cost),
    prompt_tokens: promptTokens(sum),
    input_tokens: sum.input,
    output_tokens: sum.output,
    cache_write_5m_tokens: sum.cacheWrite5m,
    cache_write_1h_tokens: sum.cacheWrite1h,
    cache_read_tokens: sum.cacheRead,
    web_searches: sum.webSearches,
  };
}

function unknownDocument({ unpriced, withoutUsage, unknownShards }: UnknownCosts): object {
  return { unpriced_models: unpriced, answers_without_usage: withoutUsage, unknown_shards: unknownShards };
}

function openDocument({ requests, high }: OpenPart): object {
  return { requests, high_microusd: high };
}
