import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Context, Io } from '../context.ts';
import { formatMany } from '../output.ts';
import type { Verdict } from '../report-error.ts';
import { exampleFiles, starterFiles, writeMissing } from '../starter.ts';

interface InitFlags {
  readonly example?: string;
}

export function addInitCommand(program: Command, io: Io): void {
  program
    .command('init')
    .summary('write a job file that runs as it is')
    .argument('[dir]', 'the folder to begin in; made when it is not there', '.')
    .description(
      'Write a job file that runs as it is, with prompts and sample data. Never changes a file that is there.',
    )
    .option('--example <name>', 'begin with one of the examples that come with batchctl')
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl init reviews\n  $ batchctl init --example round-reports\n',
    )
    .action((folder: string, flags: InitFlags, self: Command) =>
      io.run(self, (context) => init(folder, flags, context)),
    );
}

async function init(folder: string, flags: InitFlags, context: Context): Promise<Verdict> {
  const target = resolve(context.cwd, folder);
  const files = flags.example === undefined ? starterFiles() : exampleFiles(flags.example);
  const { written, kept } = writeMissing(target, files);
  if (context.json) await context.output.json({ dir: target, written, kept });
  else if (written.length > 0) await context.output.line(written.join('\n'));
  if (kept.length > 0) context.talk.say(`left as they were: ${kept.join(', ')}`);
  context.talk.say(`wrote ${formatMany(written.length, 'file')} in ${target}`);
  const go = folder === '.' ? '' : `cd ${folder} && `;
  context.talk.say(`next: ${go}batchctl submit --use-batch --emulator   (a rehearsal: no key, no cost)`);
  return 'done';
}
