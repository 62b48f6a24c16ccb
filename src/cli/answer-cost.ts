import { calculateCosts, newestOfEachLine } from '../core/calculator.ts';
import type { UnknownCosts } from '../core/cost-rows.ts';
import { UsageError } from '../core/errors.ts';
import { sideOf } from '../core/job.ts';
import type { ModelPrice } from '../core/model-price.ts';
import { didYouMean } from '../core/nearest.ts';
import { openPriceList, type PriceList } from '../core/price-list.ts';
import type { Context } from './context.ts';
import type { CostQuestion } from './cost-flags.ts';
import { findJob } from './find-job.ts';
import { formatMany } from './output.ts';
import { formatCalculation } from './print-calculator.ts';
import { formatCost } from './print-cost.ts';
import { calculatorCsv, jobCsv, pricesCsv, summaryCsv } from './print-cost-csv.ts';
import { calculatorDocument, costDocument, pricesDocument, summaryDocument } from './print-cost-json.ts';
import { formatSummary } from './print-cost-summary.ts';
import { formatPrices, priceRows } from './print-prices.ts';

/** One answer in each form that it may be asked for. */
export interface CostAnswer {
  /** Null: there is nothing to show. */
  readonly text: string | null;
  readonly document: () => object;
  readonly csv: () => Promise<string>;
  /** What is not in the sums. */
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** @throws UsageError for a job or a model that there is not */
export function answerCost(question: CostQuestion, context: Context): Promise<CostAnswer> {
  switch (question.kind) {
    case 'job':
      return answerJob(question.id, context);
    case 'all_jobs':
      return answerAllJobs(question.limit, context);
    case 'prices':
      return answerPrices(question.id, context);
    case 'calculator':
      return answerCalculator(question, context);
  }
}

async function answerJob(id: string, context: Context): Promise<CostAnswer> {
  const job = await findJob(id, context);
  const { findCostOfJob } = await import('../steps/cost-of-job.ts');
  const report = await findCostOfJob(job, await context.wire.localDeps(), context.signal);
  const isRehearsal = sideOf(job) === 'emulator';
  return {
    text: formatCost(report),
    document: () => costDocument(report),
    csv: () => jobCsv(report.lines),
    warnings: warnUnknown(report.unknown),
    notes: isRehearsal ? ['a rehearsal on the emulator: nothing of this is charged'] : [],
  };
}

async function answerAllJobs(limit: number, context: Context): Promise<CostAnswer> {
  const { summarizeCosts } = await import('../steps/cost-summary.ts');
  const on = context.emulator ? 'emulator' : 'api';
  // Looking must not make a workspace where there is none.
  const isThere = (await context.wire.existingStore()) !== null;
  const summary = await summarizeCosts(on, isThere ? await context.wire.localDeps() : null, context.signal);
  const jobs = summary.jobs.slice(0, limit);
  const hidden = summary.jobs.length - jobs.length;
  const notes = [];
  if (summary.jobs.length === 0)
    notes.push(`no job in ${context.wire.root} has ${on === 'api' ? 'cost anything' : 'been rehearsed'} yet`);
  if (hidden > 0)
    notes.push(
      `${formatMany(hidden, 'older job')} not shown; --all shows them, and the other tables have them`,
    );
  if (on === 'emulator' && jobs.length > 0)
    notes.push('rehearsals on the emulator: nothing of this is charged');
  if (on === 'api' && summary.otherJobs > 0)
    notes.push(
      `left out: ${formatMany(summary.otherJobs, 'rehearsal')} on the emulator (batchctl cost --emulator)`,
    );
  return {
    text: summary.jobs.length === 0 ? null : formatSummary(summary, jobs),
    document: () => summaryDocument(summary, jobs),
    csv: () => summaryCsv(summary.lines),
    warnings: warnUnknown(summary.unknown),
    notes,
  };
}

function warnUnknown({ unpriced, withoutUsage, unknownShards }: UnknownCosts): readonly string[] {
  const warnings = [];
  if (unpriced.length > 0)
    warnings.push(
      `no price is known for ${unpriced.join(', ')}; \`prices\` in the job file adds one for the next job`,
    );
  if (withoutUsage > 0)
    warnings.push(`what ${formatMany(withoutUsage, 'answer')} cost is not known: no usage stands in them`);
  if (unknownShards > 0)
    warnings.push(
      `what ${formatMany(unknownShards, 'shard')} cost is not known: a version without prices applied them, and their ` +
        'raw results are gone',
    );
  return warnings;
}

async function answerPrices(id: string | null, context: Context): Promise<CostAnswer> {
  const overrides = id === null ? [] : (await findJob(id, context)).spec.spending.prices;
  const prices = openPriceList(overrides).all(context.clock.now().toISOString());
  return {
    text: formatPrices(prices),
    document: () => pricesDocument(priceRows(prices)),
    csv: () => pricesCsv(priceRows(prices)),
    warnings: [],
    notes: [],
  };
}

async function answerCalculator(
  what: CostQuestion & { readonly kind: 'calculator' },
  context: Context,
): Promise<CostAnswer> {
  const list = openPriceList([]);
  const at = context.clock.now().toISOString();
  const models =
    what.models.length === 0
      ? newestOfEachLine(list.all(at))
      : what.models.map((name) => requirePrice(name, list, at));
  const rows = calculateCosts(what, models);
  return {
    text: formatCalculation(rows),
    document: () => calculatorDocument(rows),
    csv: () => calculatorCsv(rows),
    warnings: [],
    notes: [],
  };
}

function requirePrice(name: string, list: PriceList, at: string): ModelPrice {
  const price = list.priceOf(name, at);
  if (price !== null) return price;
  const names = list.all(at).flatMap(({ model, aliases }) => [model, ...aliases]);
  throw new UsageError(`no price is known for ${name}${didYouMean(name, names)}`, {
    code: 'price_unknown',
    next: 'batchctl cost --table lists the models',
  });
}
