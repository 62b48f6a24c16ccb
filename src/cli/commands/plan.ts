import type { Command } from 'commander';
import { openItems } from '../build-here.ts';
import type { Context, Io } from '../context.ts';
import { addLimitFlags, addSetFlag, limitsOf, parseWhole } from '../flags.ts';
import { addNarrowFlags, type NarrowFlags, writeNarrowFlags } from '../narrow-flags.ts';
import { pickJobFile } from '../pick-target.ts';
import { openChanges } from '../print-changes.ts';
import { saySkipped } from '../print-narrowed.ts';
import { printPlan } from '../print-plan.ts';
import { quoteArgument } from '../quote-argument.ts';
import type { Verdict } from '../report-error.ts';

interface PlanFlags extends NarrowFlags {
  readonly set: readonly string[];
  readonly first: number;
  readonly changed?: boolean;
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
        'sent, and what all of it is expected to cost. Spends nothing, writes nothing, needs no key; with one some ' +
        'requests are counted, which is free.',
    )
    .option('--changed', 'explain for each record whether submit --changed would send it, and why')
    .option('--first <n>', 'show this many rendered requests', (text) => parseWhole(text, 0, 1000), 1);
  addSetFlag(command);
  addNarrowFlags(command);
  addLimitFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl plan reviews.job.yaml --first 3\n  $ batchctl plan --select teg=10-17 --select lang=en --limit 5\n' +
        '  $ batchctl plan --sample 20 --seed 7\n  $ batchctl plan --stage report --missing\n',
    )
    .action((target: string | undefined, flags: PlanFlags, self: Command) =>
      io.run(self, (context) => showPlan(target, flags, context)),
    );
}

async function showPlan(text: string | undefined, flags: PlanFlags, context: Context): Promise<Verdict> {
  const jobFile = await pickJobFile(text, flags.set, context);
  const { items, resolved, narrowing, narrowed, skipped } = await openItems(jobFile, flags, context);
  const { planJob } = await import('../../steps/plan-job.ts');
  const scratch = await context.wire.scratch();
  try {
    const changes = flags.changed ? await openChanges(items, resolved, context) : null;
    const input = {
      items: changes?.items ?? items,
      stages: resolved.stages,
      limits: limitsOf(flags),
      first: flags.first,
    };
    const plan = await planJob(input, scratch, context.signal);
    const facts = narrowed();
    saySkipped(skipped(), context);
    const sets = flags.set.map((text) => ` --set ${quoteArgument(text)}`).join('');
    const again = `${sets}${writeNarrowFlags(flags)}${flags.changed ? ' --changed' : ''}`;
    const explained = changes?.explained ?? null;
    const { estimatePlanHere } = await import('../estimate-plan-here.ts');
    const estimate = await estimatePlanHere(plan, resolved, context);
    const printed = { plan, estimate, job: resolved, narrowing, narrowed: facts, explained, again };
    await printPlan(printed, context);
  } finally {
    scratch.close();
  }
  return 'done';
}
