import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context, Io } from '../context.ts';
import { formatMany } from '../output.ts';
import type { Verdict } from '../report-error.ts';
import { type StarterFile, starterFiles, workspaceFiles, writeMissing } from '../starter.ts';

interface InitFlags {
  /** True without a name. */
  readonly example?: string | true;
  readonly from?: string;
  readonly promptColumn?: string;
}

export function addInitCommand(program: Command, io: Io): void {
  program
    .command('init')
    .summary('write a job file that runs as it is')
    .argument('[dir]', 'the folder to begin in; made when it is not there', '.')
    .description(
      'Write a job file that runs as it is: with prompts and sample data, over data of your own (--from), or one of the ' +
        'examples. Never changes a file that is there.',
    )
    .option('--from <data>', 'over this file or folder: CSV, JSON, JSONL, text, Parquet, SQLite')
    .option('--prompt-column <name>', 'with --from: the column that is the message of each record')
    .option(
      '--example [name]',
      'begin with one of the examples that come with batchctl; without a name: list them',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl init reviews\n  $ batchctl init --from questions.csv --prompt-column question\n' +
        '  $ batchctl init --example round-reports\n',
    )
    .action((folder: string, flags: InitFlags, self: Command) =>
      io.run(self, (context) => init(folder, check(flags), context)),
    );
}

function check(flags: InitFlags): InitFlags {
  const refuse = (message: string): UsageError =>
    new UsageError(message, { code: 'wrong_usage', next: 'batchctl init --help' });
  if (flags.from !== undefined && flags.example !== undefined)
    throw refuse('--from and --example do not go together');
  if (flags.promptColumn !== undefined && flags.from === undefined)
    throw refuse('--prompt-column names a column of the data, which --from must name');
  if (flags.from === '-') throw refuse('--from takes a file; data on stdin is gone when the job is built');
  return flags;
}

async function init(folder: string, flags: InitFlags, context: Context): Promise<Verdict> {
  const target = resolve(context.cwd, folder);
  if (flags.example === true) return showExamples(context);
  const files = await filesFor(target, flags, context);
  const { written, kept } = writeMissing(target, files);
  if (context.json) await context.output.json({ dir: target, written, kept });
  else if (written.length > 0) await context.output.line(written.join('\n'));
  if (kept.length > 0) context.talk.say(`left as they were: ${kept.join(', ')}`);
  context.talk.say(`wrote ${formatMany(written.length, 'file')} in ${target}`);
  const go = folder === '.' ? '' : `cd ${folder} && `;
  // Beside other job files this one must be named.
  const job = flags.from === undefined ? '' : `${files[0]?.path} `;
  context.talk.say(
    `next: ${go}batchctl submit ${job}--use-batch --emulator   (a rehearsal: no key, no cost)`,
  );
  return 'done';
}

async function filesFor(target: string, flags: InitFlags, context: Context): Promise<readonly StarterFile[]> {
  if (typeof flags.example === 'string') {
    const { exampleFiles } = await import('../starter-examples.ts');
    return exampleFiles(flags.example);
  }
  if (flags.from === undefined) return starterFiles();
  const { findSource } = await import('../starter-source.ts');
  const { jobFromSource } = await import('../starter-job.ts');
  const found = await findSource(flags.from, target, context);
  const job = jobFromSource(found, flags.promptColumn);
  if (found.choice !== null) context.talk.say(`${flags.from}: ${found.choice}`);
  if (found.bad !== null)
    context.talk.warn(
      `${formatMany(found.bad.count, 'record')} cannot be read, and no job is built with such: ${found.bad.first}`,
    );
  return [job, ...workspaceFiles().filter(({ path }) => path === '.gitignore')];
}

async function showExamples(context: Context): Promise<Verdict> {
  const { formatExamples, listExamples } = await import('../starter-examples.ts');
  const examples = listExamples();
  if (context.json) await context.output.json(examples);
  else await context.output.line(formatExamples(examples));
  return 'done';
}
