import type { Command } from 'commander';
import { isFinal, type Job } from '../../core/job.ts';
import { describeJob } from '../../steps/describe-job.ts';
import { catchUpAfter } from '../after-run.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { ID_HELP } from '../flags.ts';
import { printJob } from '../print-job.ts';
import type { Verdict } from '../report-error.ts';

export function addCancelCommand(program: Command, io: Io): void {
  program
    .command('cancel')
    .summary('stop a job')
    .argument('<id>', ID_HELP)
    .description(
      'Stop a job: what was not sent never will be, and the API is asked to end its batches. Requests that are done ' +
        'by then are paid for, and their results can be retrieved.',
    )
    .addHelpText('after', '\nExample:\n  $ batchctl cancel reviews && batchctl retrieve reviews --wait\n')
    .action((id: string, _flags: object, self: Command) => io.run(self, (context) => cancel(id, context)));
}

async function cancel(id: string, context: Context): Promise<Verdict> {
  const job = await findJob(id, context);
  const local = await context.wire.localDeps();
  if (isFinal(job.state)) context.talk.say(`job ${job.jobId} is ${job.state} already; nothing was canceled`);
  else await stop(job, context);
  await printJob(await describeJob(await local.store.jobById(job.id), local), context);
  return 'done';
}

async function stop(job: Job, context: Context): Promise<void> {
  const { stopJob } = await import('../../steps/cancel-job.ts');
  const connect = () => context.wire.deps(job, context);
  const holder = await stopJob(job, await context.wire.localDeps(), connect, context.signal);
  if (holder !== null) {
    context.talk.say(`${holder} is at work on it and takes in what ends`);
    return;
  }
  await catchUpAfter(job, null, context);
}
