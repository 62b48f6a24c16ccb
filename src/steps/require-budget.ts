import { usdAtLeast } from '../core/budget.ts';
import { DecisionError } from '../core/errors.ts';
import { shownStage } from '../core/job.ts';
import { formatUsd } from '../core/money.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Budget, Hold } from './budget.ts';
import { type Knobs, measureKnobs } from './budget-knobs.ts';
import { hasBegun } from './check-before-first.ts';
import { requireDecision } from './require-decision.ts';
import type { Run } from './run.ts';

interface Held {
  readonly hold: Hold;
  readonly views: readonly ShardView[];
  readonly until: 'submitted' | 'final' | 'once';
}

/**
 * What the budget holds back may have room once something that is out says what it cost. When nothing is out, or nobody
 * waits, it is for the user to decide. A job of which nothing was sent is as it was before it was submitted.
 *
 * @throws DecisionError
 */
export async function requireBudget(
  run: Run,
  budget: Budget,
  { hold, views, until }: Held,
  signal: AbortSignal,
): Promise<void> {
  const out = views.filter(({ shard }) => shard.state === 'live' || shard.state === 'downloaded');
  const isMoving = out.some(({ submission }) => submission?.state !== 'stuck');
  if (isMoving && until !== 'submitted') {
    budget.tellOnce(hold);
    return;
  }
  // What is reserved for a doubt is free once that is settled.
  if (out.length > 0 && !isMoving) await requireDecision(run, views, 'submitted');
  const isBegun = hasBegun(run, views);
  const error =
    hold.kind === 'unpriced'
      ? unpricedError(run, hold, isBegun)
      : overError(run, budget, hold, {
          isBegun,
          isMoving,
          knobs: await measureKnobs(run, budget, hold, views, signal),
        });
  if (!isBegun) await run.deps.store.withdrawSubmission(run.job.id);
  throw error;
}

interface Facts {
  readonly isBegun: boolean;
  readonly isMoving: boolean;
  readonly knobs: Knobs;
}

function overError(
  run: Run,
  budget: Budget,
  hold: Hold & { readonly kind: 'over' },
  { isBegun, isMoving, knobs }: Facts,
): DecisionError {
  const { jobId } = run.job;
  const { shard, requests, bound, committed } = hold;
  const isRealTime = shard.route === 'real_time';
  const sent = isRealTime ? 'asked' : 'sent';
  const fate = isBegun ? `not ${sent} further` : 'not submitted';
  const rest = isBegun
    ? isRealTime
      ? 'what was answered is kept and not asked again'
      : `nothing of it was sent${isMoving ? ', and what is out goes on' : ''}`
    : 'nothing was sent';
  return new DecisionError(
    `job ${jobId} was ${fate}: ${nameOf(run, hold)} may cost more than its budget has left`,
    {
      code: 'over_budget',
      why: `${requests === 1 ? '1 request' : `${requests} requests`} may cost up to ${formatUsd(bound)}; ${formatUsd(committed.spent)} was spent, ${formatUsd(committed.reserved)} is reserved for what is out or lost, and the limit is ${formatUsd(budget.max)}; ${rest}`,
      next: isBegun ? goOn(run, hold, knobs, isMoving) : beginAnew(run, hold, knobs),
    },
  );
}

/** Also in messages of a run that goes on. */
export function nameOf({ job }: Run, { shard }: Pick<Hold, 'shard'>): string {
  const stage = shownStage(job, shard.stage);
  const name = `shard ${shard.number}${stage === null ? '' : ` of stage ${stage}`}`;
  return shard.route === 'real_time' ? `the next request of ${name}` : name;
}

function goOn({ job }: Run, hold: Hold, knobs: Knobs, isMoving: boolean): string {
  const ways = [`batchctl resume ${job.jobId} --max-usd ${limits(hold, knobs)}`];
  if (isMoving)
    ways.unshift(`batchctl resume ${job.jobId} waits for what is out and sends on as it leaves room`);
  ways.push(`batchctl cancel ${job.jobId} ends it with the answers that are there`);
  return ways.join('; or ');
}

function beginAnew({ job }: Run, hold: Hold, knobs: Knobs): string {
  const flag = hold.shard.route === 'batch' ? ' --use-batch' : '';
  const ways = [`batchctl submit ${job.jobId}${flag} --max-usd ${limits(hold, knobs)}`];
  if (knobs.fitsAsBatch) ways.push(`batchctl submit ${job.jobId} --use-batch, which fits`);
  const smaller = [
    knobs.maxTokens === null ? null : `max_tokens: ${knobs.maxTokens}`,
    knobs.limit === null ? null : `--limit ${knobs.limit}`,
    knobs.shardRequests === null
      ? null
      : `--new --max-shard-requests ${knobs.shardRequests}, so that less is reserved at once`,
  ].filter((knob) => knob !== null);
  if (smaller.length > 0) ways.push(`build it anew with ${smaller.join(', or ')}`);
  return ways.join('; or ');
}

/** The limit under which all that is unsent may go at once, and the least one that gets further. */
function limits(hold: Hold, { forNext, forAll }: Knobs): string {
  const next = usdAtLeast(forNext);
  const all = usdAtLeast(forAll ?? forNext);
  if (all === next) return all;
  const what = hold.shard.route === 'real_time' ? 'the next request' : `shard ${hold.shard.number}`;
  return `${all} (${next} is enough for ${what})`;
}

function unpricedError(
  { job: { jobId } }: Run,
  { models }: Hold & { readonly kind: 'unpriced' },
  isBegun: boolean,
): DecisionError {
  const names = models.map((model) => model ?? 'requests that name no model').join(', ');
  const what = names === '' ? 'what an earlier shard cost is not known' : `there is no price for ${names}`;
  return new DecisionError(
    `job ${jobId} was not ${isBegun ? 'sent further' : 'submitted'}: it has a budget, and ${what}`,
    {
      code: 'price_unknown',
      why: `what it may cost is not known, and a budget does not guess; nothing ${isBegun ? 'more ' : ''}was sent`,
      next: isBegun
        ? `batchctl cancel ${jobId}, name the price under prices: in the job file, and batchctl submit --changed keeps the answers that are there`
        : 'name the price under prices: in the job file, or leave out budget.max_usd and --max-usd, and make it anew with batchctl submit --new',
    },
  );
}
