import type { Command } from 'commander';
import { hasEnded } from '../../core/batch.ts';
import { isFinal } from '../../core/job.ts';
import type { ShardView } from '../../core/ports/store-views.ts';
import { describeJob } from '../../steps/describe-job.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { ID_HELP } from '../flags.ts';
import { formatDoubts } from '../print-doubt.ts';
import { printJob } from '../print-job.ts';
import type { Verdict } from '../report-error.ts';

export function addStatusCommand(program: Command, io: Io): void {
  program
    .command('status')
    .summary('look once how far a job is')
    .argument('[id]', ID_HELP, 'latest')
    .description(
      'Look once at the batches of a job and show how far it is. Sends, downloads and writes no results.',
    )
    .addHelpText('after', '\nExample:\n  $ batchctl status latest --json\n')
    .action((id: string, _flags: object, command: Command) =>
      io.run(command, (context) => status(id, context)),
    );
}

async function status(id: string, context: Context): Promise<Verdict> {
  const job = await findJob(id, context);
  const local = await context.wire.localDeps();
  if (!isFinal(job.state) && (await local.store.shards(job.id)).some(needsLook)) {
    const { lookAtJob } = await import('../../steps/look-at-job.ts');
    await context.talk.startSpinner();
    await lookAtJob(job, await context.wire.deps(job, context), context.signal);
    context.talk.stopSpinner();
  }
  const fresh = await local.store.jobById(job.id);
  const doubts = formatDoubts(await local.store.shards(job.id));
  await printJob(await describeJob(fresh, local), context);
  if (!context.json && doubts.length > 0) await context.output.line(doubts.join('\n'));
  return 'done';
}

/** What is not at the API, or has ended there, will not change by looking. */
function needsLook({ shard, batch }: ShardView): boolean {
  return shard.state === 'live' && (batch === null || !hasEnded(batch));
}
