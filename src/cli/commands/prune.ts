import type { Command } from 'commander';
import type { Io } from '../context.ts';
import { parseDurationFlag } from '../flags.ts';

export interface PruneFlags {
  readonly olderThan: number;
  readonly failed?: boolean;
  readonly results?: boolean;
  readonly built?: boolean;
  readonly answers?: boolean;
  readonly dryRun?: boolean;
}

export function addPruneCommand(program: Command, io: Io): void {
  program
    .command('prune')
    .summary('free space by age, keeping what cannot be had again')
    .argument('[id...]', 'only these jobs, named as elsewhere')
    .description(
      'Remove files of finished jobs that nothing needs any more: the requests of rows that have a good answer, and what ' +
        'cut off runs have left. Answers, records, the history and the costs stay, and so does every output, unless a flag says otherwise. Says first ' +
        'what goes and what is lost with it, and asks; where nobody can be asked it takes --yes. Asks no server.',
    )
    .requiredOption(
      '--older-than <age>',
      'only jobs that have been finished for so long, such as 30d',
      parseDurationFlag,
    )
    .option('--failed', 'also the requests of rows that failed: `retry` cannot send these again then')
    .option(
      '--results',
      'also results.jsonl, failed.jsonl and unchanged files in out/: `retrieve` makes them again from the raw results',
    )
    .option('--built', 'also jobs that were built and never submitted, as a whole')
    .option(
      '--answers',
      'all but totals, batches and costs, for good: also raw results, which nothing brings back after 29 days',
    )
    .option('--dry-run', 'say what would go, and remove nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl prune --older-than 30d --dry-run\n  $ batchctl --yes prune reviews --older-than 7d\n',
    )
    .action((ids: readonly string[], flags: PruneFlags, self: Command) =>
      io.run(self, async (context) => (await import('../prune-jobs.ts')).pruneJobs(ids, flags, context)),
    );
}
