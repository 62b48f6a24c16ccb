import { usdAtLeast } from '../core/budget.ts';
import { isKnownError, UsageError } from '../core/errors.ts';
import { isInterruption } from '../core/interruption.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { Deps } from '../steps/deps.ts';
import { describeJob } from '../steps/describe-job.ts';
import type { RunOptions } from '../steps/run-job.ts';
import { catchUpAfter, catchUpAll, runAfter } from './after-run.ts';
import { withHolder } from './at-work.ts';
import { carryOn } from './carry-on.ts';
import { type CarryOne, carryOnAll, isBesideDoubt, type Phase } from './carry-on-all.ts';
import type { ResumeFlags } from './commands/resume.ts';
import type { Context } from './context.ts';
import { findJob } from './find-job.ts';
import { formatJob, printJob, sayNext, verdictOf } from './print-job.ts';
import { refuseOlderCopy } from './refuse-older-copy.ts';
import type { Verdict } from './report-error.ts';
import { isLocked, runLocked } from './run-locked.ts';

/** One job, whatever its state; a decision of the user's comes first. */
export async function resumeOne(id: string, flags: ResumeFlags, context: Context): Promise<Verdict> {
  const job = await findJob(id, context);
  // An older copy may have forgotten that the job was submitted.
  if (job.submitRequestedAt === null && flags.acceptStore !== true) {
    const max = flags.maxUsd === undefined ? '' : ` --max-usd ${usdAtLeast(flags.maxUsd)}`;
    throw new UsageError(`job ${job.jobId} was built but not submitted`, {
      code: 'job_not_submitted',
      next: `batchctl submit ${job.jobId} --use-batch${max}`,
    });
  }
  if (isFinal(job.state)) await catchUpAfter(job, flags.notify ?? null, context);
  if (isFinal(job.state) && (flags.adopt !== undefined || flags.resubmit)) {
    throw new UsageError(`nothing of job ${job.jobId} is in doubt`, {
      code: 'nothing_in_doubt',
      why: `it is ${job.state}`,
      next: `batchctl show ${job.jobId}`,
    });
  }
  const fresh = isFinal(job.state) ? job : await resume(job, flags, until(flags), context);
  const document = await describeJob(fresh, await context.wire.localDeps());
  await printJob(document, context);
  return verdictOf(document);
}

/**
 * Every unfinished job that was submitted: all are sent first, one after another, and only then waited for, all together, so
 * that a job that takes a day does not keep another one from being sent, nor from what has room by then. One job's failure
 * does not stop the others. A final job whose later stages go on, for the sake of answers that came late, is one of them at
 * the end.
 */
export async function resumeAll(flags: ResumeFlags, context: Context): Promise<Verdict> {
  // It may lack just what is under way, and would say that nothing is.
  await refuseOlderCopy('nothing was resumed', context);
  await catchUpAll(context);
  const jobs = [...(await submittedJobs(context))];
  const failures = new Map<number, unknown>();
  const phases: readonly Phase[] = flags.once ? ['once'] : ['submitted', 'final'];
  const carryOne: CarryOne = (job, phase, turn, sleep) => resume(job, flags, phase, turn, sleep);
  await carryOnAll(jobs, phases, failures, context, carryOne);
  // The job whose doubt it was may have come after them.
  const again = jobs.filter(({ id }) => isBesideDoubt(failures.get(id)));
  for (const { id } of again) failures.delete(id);
  const left = await watchFinished(context);
  jobs.push(...left);
  await carryOnAll([...again, ...left], phases, failures, context, carryOne);
  const verdicts = await printAll(jobs, context);
  const [first] = jobs
    .flatMap(({ id }) => (failures.has(id) ? [failures.get(id)] : []))
    .filter((error) => !isLocked(error));
  if (first !== undefined) throw first;
  if (failures.size > 0 || verdicts.includes('pending')) return 'pending';
  return verdicts.includes('failed_rows') ? 'failed_rows' : 'done';
}

