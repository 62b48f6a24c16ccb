import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Estimate } from '../../core/estimate.ts';
import { isFinal, type Job, type JobMode } from '../../core/job.ts';
import type { Lock } from '../../core/ports/locks.ts';
import type { Built } from '../../steps/build-requests.ts';
import type { Deps } from '../../steps/deps.ts';
import { describeJob } from '../../steps/describe-job.ts';
import { catchUpAfter } from '../after-run.ts';
import { buildHere } from '../build-here.ts';
import { carryOn } from '../carry-on.ts';
import { decidedMode } from '../choose-mode.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { addBuildFlags, addWaitFlags, type BuildFlags, type WaitFlags } from '../flags.ts';
import {
  addFirstFlags,
  addMoneyFlags,
  checkFirstFlags,
  type FirstFlags,
  firstFlagsGiven,
  type MoneyFlags,
} from '../money-flags.ts';
import { addNarrowFlags, writeNarrowFlags } from '../narrow-flags.ts';
import { addPaceFlags, type PaceFlags, paceFlagsGiven } from '../pace-flags.ts';
import { pickTarget } from '../pick-target.ts';
import { printJob, verdictOf } from '../print-job.ts';
import { sayNothingMissing } from '../print-narrowed.ts';
import type { Verdict } from '../report-error.ts';

interface SubmitFlags extends BuildFlags, WaitFlags, PaceFlags, MoneyFlags, FirstFlags {
  readonly useBatch?: boolean;
  readonly submitOnly?: boolean;
  readonly restInRealTime?: boolean;
}

export function addSubmitCommand(program: Command, io: Io): void {
  const command = program
    .command('submit')
    .summary('build, send, wait, write the results')
    .argument('[job]', 'a job file, a job id from build, or a FILE.jsonl of ready-made requests')
    .description(
      'Build the requests, send them, wait and write the results: as batches with --use-batch (half the price, up to 24 ' +
        'hours), else one by one in real time, with the same outputs. Started again with the same content it carries the ' +
        'unfinished job on. Without [job] it takes the only *.job.yaml of the workspace.',
    )
    .option('--use-batch', 'use the Message Batches API')
    .option('--submit-only', 'leave once the batches exist; retrieve fetches the results later')
    .option(
      '--rest-in-real-time',
      'of a job that was submitted: ask now, at full price, for what its batches leave expired or canceled',
    );
  addMoneyFlags(command);
  addFirstFlags(command);
  addNarrowFlags(command);
  addBuildFlags(command);
  addPaceFlags(command);
  addWaitFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl submit --use-batch\n  $ batchctl submit reviews.job.yaml --use-batch --submit-only --set model=claude-haiku-5-5\n' +
        '  $ batchctl submit ready.jsonl --use-batch --emulator\n  $ batchctl submit --concurrency 16 --rpm 200\n' +
        '  $ batchctl submit --use-batch --select teg=10-17 --limit 5\n  $ batchctl submit --use-batch --stage report --missing\n' +
        '  $ batchctl submit --use-batch --max-usd 25\n  $ batchctl submit --use-batch --pilot 20 --pilot-min-success 0.95\n',
    )
    .action((target: string | undefined, flags: SubmitFlags, self: Command) =>
      io.run(self, (context) => submit(target, flags, context)),
    );
}

async function submit(text: string | undefined, flags: SubmitFlags, context: Context): Promise<Verdict> {
  if (flags.submitOnly && flags.notify !== undefined) {
    throw new UsageError('--submit-only leaves before there is anything to notify of', {
      code: 'wrong_usage',
      next: 'leave --notify to the command that waits: batchctl retrieve latest --wait --notify URL',
    });
  }
  if (flags.restInRealTime) return sendRest(text, flags, context);
  refuseModeFlags(text, flags, context);
  const picked = await pickJob(text, flags, context);
  if (picked === null) return sayNothingMissing(context);
  const { job, lock } = picked;
  if (isFinal(job.state)) await catchUpAfter(job, flags.notify ?? null, context);
  const fresh = isFinal(job.state)
    ? job
    : await send(job, lock, flags, context).finally(() => lock?.release());
  const document = await describeJob(fresh, await context.wire.localDeps());
  await printJob(document, context);
  const isSent = document.state === 'in_progress' || document.state === 'ended';
  return flags.submitOnly && isSent ? 'done' : verdictOf(document);
}

/** Here the argument is a job that was submitted, never a job file. */
async function sendRest(text: string | undefined, flags: SubmitFlags, context: Context): Promise<Verdict> {
  if (flags.restInRealTime && flags.useBatch) {
    throw new UsageError('--rest-in-real-time and --use-batch contradict each other', {
      code: 'wrong_usage',
      next: 'batchctl retry <id> sends the rest as a batch',
    });
  }
  if (text === undefined) {
    throw new UsageError('--rest-in-real-time needs the job that it is about', {
      code: 'wrong_usage',
      next: 'batchctl submit --rest-in-real-time latest',
    });
  }
  const job = await findJob(text, context);
  refuseBuildFlags(flags, firstFlagsGiven(flags));
  const { retryAndRun } = await import('../retry-and-run.ts');
  const { stage: _stage, ...rest } = flags;
  const document = await retryAndRun(job, { ...rest, on: [], restInRealTime: true }, context);
  await printJob(document, context);
  return verdictOf(document);
}

