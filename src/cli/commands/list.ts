import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { countFailed, type JobDocument, jobDocument } from '../../core/job-document.ts';
import { describeUnsent } from '../../steps/describe-unsent.ts';
import type { Context, Io } from '../context.ts';
import { parseWhole } from '../flags.ts';
import { type Column, formatCount, formatTable, formatTime } from '../output.ts';
import type { Verdict } from '../report-error.ts';

interface ListFlags {
  readonly all?: boolean;
  readonly limit?: number;
  readonly remote?: boolean;
}

export function addListCommand(program: Command, io: Io): void {
  program
    .command('list')
    .summary('list jobs, pending ones by default')
    .description(
      'List jobs, the newest first: those that are not finished, or all of them. Asks no server. With --remote: the ' +
        'batches of the account, the newest first, and whose they are here.',
    )
    .option('--all', 'finished jobs too')
    .option('--remote', 'the batches of the account as the API lists them, also those made elsewhere')
    .option('--limit <n>', 'at most this many jobs, or batches (of these 100 where not given)', (text) =>
      parseWhole(text, 1, 1_000_000),
    )
    .addHelpText('after', '\nExamples:\n  $ batchctl list --all --limit 20\n  $ batchctl list --remote\n')
    .action((flags: ListFlags, command: Command) => io.run(command, (context) => list(flags, context)));
}

async function list(flags: ListFlags, context: Context): Promise<Verdict> {
  if (flags.remote) {
    if (flags.all) {
      throw new UsageError('--all and --remote do not go together', {
        code: 'wrong_usage',
        why: '--all is about jobs, and --remote lists batches, finished ones too',
        next: 'batchctl list --remote, with --limit for more of them',
      });
    }
    const { listRemoteHere } = await import('../list-remote.ts');
    await listRemoteHere(flags.limit ?? null, context);
    return 'done';
  }
  const rows = await readJobs(flags, context);
  if (context.json) {
    await context.output.json(rows.map((row) => row.document));
  } else if (rows.length === 0) {
    context.talk.say(`no ${flags.all ? '' : 'pending '}jobs in ${context.wire.root}`);
  } else {
    await context.output.line(formatTable(columnsFor(rows), rows));
  }
  return 'done';
}

interface Row {
  readonly document: JobDocument;
  readonly createdAt: string;
}

async function readJobs(flags: ListFlags, context: Context): Promise<readonly Row[]> {
  const store = await context.wire.existingStore();
  if (store === null) return [];
  const files = await context.wire.files();
  const jobs = await store.listJobs({ pendingOnly: flags.all !== true, limit: flags.limit ?? null });
  const rows: Row[] = [];
  for (const job of jobs) {
    const folder = files.resultsDir(job.jobId);
    const outputDir = files.exists(folder) ? folder : null;
    const views = await store.shards(job.id);
    const unsent = await describeUnsent(job, views, { store });
    rows.push({
      document: { ...jobDocument(job, views, outputDir), ...unsent },
      createdAt: job.createdAt,
    });
  }
  return rows;
}

function columnsFor(rows: readonly Row[]): readonly Column<Row>[] {
  const isAnyUnsent = rows.some(({ document }) => document.unsent !== undefined);
  return COLUMNS.filter((column) => column !== UNSENT || isAnyUnsent);
}

/** Shown where there are some. */
const UNSENT: Column<Row> = {
  title: 'UNSENT',
  value: ({ document: { unsent } }) => {
    if (unsent === undefined) return '';
    return `${formatCount(unsent.shards)}${unsent.waits_for === 'queue_room' ? ', no room' : ''}`;
  },
};

const COLUMNS: readonly Column<Row>[] = [
  { title: 'JOB', value: ({ document }) => document.job_id },
  { title: 'STATE', value: ({ document }) => document.state },
  { title: 'REQUESTS', value: ({ document }) => formatCount(document.requests), align: 'right' },
  { title: 'SUCCEEDED', value: ({ document }) => formatCount(document.succeeded), align: 'right' },
  { title: 'FAILED', value: ({ document }) => formatCount(countFailed(document)), align: 'right' },
  { title: 'BATCHES', value: ({ document }) => formatCount(document.batches.length), align: 'right' },
  UNSENT,
  { title: 'CREATED', value: ({ createdAt }) => formatTime(createdAt) },
];
