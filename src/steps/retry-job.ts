import { UsageError } from '../core/errors.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { ClosedShard } from '../core/ports/store-views.ts';
import type { FailureClass } from '../core/result.ts';
import { RETRIED_WHEN_ASKED, RETRIED_WHEN_NAMED, RETRIED_WITH_FORCE } from '../core/retry-rule.ts';
import type { Shard } from '../core/shard.ts';
import { type ApproveRetry, approveRound, undoRetry } from './approve-retry.ts';
import type { Deps } from './deps.ts';
import { requireFrozen } from './frozen-job.ts';
import { lookForLate } from './look-for-late.ts';
import { maxOutputTokensOf } from './output-limits.ts';
import { releaseStage } from './release-stage.ts';
import { requireHome } from './require-home.ts';
import { retryStage } from './retry-stage.ts';
import { startRun } from './run.ts';
import { takeLate } from './take-late.ts';

const COUNTED_AT_ONCE = 1_000;

export interface RetryOptions {
  /** Only these; null: all that make sense. */
  readonly classes: readonly FailureClass[] | null;
  /** Also what the same request would only meet again. */
  readonly force: boolean;
  /** Only rows of this stage. */
  readonly stage: string | null;
  /** Null: the way the job goes. */
  readonly route: Shard['route'] | null;
  /** For each stage, before anything of it counts. Absent: nobody is asked. */
  readonly approve?: ApproveRetry;
}

export interface RetrySummary {
  readonly requests: number;
  /** Rows that were not sent again although their class was asked for, by reason. */
  readonly noUse: ReadonlyMap<string, number>;
}

/**
 * Gives the rows of a job that did not succeed new requests, by class of failure, and those that were held a new try. The
 * job has work again then; sending it is the run's (run-job.ts). Rows that may still be under way are left alone. The
 * caller holds the job's lock.
 *
 * @throws UsageError when the job was never submitted, or has no such stage.
 */
export async function retryJob(
  { id }: Job,
  options: RetryOptions,
  deps: Deps,
  signal: AbortSignal,
): Promise<RetrySummary> {
  const { store, files } = deps;
  // Another process may have had its lock meanwhile.
  const before = await store.jobById(id);
  refuse(before, options);
  await requireHome(before, deps, signal);
  await store.settleAfterCrash(id);
  const run = startRun(before, deps, 0);
  // What is there already is not paid again, whatever was canceled before. Nobody else may have looked for it yet.
  await lookForLate(run, signal);
  const taken = await takeLate(run, signal, { isWanted: true });
  const job = taken > 0 ? await store.jobById(id) : before;
  const hasLater = Object.keys(job.spec.needs).length > 0;
  const frozen = hasLater ? await requireFrozen(job, files) : null;
  const classes = classesOf(options);
  const noUse = new Map<string, number>();
  let requests = 0;
  const approve = async (stage: string, shards: readonly ClosedShard[]): Promise<void> => {
    if (options.approve === undefined) return;
    const route = options.route ?? (job.mode === 'real_time' ? 'real_time' : 'batch');
    try {
      await approveRound(job, { stage, route, shards }, options.approve, deps);
    } catch (error) {
      await undoRetry(job, { isPart: requests + taken > 0 }, deps);
      throw error;
    }
  };
  for (const stage of job.stages) {
    if (options.stage !== null && stage.name !== options.stage) continue;
    const maxOutputTokens = maxOutputTokensOf(job);
    const what = {
      classes,
      maxAttempt: Number.MAX_SAFE_INTEGER,
      route: options.route,
      maxOutputTokens,
      isForced: options.force,
      approve: (shards: readonly ClosedShard[]) => approve(stage.name, shards),
    };
    const retried = await retryStage(run, stage, what, signal);
    requests += retried.requests;
    for (const [why, rows] of retried.noUse) noUse.set(why, (noUse.get(why) ?? 0) + rows);
    const unasked = options.classes === null ? await countMissing(stage.id, store) : 0;
    const whyNot = `they are missing, so they may have been paid; batchctl retry ${job.jobId} --on missing sends them`;
    if (unasked > 0) noUse.set(whyNot, (noUse.get(whyNot) ?? 0) + unasked);
    if (stage.state === 'waiting' || stage.held === 0 || frozen === null) continue;
    await store.unholdRows(stage.id);
    requests += await releaseStage(run, stage, frozen, signal);
  }
  return { requests, noUse };
}

async function countMissing(stageId: number, store: Deps['store']): Promise<number> {
  const filter = { classes: ['missing'], maxAttempt: Number.MAX_SAFE_INTEGER } as const;
  let count = 0;
  for (let after = 0; ; ) {
    const rows = await store.failedRows(stageId, filter, after, COUNTED_AT_ONCE);
    const last = rows.at(-1);
    if (last === undefined) return count;
    count += rows.length;
    after = last.seq;
  }
}

/**
 * What is wrong with a retry whatever becomes of the job: to be asked before anything is done for it.
 *
 * @throws UsageError
 */
export function checkRetry(job: Job, options: RetryOptions): void {
  classesOf(options);
  if (job.spec.adopted) {
    throw new UsageError(`nothing of job ${job.jobId} can be sent again`, {
      code: 'requests_unknown',
      why: 'its batch was made elsewhere: its results are here, what was asked is not',
      next: `send them again where the batch was made; batchctl show ${job.jobId} names the rows that failed`,
    });
  }
  if (job.submitRequestedAt === null) {
    throw new UsageError(`job ${job.jobId} was built but not submitted`, {
      code: 'job_not_submitted',
      next: `batchctl submit ${job.jobId} --use-batch`,
    });
  }
  if (options.stage !== null && !job.spec.stages.includes(options.stage)) {
    throw new UsageError(`job ${job.jobId} has no stage ${options.stage}`, {
      code: 'stage_not_found',
      why: `its stages are ${job.spec.stages.join(', ')}`,
      next: `batchctl retry ${job.jobId} --stage with one of them`,
    });
  }
}

function refuse(job: Job, options: RetryOptions): void {
  checkRetry(job, options);
  if (!isFinal(job.state) && job.cancelRequestedAt !== null) {
    throw new UsageError(`job ${job.jobId} is being canceled`, {
      code: 'job_canceling',
      why: 'what its batches have done already is not known yet',
      next: `batchctl retrieve ${job.jobId} --wait, then retry`,
    });
  }
}

function classesOf({ classes, force }: RetryOptions): readonly FailureClass[] {
  const whole = force ? [...RETRIED_WHEN_ASKED, ...RETRIED_WITH_FORCE] : RETRIED_WHEN_ASKED;
  if (classes === null) return whole;
  const allowed = [...whole, ...RETRIED_WHEN_NAMED];
  const barred = classes.filter((name) => !allowed.includes(name));
  if (barred.length === 0) return classes;
  throw new UsageError(`${barred.join(', ')} is not sent again like this`, {
    code: 'retry_refused',
    why: barred.includes('held')
      ? 'a held row has no request: it goes on by itself once what it needs has succeeded'
      : 'the same request would fail again',
    next: barred.includes('held')
      ? 'retry the stage it needs'
      : 'mend the job file and submit --changed, or insist with --force',
  });
}
