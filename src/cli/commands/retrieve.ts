import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
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
  const gaps = await findGaps(job, deps);
  const restored =
    gaps.length === 0 ? await restoreLocally(job, context) : await restoreFromApi(job, context);
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

async function restoreFromApi(job: Job, context: Context): Promise<number> {
  const { findGaps, retrieveAgain } = await import('../../steps/retrieve-again.ts');
  const { takeLate } = await import('../../steps/take-late.ts');
  const { retrieveJob } = await import('../../steps/retrieve-results.ts');
  const { startRun } = await import('../../steps/run.ts');
  return runLocked(job, context, context, async (deps) => {
    // Found again now that nobody else is at it.
    const written = await retrieveAgain(job, await findGaps(job, deps), deps, context.signal);
    const run = startRun(job, deps, 0);
    if ((await takeLate(run, context.signal)) > 0) await retrieveJob(run, context.signal);
    return written;
  });
}
