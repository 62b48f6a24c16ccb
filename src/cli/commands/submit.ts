import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { isFinal, type Job } from '../../core/job.ts';
import { buildHere } from '../build-here.ts';
import { carryOn } from '../carry-on.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { addBuildFlags, addWaitFlags, type BuildFlags, type WaitFlags } from '../flags.ts';
import { pickTarget } from '../pick-target.ts';
import { describeJob, printJob, verdictOf } from '../print-job.ts';
import type { Verdict } from '../report-error.ts';

interface SubmitFlags extends BuildFlags, WaitFlags {
  readonly useBatch?: boolean;
  readonly submitOnly?: boolean;
}

export function addSubmitCommand(program: Command, io: Io): void {
  const command = program
    .command('submit')
    .summary('build, send, wait, write the results')
    .argument('[job]', 'a job file, a job id from build, or a FILE.jsonl of ready-made requests')
    .description(
      'Build the requests, send them as batches, wait and write the results. Started again with the same content it ' +
        'carries the unfinished job on. Without [job] it takes the only *.job.yaml of the workspace.',
    )
    .option('--use-batch', 'use the Message Batches API')
    .option('--submit-only', 'leave once the batches exist; retrieve fetches the results later');
  addBuildFlags(command);
  addWaitFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl submit --use-batch\n  $ batchctl submit reviews.job.yaml --use-batch --submit-only --set model=claude-haiku-5-5\n' +
        '  $ batchctl submit ready.jsonl --use-batch --emulator\n',
    )
    .action((target: string | undefined, flags: SubmitFlags, self: Command) =>
      io.run(self, (context) => submit(target, flags, context)),
    );
}

async function submit(text: string | undefined, flags: SubmitFlags, context: Context): Promise<Verdict> {
  if (flags.useBatch !== true) {
    throw new UsageError('real-time mode is not there yet', {
      code: 'use_batch_missing',
      why: 'this version sends requests through the Message Batches API only',
      next: `batchctl submit ${text === undefined ? '' : `${text} `}--use-batch${context.emulator ? ' --emulator' : ''}`,
    });
  }
  const job = await pickJob(text, flags, context);
  const fresh = isFinal(job.state)
    ? job
    : await carryOn(job, { submit: true, until: flags.submitOnly ? 'submitted' : 'final' }, flags, context);
  const document = await describeJob(fresh, await context.wire.localDeps());
  await printJob(document, context);
  const isSent = document.state === 'in_progress' || document.state === 'ended';
  return flags.submitOnly && isSent ? 'done' : verdictOf(document);
}

async function pickJob(text: string | undefined, flags: SubmitFlags, context: Context): Promise<Job> {
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
  refuseBuildFlags(flags);
  return job;
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

function refuseBuildFlags(flags: SubmitFlags): void {
  const given = [
    flags.set.length > 0 ? '--set' : null,
    flags.new ? '--new' : null,
    flags.maxShardRequests === undefined ? null : '--max-shard-requests',
    flags.maxShardMb === undefined ? null : '--max-shard-mb',
  ].filter((flag) => flag !== null);
  if (given.length === 0) return;
  throw new UsageError(`${given.join(', ')} cannot be used with a job that is built already`, {
    code: 'wrong_usage',
    why: 'its requests and shards are fixed',
    next: 'name the job file instead of the job id',
  });
}
