import { UsageError } from '../core/errors.ts';
import { isFinal } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { Lock } from '../core/ports/locks.ts';
import type { FailureClass } from '../core/result.ts';
import type { Deps } from '../steps/deps.ts';
import { carryOn, describeJob, endJob, requireSubmitted } from './carry-on.ts';
import type { CallOptions, Job } from './job.ts';
import { readJob, sessionOf, working } from './session.ts';

/** How long to wait, and how. */
export interface WaitOptions extends CallOptions {
  /** Milliseconds between two looks at the batches, at least 100. Default: longer and longer, with the age of the batches. */
  readonly intervalMs?: number;
  /** Milliseconds after which the call returns with the job as it is then. Default: 15 minutes past the end of its batches. */
  readonly maxWaitMs?: number;
  /**
   * So many requests may be in batches at once, of all jobs of the account that are known here; further shards wait. Default:
   * as many as the API takes.
   */
  readonly maxInFlight?: number;
  /**
   * The most that the job may cost, in US dollars with at most six decimals, in all and from now on: instead of the budget of
   * its definition, and kept for later calls.
   */
  readonly maxUsd?: number;
  /** In real time: this many requests at once, 1 to 64. Default 8. */
  readonly concurrency?: number;
  /** In real time: no more than this. Default: no limit but the API's. */
  readonly requestsPerMinute?: number;
  /** In real time: tokens in and out. */
  readonly tokensPerMinute?: number;
}

export interface SubmitOptions extends WaitOptions {
  /**
   * `batch` (default): through the Message Batches API, at half the price and within 24 hours. `real_time`: one by one,
   * answered at once. A job that was submitted keeps its way.
   */
  readonly mode?: 'batch' | 'real_time';
  /**
   * `submitted`: return once the batches exist; they go on by themselves. `ended`: wait until every request has its
   * outcome and the results are written. Default: `submitted` for batches, `ended` in real time, where nothing goes on
   * without the caller.
   */
  readonly until?: 'submitted' | 'ended';
}

export interface RetryOptions extends WaitOptions {
  /** Only rows with these failures. Default: all that may go better another time. */
  readonly on?: readonly FailureClass[];
  /** Also `invalid_request`, `not_found` and `refused`, which the same request would most likely meet again. */
  readonly force?: boolean;
  /** Only rows of this stage. */
  readonly stage?: string;
  /** As in SubmitOptions. */
  readonly until?: 'submitted' | 'ended';
}

/**
 * Sends a job. Every batch is created once: after a crash or an abort the same call finds what was sent and carries on.
 * Does nothing to a final job.
 *
 * @returns the job as it is then; its batches are in `batches`.
 * @throws AuthError; ProviderError; DecisionError when only the user can say whether a batch exists, and `over_budget` when
 *   the budget has no room for the rest (and of what is out nothing can leave some); StoreError `job_locked` while another call or process works on the job; InterruptedError.
 */
export async function submitJob(job: Job, options: SubmitOptions = {}): Promise<JobDocument> {
  return submitHeld(job, null, options);
}

/** The same under a lock that the caller has, and lets go; null: it has none. */
export async function submitHeld(job: Job, lock: Lock | null, options: SubmitOptions): Promise<JobDocument> {
  const session = sessionOf(job.workspace);
  return working(`submitting job ${job.jobId}`, options.signal, async (signal) => {
    const stored = await readJob(job);
    if (isFinal(stored.state)) {
      await endJob(stored, session, signal);
      return describeJob(stored, session);
    }
    const mode = stored.mode ?? options.mode ?? 'batch';
    if (mode === 'real_time' && options.until === 'submitted') throw nothingGoesOn();
    const what = { mode, until: untilOf(options.until, mode), lock };
    const first = async (deps: Deps): Promise<void> => {
      const { beginJob } = await import('../steps/begin-job.ts');
      // Nobody is asked: a program has its budget.
      const begin = { pilot: null, prime: false, decide: async () => mode };
      if (stored.submitRequestedAt === null) await beginJob(stored, begin, deps, signal);
    };
    return describeJob(await carryOn(stored, what, options, session, signal, first), session);
  });
}

/**
 * Waits until a submitted job is final: every request has its outcome, and the results are written. Carries on whatever an
 * earlier process has left: sends what was to be sent, fetches what has ended, makes the later stages. May be called at
 * any time and in any process, one at a time for a job.
 *
 * @returns the job. Its `state` is `done`, `canceled` or `failed`, or another one when `maxWaitMs` came first.
 * @throws as submitJob, and UsageError `job_not_submitted`.
 */
export async function pollUntilEnded(job: Job, options: WaitOptions = {}): Promise<JobDocument> {
  const session = sessionOf(job.workspace);
  return working(`waiting for job ${job.jobId}`, options.signal, async (signal) => {
    const stored = await readJob(job);
    requireSubmitted(stored);
    if (!isFinal(stored.state)) {
      const what = { mode: stored.mode ?? 'batch', until: 'final' } as const;
      return describeJob(await carryOn(stored, what, options, session, signal), session);
    }
    await endJob(stored, session, signal);
    return describeJob(stored, session);
  });
}

/**
 * Sends again what did not succeed, each failure by its own rule (docs/job-file.md, `retry`); the rows that are good stay.
 * Each new attempt is paid for.
 *
 * @throws as submitJob, and UsageError `job_not_submitted`, `retry_refused`, `stage_not_found`, `job_canceling`.
 */
export async function retryJob(job: Job, options: RetryOptions = {}): Promise<JobDocument> {
  const session = sessionOf(job.workspace);
  return working(`retrying job ${job.jobId}`, options.signal, async (signal) => {
    const stored = await readJob(job);
    const mode = stored.mode ?? 'batch';
    if (mode === 'real_time' && options.until === 'submitted') throw nothingGoesOn();
    const steps = await import('../steps/retry-job.ts');
    const { on: classes = null, force = false, stage = null } = options;
    const what = { mode, until: untilOf(options.until, mode) };
    const fresh = await carryOn(stored, what, options, session, signal, async (deps) => {
      const { requests, noUse } = await steps.retryJob(
        stored,
        { classes, force, stage, route: null },
        deps,
        signal,
      );
      deps.report({ kind: 'notice', text: `${requests} requests to send again` });
      for (const [why, rows] of noUse)
        deps.report({ kind: 'notice', text: `${rows} not sent again: ${why}` });
    });
    return describeJob(fresh, session);
  });
}

function untilOf(asked: SubmitOptions['until'], mode: 'batch' | 'real_time'): 'submitted' | 'final' {
  return (asked ?? (mode === 'batch' ? 'submitted' : 'ended')) === 'ended' ? 'final' : 'submitted';
}

function nothingGoesOn(): UsageError {
  return new UsageError("until: 'submitted' needs batches", {
    code: 'use_batch_missing',
    why: 'in real time requests are asked one by one, and nothing goes on once the call has returned',
    next: "leave until out, or submit with mode: 'batch'",
  });
}
