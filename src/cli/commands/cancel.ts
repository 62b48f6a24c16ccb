import type { Command } from 'commander';
import { StoreError } from '../../core/errors.ts';
import { isFinal, type Job } from '../../core/job.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { ID_HELP } from '../flags.ts';
import { describeJob, printJob } from '../print-job.ts';
import type { Verdict } from '../report-error.ts';
import { isLocked, runLocked } from '../run-locked.ts';

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
  else {
    const { cancelJob } = await import('../../steps/cancel-job.ts');
    await runLocked(job, context, context, (deps) => cancelJob(job, deps, context.signal)).catch((error) => {
      throw isLocked(error) ? stopTheOtherFirst(job, error) : error;
    });
  }
  await printJob(await describeJob(await local.store.jobById(job.id), local), context);
  return 'done';
}

/** A run that is at work would go on sending what is being canceled. */
function stopTheOtherFirst(job: Job, cause: StoreError): StoreError {
  return new StoreError(cause.message, {
    code: cause.code,
    why: cause.why ?? 'a run is at work on it',
    next: `stop that process with Ctrl-C, then batchctl cancel ${job.jobId}`,
    cause,
  });
}
