import { clockSkewMs, fenceIds, listingReachMs, mayBeOurs } from '../core/doubt.ts';
import type { Fence, Submission } from '../core/submission.ts';
import { type FenceMemory, joinFence, rememberFence, seenBefore, startFences } from './fence-memory.ts';
import { requireSameWorkspace } from './require-home.ts';
import type { Run } from './run.ts';
import { walkBatches } from './walk-batches.ts';
import { findStrange } from './watch-absent.ts';

/** A batch of an attempt that was judged absent has appeared after all: the new attempt must not be sealed. */
export class LateBatchFound extends Error {
  readonly submissionId: number;

  constructor(submissionId: number) {
    super('a batch of an earlier attempt has appeared');
    this.submissionId = submissionId;
  }
}

/**
 * Lists the account's newest batches, after the upload and before the seal: what is there now cannot be what the tail is
 * about to make. The same call proves that the key works and names its workspace. What an earlier fence of this run has
 * seen (`memory`) is not listed again, unless an earlier attempt of the shard is looked for.
 *
 * @throws AuthError when the key acts in another workspace than the job's earlier batches.
 * @throws LateBatchFound when one of `earlier` (attempts of this shard that were judged absent or refused) appears.
 */
export async function takeFence(
  run: Run,
  uploadStartedMs: number,
  earlier: readonly (Submission & { readonly requests: number })[],
  signal: AbortSignal,
  memory: FenceMemory = startFences(),
): Promise<Fence> {
  const { store } = run.deps;
  const reach = (): number => listingReachMs(uploadStartedMs, clocksOf(run));
  const seen = earlier.length > 0 ? null : seenBefore(memory, reach());
  const walk = await walkBatches(run, reach, signal, seen);
  const clocks = { ...clocksOf(run), serverMs: walk.serverMs };
  const taken = await store.knownBatchIds([...walk.batchIds]);
  const all = joinFence(memory, walk.batches, taken, seen === null);
  const batchIds = fenceIds(all, uploadStartedMs, clocks);
  const fence = {
    batchIds,
    ...clocks,
    workspaceId: walk.workspaceIds.at(-1) ?? null,
    organizationId: walk.organizationId,
  };
  // A job whose batches are in two workspaces could be seen whole with no key.
  requireSameWorkspace(await store.sealedHome(run.job.id), fence);
  // What its results, or the user, have rejected once is not late. A rival was rejected for another's sake only.
  const strange = await findStrange(run, earlier);
  for (const submission of earlier) {
    requireSameWorkspace(submission.fence, fence);
    const named = (await store.candidates(submission.id)).filter((one) => one.rejectedBy === 'user');
    const judged = new Set([...strange, ...named.map((one) => one.batchId)]);
    const facts = { submission, requests: submission.requests };
    const late = walk.batches
      .filter((batch) => !judged.has(batch.id) && mayBeOurs(batch, facts))
      .map((batch) => batch.id);
    const known = await store.knownBatchIds(late);
    if (known.size < late.length) throw new LateBatchFound(submission.id);
  }
  const ids = new Set(batchIds);
  const kept = all.filter(({ id }) => ids.has(id));
  rememberFence(memory, { listed: walk.batchIds, kept, reachMs: reach() });
  return fence;
}

function clocksOf({ time, deps }: Run): Pick<Fence, 'serverMs' | 'skewMs'> {
  const serverMs = time.isKnown() ? time.nowMs() : null;
  const skewMs = clockSkewMs(serverMs, deps.clock.now().getTime());
  return skewMs === undefined ? { serverMs } : { serverMs, skewMs };
}