/**
 * A day long, a submission that was given up is looked for, also after its job is done.
 *
 * @returns those that are not final any more: their later stages go on with what came late.
 */
async function watchFinished(context: Context): Promise<readonly Job[]> {
  const store = await context.wire.existingStore();
  const jobs = (await store?.jobsUnderWatch(context.clock.now().getTime())) ?? [];
  const { watchJob } = await import('../steps/watch-job.ts');
  const left: Job[] = [];
  for (const job of jobs.filter((one) => isFinal(one.state))) {
    const watch = async (deps: Deps): Promise<void> => {
      await watchJob(job, deps, context.signal);
      // It may have ended once more, with answers that came late.
      await runAfter(await deps.store.jobById(job.id), null, deps, context);
    };
    await runLocked(job, context, context, watch).catch((error) => {
      if (isInterruption(error, context.signal) || !isKnownError(error)) throw error;
      context.talk.warn(`an earlier submission of ${job.jobId} could not be looked for: ${error.message}`);
    });
    const fresh = await store?.jobById(job.id);
    if (fresh !== undefined && !isFinal(fresh.state)) left.push(fresh);
  }
  return left;
}

async function submittedJobs(context: Context): Promise<readonly Job[]> {
  const store = await context.wire.existingStore();
  const pending = (await store?.listJobs({ pendingOnly: true, limit: null })) ?? [];
  // Oldest first: what has waited longest is nearest to its end. What is asked in real time waits for nobody else.
  const submitted = pending.filter((job) => job.submitRequestedAt !== null).reverse();
  // A run that was killed between its build and its first upload leaves such a job, and nobody else would name it.
  for (const { jobId } of pending.filter((job) => job.submitRequestedAt === null && job.state === 'built'))
    context.talk.warn(
      `job ${jobId} is built and was never sent: batchctl submit ${jobId} --use-batch sends it`,
    );
  const isRealTime = (job: Job): boolean => job.mode === 'real_time';
  return [...submitted.filter(isRealTime), ...submitted.filter((job) => !isRealTime(job))];
}

async function printAll(jobs: readonly Job[], context: Context): Promise<readonly Verdict[]> {
  const documents: JobDocument[] = [];
  const printed: string[] = [];
  for (const job of jobs) {
    const deps = await context.wire.localDeps();
    const document = await withHolder(await describeJob(await deps.store.jobById(job.id), deps), context);
    documents.push(document);
    if (!context.json) printed.push(await formatJob(document, deps));
  }
  if (context.json) await context.output.json(documents);
  else if (jobs.length === 0) context.talk.say(`no unfinished jobs in ${context.wire.root}`);
  else await context.output.line(printed.join('\n\n'));
  for (const document of documents) await sayNext(document, context);
  return documents.map(verdictOf);
}

function until(flags: ResumeFlags): Phase {
  return flags.once ? 'once' : 'final';
}

function resume(
  job: Job,
  flags: ResumeFlags,
  phase: Phase,
  context: Context,
  sleep?: RunOptions['sleep'],
): Promise<Job> {
  const first = async (deps: Deps): Promise<undefined> => {
    await decide(job, flags, deps, context);
  };
  const what = { submit: true, until: phase, isFollowed: phase === 'submitted' };
  return carryOn(job, sleep === undefined ? what : { ...what, sleep }, flags, context, first);
}

async function decide(job: Job, flags: ResumeFlags, deps: Deps, context: Context): Promise<void> {
  if (flags.acceptStore) {
    const { acceptStore } = await import('../steps/accept-store.ts');
    await acceptStore(job, deps, context.signal);
  }
  if (flags.adopt === undefined && !flags.resubmit) return;
  const { adoptByUser, resubmitByUser } = await import('../steps/decide-doubt.ts');
  if (flags.adopt !== undefined) await adoptByUser(job, flags.adopt, deps, context.signal);
  else await resubmitByUser(job, deps);
}
