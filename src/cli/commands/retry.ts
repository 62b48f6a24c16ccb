import { type Command, Option } from 'commander';
import type { FailureClass } from '../../core/result.ts';
import { RETRIED_WHEN_ASKED, RETRIED_WHEN_NAMED, RETRIED_WITH_FORCE } from '../../core/retry-rule.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { addWaitFlags, ID_HELP, type WaitFlags } from '../flags.ts';
import { addMoneyFlags, type MoneyFlags } from '../money-flags.ts';
import { addPaceFlags, type PaceFlags } from '../pace-flags.ts';
import { printJob, verdictOf } from '../print-job.ts';
import type { Verdict } from '../report-error.ts';
import { retryAndRun } from '../retry-and-run.ts';

interface RetryFlags extends WaitFlags, PaceFlags, MoneyFlags {
  readonly on: readonly FailureClass[];
  readonly force?: boolean;
  readonly stage?: string;
  readonly restInRealTime?: boolean;
  readonly submitOnly?: boolean;
}

export function addRetryCommand(program: Command, io: Io): void {
  const command = program
    .command('retry')
    .summary('send again what did not succeed')
    .argument('<id>', ID_HELP)
    .description(
      'Send again the rows of a job that did not succeed, each by its class of failure: as it was; with a larger ' +
        'max_tokens where the answer was cut; with the mistake as a further turn where it did not fit its schema. What ' +
        'the same request would only meet again (invalid_request, not_found, refused) needs --force; a missing row may ' +
        'have been paid, and is sent again only when it is named: --on missing.',
    )
    .addOption(
      new Option('--on <class...>', 'only these classes of failure')
        .choices([...RETRIED_WHEN_ASKED, ...RETRIED_WHEN_NAMED, ...RETRIED_WITH_FORCE])
        .default([], 'all that make sense'),
    )
    .option('--force', 'also what the API refused, or the model')
    .option('--stage <name>', 'only rows of this stage')
    .option('--rest-in-real-time', 'what batches left expired or canceled, now and at full price')
    .option('--submit-only', 'leave once the batches exist; retrieve fetches the results later');
  addMoneyFlags(command);
  addPaceFlags(command);
  addWaitFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl retry latest\n  $ batchctl retry reviews --on truncated invalid_output\n  $ batchctl retry reviews --rest-in-real-time\n',
    )
    .action((id: string, flags: RetryFlags, self: Command) =>
      io.run(self, (context) => retry(id, flags, context)),
    );
}

async function retry(id: string, flags: RetryFlags, context: Context): Promise<Verdict> {
  const job = await findJob(id, context);
  const document = await retryAndRun(job, flags, context);
  await printJob(document, context);
  const isSent = document.state === 'in_progress' || document.state === 'ended';
  return flags.submitOnly && isSent ? 'done' : verdictOf(document);
}
