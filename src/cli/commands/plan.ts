import type { Command } from 'commander';
import { openItems } from '../build-here.ts';
import type { Context, Io } from '../context.ts';
import { addLimitFlags, addSetFlag, limitsOf, parseWhole } from '../flags.ts';
import { pickJobFile } from '../pick-target.ts';
import { printPlan } from '../print-plan.ts';
import type { Verdict } from '../report-error.ts';

interface PlanFlags {
  readonly set: readonly string[];
  readonly first: number;
  readonly maxShardRequests?: number;
  readonly maxShardMb?: number;
}

export function addPlanCommand(program: Command, io: Io): void {
  const command = program
    .command('plan')
    .summary('dry run: what a submit would send')
    .argument('[job]', 'a job file, or a FILE.jsonl of ready-made requests')
    .description(
      'Dry run: records, requests, shards, bytes, tokens, the first rendered requests and every record that cannot be ' +
        'sent. Spends nothing, writes nothing, needs no key.',
    )
    .option('--first <n>', 'show this many rendered requests', (text) => parseWhole(text, 0, 1000), 1);
  addSetFlag(command);
  addLimitFlags(command)
    .addHelpText('after', '\nExample:\n  $ batchctl plan reviews.job.yaml --first 3\n')
    .action((target: string | undefined, flags: PlanFlags, self: Command) =>
      io.run(self, (context) => plan(target, flags, context)),
    );
}

async function plan(text: string | undefined, flags: PlanFlags, context: Context): Promise<Verdict> {
  const jobFile = await pickJobFile(text, flags.set, context);
  const items = await openItems(jobFile, context);
  const { planJob } = await import('../../steps/plan-job.ts');
  const scratch = await context.wire.scratch();
  try {
    const input = { items, limits: limitsOf(flags), first: flags.first };
    const found = await planJob(input, scratch, context.signal);
    await printPlan(found, jobFile, context);
  } finally {
    scratch.close();
  }
  return 'done';
}
