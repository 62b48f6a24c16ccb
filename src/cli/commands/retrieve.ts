import type { Command } from 'commander';
import { AuthError, ProviderError, UsageError } from '../../core/errors.ts';
import { isFinal, type Job } from '../../core/job.ts';
import { describeJob } from '../../steps/describe-job.ts';
import { catchUpAfter } from '../after-run.ts';
import { carryOn } from '../carry-on.ts';
import type { Context, Io } from '../context.ts';
import { copyResults } from '../copy-results.ts';
import { findOrAdopt } from '../find-or-adopt.ts';
import { addWaitFlags, ID_HELP, parseJobName, type WaitFlags } from '../flags.ts';
import { addMoneyFlags, type MoneyFlags } from '../money-flags.ts';
import { formatMany } from '../output.ts';
import { printJob, verdictOf } from '../print-job.ts';
import { refuseTarget } from '../refuse-target.ts';
import type { Verdict } from '../report-error.ts';
import { runLocked } from '../run-locked.ts';

interface RetrieveFlags extends WaitFlags, MoneyFlags {
  readonly wait?: boolean;
  readonly output?: string;
  readonly name?: string;
}

export function addRetrieveCommand(program: Command, io: Io): void {
  const command = program
    .command('retrieve')
    .summary('download what has ended, write the results')
    .argument('<id>', ID_HELP)
    .description(
      'Download what has ended and write the results. May be repeated at any time. The id of a batch that was made ' +
        'elsewhere takes that batch in as a job of its own; nothing is sent for it.',
    )
    .option('--wait', 'wait until every batch has ended')
    .option('-o, --output <file>', 'copy results.jsonl to this file once the job is final; - is stdout');
  command.option(
    '--name <name>',
    'what to call the job of a batch made elsewhere (default: adopted); with it, any text is taken for a batch id',
    parseJobName,
  );
  addMoneyFlags(command);
  addWaitFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl retrieve latest\n  $ batchctl retrieve reviews --wait -o - | jq .text\n  $ batchctl retrieve msgbatch_01HkcTjaV5uDC8jWR4ZsDV8d --name colleague\n',
    )
    .action((id: string, flags: RetrieveFlags, self: Command) =>
      io.run(self, (context) => retrieve(id, flags, context)),
    );
}

async function retrieve(id: string, flags: RetrieveFlags, context: Context): Promise<Verdict> {
  if (flags.output === '-' && context.json) {
    throw new UsageError('--json and -o - both want stdout', {
      code: 'wrong_usage',
      next: 'leave one of them out',
    });
  }
  const job = await findOrAdopt(id, flags.name ?? null, context);
  if (flags.output !== undefined && flags.output !== '-') await refuseTarget(flags.output, job, context);
  if (job.state === 'built' || job.state === 'building') {
    throw new UsageError(`job ${job.jobId} was built but not submitted`, {
      code: 'job_not_submitted',
      next: `batchctl submit ${job.jobId} --use-batch`,
    });
  }
  const fresh = isFinal(job.state)
    ? await restore(job, context)
    : await carryOn(
        job,
        { submit: await mayGoOn(job, context), until: flags.wait ? 'final' : 'once' },
        flags,
        context,
      );
  if (isFinal(job.state)) await catchUpAfter(fresh, flags.notify ?? null, context);
  const document = await describeJob(fresh, await context.wire.localDeps());
  if (flags.output !== undefined) await copyResults(document, flags.output, context);
  if (flags.output !== '-') await printJob(document, context);
  return verdictOf(document);
}

/**
 * Taking results of such a job may bring something new to send: a later stage, a retry by its rule, or what waited for the
 * shards that went first.
 */
async function mayGoOn({ id, spec }: Job, { wire }: Context): Promise<boolean> {
  if (spec.stages.length > 1 || spec.retry !== null) return true;
  const { store } = await wire.localDeps();
  return (await store.shards(id)).some(({ shard }) => shard.first !== null);
}

/** Files that are gone are written again; the API is asked only for what cannot be made from what is here. */
async function restore(job: Job, context: Context): Promise<Job> {
  const { findGaps } = await import('../../steps/retrieve-again.ts');
  const deps = await context.wire.localDeps();
  const { findMissing } = await import('../../steps/retrieve-missing.ts');
  const isNeeded = (await findGaps(job, deps)).length > 0;
  const isAsked = isNeeded || (await findMissing(job, deps)).length > 0;
  const restored = isAsked
    ? await restoreFromApi(job, isNeeded, context)
    : await restoreLocally(job, context);
  if (restored > 0) context.talk.say(`wrote ${formatMany(restored, 'file')} again`);
  return deps.store.jobById(job.id);
}

async function restoreLocally(job: Job, context: Context): Promise<number> {
  const { restoreResults } = await import('../../steps/restore-results.ts');
  const deps = await context.wire.localDeps();
  const lock = deps.locks.lockJob(job.jobId);
  try {
    return await restoreResults(job, deps, context.signal);
  } finally {
    lock.release();
  }
}

/** `isNeeded`: something cannot be made without. Else rows are missing, and may stay so where nobody can be asked. */
async function restoreFromApi(job: Job, isNeeded: boolean, context: Context): Promise<number> {
  const { findGaps, retrieveAgain } = await import('../../steps/retrieve-again.ts');
  const { retrieveMissing } = await import('../../steps/retrieve-missing.ts');
  const { takeLate } = await import('../../steps/take-late.ts');
  const { retrieveJob } = await import('../../steps/retrieve-results.ts');
  const { startRun } = await import('../../steps/run.ts');
  const { signal } = context;
  try {
    return await runLocked(job, context, context, async (deps) => {
      // Found again now that nobody else is at it.
      const written = await retrieveAgain(job, await findGaps(job, deps), deps, signal);
      const run = startRun(job, deps, 0);
      if ((await retrieveMissing(run, signal)) > 0 || (await takeLate(run, signal)) > 0)
        await retrieveJob(run, signal);
      return written;
    });
  } catch (error) {
    if (isNeeded || !isUnheard(error) || !isFinal((await readJob(job, context)).state)) throw error;
    context.talk.say(`rows of ${job.jobId} are missing, and were not asked for again: ${error.message}`);
    return restoreLocally(job, context);
  }
}

/** No key, or one of elsewhere, or nobody there. */
function isUnheard(error: unknown): error is AuthError | ProviderError | UsageError {
  return error instanceof AuthError || error instanceof ProviderError || error instanceof UsageError;
}

async function readJob({ id }: Job, { wire }: Context): Promise<Job> {
  return (await wire.localDeps()).store.jobById(id);
}
