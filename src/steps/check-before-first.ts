import type { ShardView } from '../core/ports/store.ts';
import { checkSample } from './check-sample.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';
import { requireSameWorkspace } from './take-fence.ts';

/**
 * Before anything is uploaded in this run: one list call proves the key and its workspace and sets the clock, and for a
 * job that was never sent one free call proves a sample request.
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
  );
  run.time.note(page.stamp);
  requireSameWorkspace({ workspaceId: await run.deps.store.sealedWorkspace(run.job.id) }, page.stamp);
  if (views.every((view) => view.submission === null)) await checkSample(run, unsent.shard, signal);
}
