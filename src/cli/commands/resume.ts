import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context, Io } from '../context.ts';
import { addWaitFlags, ID_HELP, type WaitFlags } from '../flags.ts';
import { addMoneyFlags, type MoneyFlags } from '../money-flags.ts';
import { addPaceFlags, type PaceFlags } from '../pace-flags.ts';
import type { Verdict } from '../report-error.ts';
import { resumeAll, resumeOne } from '../resume-jobs.ts';

export interface ResumeFlags extends WaitFlags, PaceFlags, MoneyFlags {
  readonly once?: boolean;
  readonly adopt?: string;
  readonly resubmit?: boolean;
  readonly acceptStore?: boolean;
}

export function addResumeCommand(program: Command, io: Io): void {
  const command = program
    .command('resume')
    .summary('carry on whatever was cut off')
    .argument('[id]', `${ID_HELP}; without it every unfinished job that was submitted`)
    .description('Carry jobs on from wherever they stopped: send what is unsent, wait, write the results.')
    .option('--once', 'do what can be done now and leave, for cron')
    .option('--adopt <batch>', 'for a submission in doubt: this batch is the one that was sent')
    .option('--resubmit', 'for a submission in doubt: it does not exist, send it again')
    .option(
      '--accept-store',
      'for a database that was restored or copied: it counts from now on, and what it has forgotten is looked for first',
    );
  addMoneyFlags(command);
  addPaceFlags(command);
  addWaitFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl resume\n  $ batchctl resume reviews --once\n  $ batchctl resume reviews --adopt msgbatch_01HkcTjaV5uDC8jWR4ZsDV8d\n',
    )
    .action((id: string | undefined, flags: ResumeFlags, self: Command) =>
      io.run(self, (context) => resume(id, flags, context)),
    );
}

function resume(id: string | undefined, flags: ResumeFlags, context: Context): Promise<Verdict> {
  const isDecision = flags.adopt !== undefined || flags.resubmit === true || flags.acceptStore === true;
  if (flags.adopt !== undefined && flags.resubmit)
    throw usage('--adopt and --resubmit contradict each other');
  if (isDecision && id === undefined)
    throw usage('--adopt, --resubmit and --accept-store need the job they are about');
  if (flags.maxUsd !== undefined && id === undefined) {
    throw new UsageError('--max-usd needs the job it is about', {
      code: 'wrong_usage',
      next: 'batchctl resume <id> --max-usd AMOUNT',
    });
  }
  return id === undefined ? resumeAll(flags, context) : resumeOne(id, flags, context);
}

function usage(message: string): UsageError {
  return new UsageError(message, {
    code: 'wrong_usage',
    next: 'batchctl resume <id> --adopt BATCH, or batchctl resume <id> --resubmit',
  });
}
