import { AuthError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { hasAnswers } from './answers.ts';
import { checkModels } from './check-models.ts';
import { checkSample } from './check-sample.ts';
import { repeatRead } from './repeat-read.ts';
import { requireSameWorkspace } from './require-home.ts';
import type { Run } from './run.ts';

/**
 * Before anything is uploaded in this run: one list call proves the key and its workspace and sets the clock, and for a
 * job that was never sent a free call for each of its models and one for a sample request prove what it asks for.
 */
export async function checkBeforeFirst(
  run: Run,
  views: readonly ShardView[],
  signal: AbortSignal,
): Promise<void> {
  const unsent = views.find((view) => view.shard.state === 'built');
  if (unsent === undefined || run.time.isKnown()) return;
  const page = await repeatRead(
    () => run.deps.provider.listBatches({ limit: 1, afterId: null }, signal),
    run.deps.clock,
    signal,
  ).catch(async (error: unknown) => {
    // A key that is refused must not become the one that the job belongs to.
    if (error instanceof AuthError && !hasBegun(run, views))
      await run.deps.store.withdrawSubmission(run.job.id);
    throw error;
  });
  run.time.note(page.stamp);
  requireSameWorkspace(await run.deps.store.sealedHome(run.job.id), page.stamp);
  if (hasBegun(run, views)) return;
  await checkModels(run, views, signal);
  await checkSample(run, unsent.shard, signal);
}

/** Something of the job was sent, or asked and answered. */
export function hasBegun(run: Run, views: readonly ShardView[]): boolean {
  return views.some(
    ({ shard, submission }) =>
      submission !== null ||
      (shard.route === 'real_time' && (shard.state !== 'built' || hasAnswers(run.job, shard, run.deps))),
  );
}
