import { maxTokensWithin, withMaxTokens } from '../core/budget.ts';
import { boundOf, boundOfRequest } from '../core/cost-bound.ts';
import type { Estimate } from '../core/estimate.ts';
import type { MicroUsd } from '../core/money.ts';
import { shardPath } from '../core/ports/files.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import { readShardLine } from '../core/shard-line.ts';
import { mergeSizes } from '../core/size-counter.ts';
import { hasAnswers, openAnswers } from './answers.ts';
import type { Budget, Hold } from './budget.ts';
import { hasBegun } from './check-before-first.ts';
import type { Run } from './run.ts';

/** What would bring a job under its budget, or its budget over the job. Null: that would not help. */
export interface Knobs {
  /** The least limit that gets it further. */
  readonly forNext: MicroUsd;
  /** With this one nothing of what is made so far is held back; null: some of it has no price. */
  readonly forAll: MicroUsd | null;
  readonly maxTokens: number | null;
  readonly fitsAsBatch: boolean;
  /** So many of its first requests fit. */
  readonly limit: number | null;
  /** Shards of so many requests fit one after another. */
  readonly shardRequests: number | null;
}

type Over = Hold & { readonly kind: 'over' };

/** Counted from the requests themselves; only a limit helps a job of which something was sent. */
export async function measureKnobs(
  run: Run,
  budget: Budget,
  hold: Over,
  views: readonly ShardView[],
  signal: AbortSignal,
): Promise<Knobs> {
  const { committed, bound } = hold;
  const taken = committed.spent + committed.reserved;
  const unsent = views
    .map((view) => view.shard)
    .filter((shard) => shard.state === 'built' && shard.route !== 'none');
  const rest = await boundOfRest(run, budget, unsent, signal);
  const limits = { forNext: taken + bound, forAll: rest === null ? null : taken + Math.max(rest, bound) };
  const none = { maxTokens: null, fitsAsBatch: false, limit: null, shardRequests: null };
  if (hasBegun(run, views)) return { ...limits, ...none };
  return {
    ...limits,
    ...(await knobsOfUnsent(run, budget, hold, unsent, signal)),
    ...(await laterStages(run, hold, limits.forAll)),
  };
}

async function knobsOfUnsent(
  run: Run,
  budget: Budget,
  { shard, committed }: Over,
  unsent: readonly Shard[],
  signal: AbortSignal,
): Promise<Pick<Knobs, 'maxTokens' | 'fitsAsBatch' | 'limit' | 'shardRequests'>> {
  const left = budget.max - committed.spent - committed.reserved;
  const basis = await budget.basisOf(shard, signal);
  const ofStage = unsent.filter((one) => one.stage === shard.stage);
  const sizes = mergeSizes(
    (await Promise.all(ofStage.map((one) => budget.sizesOf(one)))).filter((one) => one !== null),
  );
  const most = Math.max(...sizes.classes.map((one) => Math.ceil(one.maxTokens / one.requests)));
  const isWhole = ofStage.length === unsent.length && run.job.stages.length === 1;
  const asBatch = boundOf(sizes, { ...basis, route: 'batch' });
  const fitting = await countFitting(run, shard, left, (params) => boundOfRequest(params, basis));
  const estimate = await run.deps.store.estimateOf(run.job.id);
  const likely = estimate?.total.batch?.likely ?? Number.POSITIVE_INFINITY;
  const maxTokens = maxTokensWithin(left, most, (tokens) => boundOf(withMaxTokens(sizes, tokens), basis));
  return {
    maxTokens: isWhole && (maxTokens ?? 0) >= likelyAnswer(estimate, shard.stage) ? maxTokens : null,
    fitsAsBatch: isWhole && shard.route === 'real_time' && asBatch !== null && asBatch <= left,
    // The first requests are those of the first shard, unless shards are made by groups.
    limit: isWhole && shard.group === null && shard.number === 1 && fitting > 0 ? fitting : null,
    shardRequests: shard.route === 'batch' && fitting > 0 && likely <= left ? fitting : null,
  };
}

/** Tokens of one answer, where anything is known of them: with less most would be cut. */
function likelyAnswer(estimate: Estimate | null, stage: string): number {
  const known = estimate?.stages.find((one) => one.stage === stage && one.outputBasis !== 'max_tokens');
  return known === undefined ? 0 : known.outputTokens.likely / Math.max(1, known.requests);
}

/** What later stages may cost is guessed; without that the limit would be met again there. */
async function laterStages(
  { job, deps }: Run,
  { shard }: Over,
  forAll: MicroUsd | null,
): Promise<Pick<Knobs, 'forAll'>> {
  if (job.stages.length === 1 || forAll === null) return { forAll };
  const total = (await deps.store.estimateOf(job.id))?.total;
  const high = (shard.route === 'batch' ? total?.batch : total?.realTime)?.high ?? 0;
  return { forAll: Math.max(forAll, high) };
}

async function boundOfRest(
  run: Run,
  budget: Budget,
  unsent: readonly Shard[],
  signal: AbortSignal,
): Promise<MicroUsd | null> {
  let sum = 0;
  for (const shard of unsent) {
    const isAsked = shard.route === 'real_time' && hasAnswers(run.job, shard, run.deps);
    const bound = isAsked
      ? await boundOfUnanswered(run, budget, shard, signal)
      : await budget.boundOf(shard, signal);
    if (bound === null) return null;
    sum += bound;
  }
  return sum;
}

async function boundOfUnanswered(
  run: Run,
  budget: Budget,
  shard: Shard,
  signal: AbortSignal,
): Promise<MicroUsd> {
  const basis = await budget.basisOf(shard, signal);
  const answers = await openAnswers(run.job, shard, run.deps);
  let sum = 0;
  try {
    for await (const { paramsJson } of answers.unanswered()) sum += boundOfRequest(paramsJson, basis) ?? 0;
  } finally {
    answers.close();
  }
  return sum;
}

/** How many requests of the shard, from its first one, stay within `left` together. */
async function countFitting(
  { job, deps: { files } }: Run,
  shard: Shard,
  left: MicroUsd,
  boundOfOne: (paramsJson: string) => MicroUsd | null,
): Promise<number> {
  let sum = 0;
  let fitting = 0;
  for await (const lines of files.lines(shardPath(files.requestsDir(job.jobId), shard.stage, shard.number))) {
    for (const { text } of lines) {
      const params = readShardLine(text)?.paramsJson;
      sum += (params === undefined ? null : boundOfOne(params)) ?? Number.POSITIVE_INFINITY;
      if (sum > left) return fitting;
      fitting += 1;
    }
  }
  return fitting;
}