async function send(job: Job, lock: Lock | null, flags: SubmitFlags, context: Context): Promise<Job> {
  const what = { submit: true, until: flags.submitOnly ? 'submitted' : 'final', lock } as const;
  return carryOn(job, what, flags, context, (deps) => begin(job, flags, deps, context));
}

/** How the job goes, with all that it costs approved; one that was submitted goes on as it was. */
async function begin({ id }: Job, flags: SubmitFlags, deps: Deps, context: Context): Promise<JobMode> {
  // Another process may have submitted it before this one had its lock.
  const job = await deps.store.jobById(id);
  const { beginJob, changePilot, refuseFirstTooLate } = await import('../../steps/begin-job.ts');
  const { approveFirst } = await import('../approve-spending.ts');
  const { pilot, pilotMinSuccess: minSuccess = null, prime = false, useBatch = false } = flags;
  const first = { pilot: pilot === undefined ? null : { requests: pilot, minSuccess }, prime };
  const decided = decidedMode(job, useBatch, context);
  if (decided !== null) {
    await refuseFirstTooLate(job, first, deps);
    await changePilot(job, first, deps);
    return decided;
  }
  const decide = (estimate: Estimate): Promise<JobMode> => approveFirst(job, useBatch, estimate, context);
  return beginJob(job, { ...first, decide }, deps, context.signal);
}

/** Before a long build: what contradicts the way that was asked for. */
function refuseModeFlags(text: string | undefined, flags: SubmitFlags, context: Context): void {
  const plain = `batchctl submit${text === undefined ? '' : ` ${text}`}`;
  const again = `${plain} --use-batch`;
  const emulator = context.emulator ? ' --emulator' : '';
  if (flags.submitOnly && !flags.useBatch) {
    throw new UsageError('--submit-only needs --use-batch', {
      code: 'use_batch_missing',
      why: 'without it requests are asked one by one, and nothing goes on once the command has left',
      next: `${again} --submit-only${emulator}`,
    });
  }
  checkFirstFlags(flags, flags.useBatch ? again : plain);
  const given = flags.useBatch ? paceFlagsGiven(flags) : [];
  if (given.length === 0) return;
  throw new UsageError(`${given.join(', ')} cannot be used with --use-batch`, {
    code: 'wrong_usage',
    why: 'a batch is one call, and the API decides how fast its requests are answered',
    next: `${again}${emulator} without ${given.length === 1 ? 'it' : 'them'}`,
  });
}

/** A job that is built here is held from its build on. */
async function pickJob(
  text: string | undefined,
  flags: SubmitFlags,
  context: Context,
): Promise<Pick<Built, 'job' | 'lock'> | null> {
  const target = await pickTarget(text, context);
  if (target.kind !== 'job') {
    if (!context.emulator) await checkApi(context);
    return buildHere(target, flags, context);
  }
  const job = await findJob(target.id, context).catch((error: unknown) => {
    if (error instanceof UsageError && error.code === 'job_not_found')
      throw neitherFileNorJob(target.id, error);
    throw error;
  });
  refuseBuildFlags(flags, []);
  return { job, lock: null };
}

function neitherFileNorJob(text: string, cause: UsageError): UsageError {
  return new UsageError(`${text} is neither a job file nor a job`, {
    code: 'job_not_found',
    why: `there is no ${text}.job.yaml, and no job was built under this id or name`,
    next: 'name a *.job.yaml, a *.jsonl or a job of batchctl list --all',
    cause,
  });
}

/** Before a long build: whether the job could be sent at all. */
async function checkApi({ env, wire }: Context): Promise<void> {
  const { readBaseUrl, requireApiKey } = await import('../api-key.ts');
  readBaseUrl(env);
  requireApiKey(env, wire.root);
}

function refuseBuildFlags(flags: SubmitFlags, first: readonly string[]): void {
  const given = [
    ...first,
    flags.set.length > 0 ? '--set' : null,
    flags.new ? '--new' : null,
    flags.changed ? '--changed' : null,
    flags.skipBad ? '--skip-bad' : null,
    flags.maxShardRequests === undefined ? null : '--max-shard-requests',
    flags.maxShardMb === undefined ? null : '--max-shard-mb',
    ...writeNarrowFlags(flags)
      .split(' ')
      .filter((word) => word.startsWith('--')),
  ].filter((flag) => flag !== null);
  if (given.length === 0) return;
  throw new UsageError(`${given.join(', ')} cannot be used with a job that is built already`, {
    code: 'wrong_usage',
    why: 'its requests and shards are fixed',
    next: 'name the job file instead of the job id',
  });
}
