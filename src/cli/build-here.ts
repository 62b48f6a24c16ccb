import { InterruptedError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import type { RenderItem } from '../core/record.ts';
import type { Context } from './context.ts';
import { type BuildFlags, limitsOf } from './flags.ts';
import { loadTarget, type Target } from './pick-target.ts';
import { isInterruption } from './run-locked.ts';

/** The records of a job file, rendered, as the steps take them. */
export async function openItems(
  jobFile: JobFile,
  context: Context,
): Promise<AsyncIterable<readonly RenderItem[]>> {
  const { renderRequests } = await import('../steps/render-requests.ts');
  return renderRequests(jobFile, await context.wire.records(jobFile), context.signal);
}

/** Builds a job in this workspace, or finds the unfinished one of the same content. */
export async function buildHere(
  target: Exclude<Target, { readonly kind: 'job' }>,
  flags: BuildFlags,
  context: Context,
): Promise<Job> {
  const jobFile = await loadTarget(target, flags.set, context);
  const items = await openItems(jobFile, context);
  const { buildJob } = await import('../steps/build-requests.ts');
  await context.talk.startSpinner();
  try {
    const { job } = await buildJob(
      {
        name: jobFile.name,
        spec: {
          apiVersion: jobFile.apiVersion,
          model: jobFile.model,
          stages: ['main'],
          private: jobFile.private,
          on: context.emulator ? 'emulator' : 'api',
          file: target.kind === 'job_file' ? jobFile.path : null,
        },
        items,
        limits: limitsOf(flags),
        reuse: flags.new !== true,
      },
      await context.wire.localDeps(),
      context.signal,
    );
    return job;
  } catch (error) {
    if (isInterruption(error, context.signal)) throw interrupted(context.signal);
    throw error;
  } finally {
    context.talk.stopSpinner();
  }
}

function interrupted({ reason }: AbortSignal): InterruptedError {
  return new InterruptedError('interrupted while the requests were built', {
    code: 'interrupted',
    signal: reason instanceof InterruptedError ? reason.signal : 'SIGINT',
    why: 'nothing was sent, and what was written does not count',
    next: 'run the same command again',
    cause: reason,
  });
}
