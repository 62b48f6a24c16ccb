import { type Command, Option } from 'commander';
import type { Context, Io } from '../context.ts';
import { type ExportFlags, exportForm, FORMATS, parseColumns } from '../export-flags.ts';
import { exportTo } from '../export-output.ts';
import { findJob } from '../find-job.ts';
import { ID_HELP } from '../flags.ts';
import type { Verdict } from '../report-error.ts';

export function addExportCommand(program: Command, io: Io): void {
  program
    .command('export')
    .summary('the data joined with its answers, as CSV, JSON, SQLite or any text')
    .argument('<id>', ID_HELP)
    .description(
      'Write every record with its answer, in the order of the input; rows that failed are there with their class, rows ' +
        'not known yet are pending. Asks no server and changes nothing of the job.',
    )
    .addOption(
      new Option('--format <format>', 'default: what the name of the file says').choices([...FORMATS]),
    )
    .option('--stage <name>', 'answers of this stage instead of the last one')
    .option('-o, --output <file>', 'write to this file instead of stdout (-)')
    .option('--template <file>', 'render this template for each row instead of a format')
    .option('--columns <names>', 'only these columns, in this order: a,b,"c, d"', parseColumns)
    .option('--raw-csv', 'leave cells alone that a spreadsheet would run as a formula')
    .option('--bom', 'begin a CSV with a byte order mark, by which Excel knows UTF-8')
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl export latest -o results.csv\n  $ batchctl export reviews --format jsonl | jq .text\n' +
        '  $ batchctl export latest --format csv --columns id,text,output_tokens\n' +
        '  $ batchctl export latest --template row.html -o rows.html\n',
    )
    .action((id: string, flags: ExportFlags, self: Command) =>
      io.run(self, (context) => exportId(id, flags, context)),
    );
}

async function exportId(id: string, flags: ExportFlags, context: Context): Promise<Verdict> {
  const choice = await exportForm(flags, context);
  const job = await findJob(id, context);
  await exportTo(job, { ...choice, stage: flags.stage }, context);
  return 'done';
}
