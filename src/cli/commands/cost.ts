import type { Command } from 'commander';
import type { Context, Io } from '../context.ts';
import { askedCost, type CostFlags, type CostQuestion } from '../cost-flags.ts';
import { collect, ID_HELP, parseWhole } from '../flags.ts';
import type { Verdict } from '../report-error.ts';

export function addCostCommand(program: Command, io: Io): void {
  program
    .command('cost')
    .summary('what jobs were expected to cost, and have cost; prices; a calculator')
    .argument('[id]', `${ID_HELP}; without one all jobs`)
    .description(
      'What a job was expected to cost, has cost, and would have cost in real time; without an id, all jobs by month, ' +
        'model and job. --table prints the price list, --items calculates. Asks no server.',
    )
    .option('--limit <n>', 'show at most this many jobs (20)', (text) => parseWhole(text, 1, 1_000_000))
    .option('--all', 'show all jobs')
    .option('--csv', 'print CSV, prices in USD')
    .option('--table', 'print the prices of today, of a job with those of its job file')
    .option('--items <n>', 'calculate: so many requests', (text) => parseWhole(text, 1, 10_000_000))
    .option('--input <n>', 'tokens of each request', (text) => parseWhole(text, 1, 1_000_000))
    .option('--output <n>', 'tokens of each answer, thinking included', (text) =>
      parseWhole(text, 0, 1_000_000),
    )
    .option('--model <id>', 'for this model; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl cost latest\n  $ batchctl cost --all --csv > costs.csv\n  $ batchctl cost --table\n' +
        '  $ batchctl cost --items 10000 --input 3000 --output 2000 --model claude-haiku-5-5\n',
    )
    .action((id: string | undefined, flags: CostFlags, self: Command) =>
      io.run(self, (context) => showCost(askedCost(id ?? null, flags, context), flags.csv === true, context)),
    );
}

async function showCost(question: CostQuestion, csv: boolean, context: Context): Promise<Verdict> {
  const { answerCost } = await import('../answer-cost.ts');
  const answer = await answerCost(question, context);
  if (context.json) await context.output.json(answer.document());
  else if (csv) await context.output.data(await answer.csv());
  else if (answer.text !== null) await context.output.line(answer.text);
  for (const warning of answer.warnings) context.talk.warn(warning);
  for (const note of answer.notes) context.talk.say(note);
  return 'done';
}
