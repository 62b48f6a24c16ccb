import type { Command } from 'commander';
import { isFinal } from '../../core/job.ts';
import { describePruned } from '../../core/pruned.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { ID_HELP } from '../flags.ts';
import { formatCount } from '../output.ts';
import type { Verdict } from '../report-error.ts';

export function addVerifyCommand(program: Command, io: Io): void {
  program
    .command('verify')
    .summary('prove that nothing was lost')
    .argument('<id>', ID_HELP)
    .description(
      'Prove that nothing was lost: every request has exactly one row, the raw results are unchanged, every answer has its file. Asks no server.',
    )
    .addHelpText('after', '\nExample:\n  $ batchctl verify latest\n')
    .action((id: string, _flags: object, self: Command) => io.run(self, (context) => verify(id, context)));
}

async function verify(id: string, context: Context): Promise<Verdict> {
  const job = await findJob(id, context);
  const { verifyJob } = await import('../../steps/verify-job.ts');
  const document = await verifyJob(job, await context.wire.localDeps(), context.signal);
  if (context.json) await context.output.json(document);
  else {
    const { job_id, ok, problems, pruned, ...counts } = document;
    const bad = isFinal(job.state) ? 'something is wrong' : `not final yet (${job.state})`;
    const lines = Object.entries(counts).map(([name, count]) => `  ${name.padEnd(10)} ${formatCount(count)}`);
    await context.output.line(
      [
        `${job_id}: ${ok ? 'everything is accounted for' : bad}`,
        ...lines,
        ...(pruned === undefined ? [] : describePruned(pruned, job_id).map((text) => `  pruned     ${text}`)),
        ...problems.map((problem) => `  - ${problem}`),
      ].join('\n'),
    );
  }
  return document.ok ? 'done' : 'failed_rows';
}
