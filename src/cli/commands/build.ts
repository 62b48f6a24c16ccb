import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { describeJob } from '../../steps/describe-job.ts';
import { buildHere } from '../build-here.ts';
import type { Context, Io } from '../context.ts';
import { addBuildFlags, type BuildFlags } from '../flags.ts';
import { addNarrowFlags } from '../narrow-flags.ts';
import { pickTarget } from '../pick-target.ts';
import { printJob } from '../print-job.ts';
import { sayNothingMissing } from '../print-narrowed.ts';
import type { Verdict } from '../report-error.ts';

export function addBuildCommand(program: Command, io: Io): void {
  const command = program
    .command('build')
    .summary('write the requests and stop')
    .argument('[job]', 'a job file, or a FILE.jsonl of ready-made requests')
    .description(
      'Write the requests of a job to batch_requests/ and stop. Sends nothing and needs no key. Without [job] it takes ' +
        'the only *.job.yaml of the workspace.',
    );
  addNarrowFlags(command);
  addBuildFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl build reviews.job.yaml --set max_tokens=500\n  $ batchctl build --sample 20\n',
    )
    .action((target: string | undefined, flags: BuildFlags, self: Command) =>
      io.run(self, (context) => build(target, flags, context)),
    );
}

async function build(text: string | undefined, flags: BuildFlags, context: Context): Promise<Verdict> {
  const target = await pickTarget(text, context);
  if (target.kind === 'job') {
    throw new UsageError(`there is no job file ${target.id}`, {
      code: 'job_file_not_found',
      next: 'name a *.job.yaml file; batchctl init writes one that runs',
    });
  }
  const built = await buildHere(target, flags, context);
  if (built === null) return sayNothingMissing(context);
  // It stands on disk, and may be sent from elsewhere at once.
  built.lock?.release();
  await printJob(await describeJob(built.job, await context.wire.localDeps()), context);
  return 'done';
}
