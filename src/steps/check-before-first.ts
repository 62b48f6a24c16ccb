import { AuthError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import { hasAnswers } from './answers.ts';
import { checkModels } from './check-models.ts';
import { checkSample } from './check-sample.ts';
import { requireSameWorkspace } from './require-home.ts';
import type { Run } from './run.ts';
import { jobReachMs, requireUnsent } from './sent-elsewhere.ts';
import { walkBatches } from './walk-batches.ts';

/**
 * Before anything is uploaded in this run: a listing proves the key and its workspace, sets the clock, and shows what
 * another copy of this store may have sent; for a job that was never sent a free call for each of its models and one for
 * a sample request prove what it asks for.
 */
export async function checkBeforeFirst(
  run: Run,
  views: readonly ShardView[],
  signal: AbortSignal,
): Promise<void> {
  const unsent = views.find((view) => view.shard.state === 'built');
  if (unsent === undefined || run.time.isKnown()) return;
  const walk = await walkBatches(run, () => jobReachMs(run), signal).catch(async (error: unknown) => {
    // A key that is refused must not become the one that the job belongs to.
    if (error instanceof AuthError && !hasBegun(run, views))
      await run.deps.store.withdrawSubmission(run.job.id);
    throw error;
  });
  const [workspaceId = null] = walk.workspaceIds;
  const { organizationId } = walk;
  requireSameWorkspace(await run.deps.store.sealedHome(run.job.id), { workspaceId, organizationId });
  const shards = views
    .map((view) => view.shard)
    .filter((shard) => shard.state === 'built' && shard.route === 'batch');
  await requireUnsent(run, shards, await heldByDoubts(run, shards), walk, signal);
  if (hasBegun(run, views)) return;
  await checkModels(run, views, signal);
  await checkSample(run, unsent.shard, signal);
}

/** Those that wait for a doubt with as many requests (submit-shards.ts). */
async function heldByDoubts(
  { deps: { store, provider } }: Run,
  shards: readonly Shard[],
): Promise<ReadonlySet<number>> {
  const held = new Set<number>();
  for (const { id, requests } of shards)
    if ((await store.jobInDoubt(provider.account, requests, id)) !== null) held.add(id);
  return held;
}

/** Something of the job was sent, or asked and answered. */
export function hasBegun(run: Run, views: readonly ShardView[]): boolean {
  return views.some(
    ({ shard, submission }) =>
      submission !== null ||
      (shard.route === 'real_time' && (shard.state !== 'built' || hasAnswers(run.job, shard, run.deps))),
  );
}
