import type { Job } from '../core/job.ts';
import type { ExportSummary } from '../steps/export-job.ts';
import type { Context } from './context.ts';
import type { ExportChoice } from './export-flags.ts';
import { fileTarget, stdoutTarget, type TextTarget } from './export-target.ts';
import { formatCount, formatMany } from './output.ts';
import { refuseTarget } from './refuse-target.ts';

/** Runs the export, and says of what it is: how many rows, how many of them failed or are not known. */
export async function exportTo(
  found: Job,
  choice: ExportChoice & { readonly stage: string | undefined },
  context: Context,
): Promise<void> {
  const { exportJob, pickStage } = await import('../steps/export-job.ts');
  const deps = await context.wire.localDeps();
  const stage = pickStage(found, choice.stage);
  if (choice.path !== null) await refuseTarget(choice.path, found, context);
  const target = await openTarget(choice, found, context);
  try {
    const summary = await exportJob(found, stage, choice.form, target, deps, context.signal);
    await target.finish();
    await tell(found, stage, choice, summary, context);
  } finally {
    await target.discard();
  }
}

/** A table has its own file; nothing is written to stdout then. */
function openTarget({ form, path }: ExportChoice, job: Job, context: Context): Promise<TextTarget> {
  return path === null || form.kind === 'sqlite'
    ? Promise.resolve(stdoutTarget(context.output))
    : fileTarget(path, { private: job.spec.private });
}

async function tell(
  job: Job,
  stage: string,
  { format, path }: ExportChoice,
  { rows, failed, pending, columns, renamed }: ExportSummary,
  context: Context,
): Promise<void> {
  const { talk } = context;
  if (context.json && path !== null) {
    await context.output.json({
      job_id: job.jobId,
      stage,
      format,
      file: path,
      rows,
      failed,
      pending,
      columns,
    });
  }
  for (const { name, from, key } of renamed) {
    const wanted = from === 'json' ? `json.${key}` : key;
    talk.say(`"${wanted}" is a column of the data, so the answer's is called "${name}"`);
  }
  if (context.output.isClosed) return;
  const parts = [
    formatMany(rows, 'row'),
    ...(failed > 0 ? [`${formatCount(failed)} of them failed`] : []),
    ...(pending > 0 ? [`${formatCount(pending)} of them pending`] : []),
  ];
  talk.say(`${path === null ? 'exported' : `wrote ${path}:`} ${parts.join(', ')}`);
  if (pending > 0) talk.warn(`job ${job.jobId} is ${job.state}, not final: pending rows have no answer yet`);
}
