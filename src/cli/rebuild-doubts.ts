import { isKnownError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { RestoredReport } from '../steps/restore-job.ts';
import type { Context } from './context.ts';
import { explainSystemError } from './system-error.ts';

/** What the account's list says of doubts, by job id: the shards as they are after it, or why it was not asked. */
export interface AskedDoubts {
  readonly views: ReadonlyMap<string, readonly ShardView[]>;
  readonly notAsked: ReadonlyMap<string, string>;
}

/**
 * One look at the account for each job with something in doubt, so that the user hears at once which batches may be its
 * own. That it cannot be had changes nothing: the next run looks.
 */
export async function askForDoubts(
  restored: readonly RestoredReport[],
  context: Context,
  { offline }: { readonly offline: boolean },
): Promise<AskedDoubts> {
  const views = new Map<string, readonly ShardView[]>();
  const notAsked = new Map<string, string>();
  for (const { jobId, state } of restored) {
    if (state !== 'in_doubt') continue;
    if (offline) {
      notAsked.set(jobId, 'the account was not asked (--offline)');
      continue;
    }
    try {
      views.set(jobId, await lookOnce(jobId, context));
    } catch (thrown) {
      context.signal.throwIfAborted();
      const error = explainSystemError(thrown);
      if (!isKnownError(error)) throw error;
      notAsked.set(jobId, `the account could not be asked: ${error.message}`);
    }
  }
  return { views, notAsked };
}

async function lookOnce(jobId: string, { wire, signal }: Context): Promise<readonly ShardView[]> {
  const { lookAtBatches } = await import('../steps/look-at-batches.ts');
  const { requireHome } = await import('../steps/require-home.ts');
  const { startRun } = await import('../steps/run.ts');
  const { DEFAULT_SETTLE_MS } = await import('../core/doubt.ts');
  const job = await (await wire.store()).findJob(jobId);
  const deps = await wire.deps(job, { emulator: false });
  // What the silence of another workspace would add to a doubt is no evidence.
  await requireHome(job, deps, signal);
  await lookAtBatches(startRun(job, deps, DEFAULT_SETTLE_MS), signal);
  return deps.store.shards(job.id);
}
