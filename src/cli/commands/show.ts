import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import { describeJob } from '../../steps/describe-job.ts';
import { withHolder } from '../at-work.ts';
import type { Context, Io } from '../context.ts';
import { findJob } from '../find-job.ts';
import { ID_HELP } from '../flags.ts';
import { formatJob } from '../print-job.ts';
import { formatRequest, readFailures, requestDocument } from '../print-request.ts';
import type { Verdict } from '../report-error.ts';

export function addShowCommand(program: Command, io: Io): void {
  program
    .command('show')
    .summary('show one request, or a job')
    .argument('<id>', ID_HELP)
    .argument('[custom_id]', 'one request of it')
    .option('--stage <name>', 'the request of this stage')
    .description(
      'Show one request with its prompt, answer, attempts and error; without [custom_id] the job and the first rows that ' +
        'failed. Asks no server.',
    )
    .addHelpText('after', '\nExamples:\n  $ batchctl show latest\n  $ batchctl show reviews r-003\n')
    .action((id: string, customId: string | undefined, flags: { readonly stage?: string }, self: Command) =>
      io.run(self, async (context) => {
        const job = await findJob(id, context);
        return customId === undefined
          ? showJob(job, context)
          : showOne(job, customId, flags.stage ?? null, context);
      }),
    );
}

async function showOne(job: Job, customId: string, stage: string | null, context: Context): Promise<Verdict> {
  const { showRequest } = await import('../../steps/show-request.ts');
  const request = await showRequest(job, customId, stage, await context.wire.localDeps());
  if (request === null) {
    throw new UsageError(
      `job ${job.jobId} has no request ${customId}${stage === null ? '' : ` in a stage ${stage}`}`,
      {
        code: 'request_not_found',
        why: 'no record of it has this custom_id',
        next: `look in batch_requests/${job.jobId}/records.jsonl, or batchctl show ${job.jobId}`,
      },
    );
  }
  if (context.json) await context.output.json(requestDocument(request));
  else await context.output.line(formatRequest(request));
  return 'done';
}

async function showJob(job: Job, context: Context): Promise<Verdict> {
  const deps = await context.wire.localDeps();
  const document = await withHolder(await describeJob(job, deps), context);
  const failures = await readFailures(document, deps.files);
  if (context.json) await context.output.json({ ...document, first_failures: failures });
  else {
    const isOne = job.stages.length === 1;
    const rows = failures.map(
      (row) => `  ${row.custom_id}${isOne ? '' : ` (${row.stage})`}: ${row.failure ?? row.status}`,
    );
    const list = rows.length === 0 ? [] : ['', `first rows of failed.jsonl:`, ...rows];
    await context.output.line([await formatJob(document, deps), ...list].join('\n'));
  }
  return 'done';
}
