import { clockSkewMs, fenceIds, listingReachMs, mayBeOurs } from '../core/doubt.ts';
import type { Fence, Submission } from '../core/submission.ts';
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
 * about to make. The same call proves that the key works and names its workspace.
 *
 * @throws AuthError when the key acts in another workspace than the job's earlier batches.
 * @throws LateBatchFound when one of `earlier` (attempts of this shard that were judged absent or refused) appears.
 */
export async function takeFence(
  run: Run,
  uploadStartedMs: number,
  earlier: readonly (Submission & { readonly requests: number })[],
  signal: AbortSignal,
): Promise<Fence> {
  const walk = await walkBatches(run, () => listingReachMs(uploadStartedMs, clocksOf(run)), signal);
  const clocks = { ...clocksOf(run), serverMs: walk.serverMs };
  const fence = {
    batchIds: fenceIds(walk.batches, uploadStartedMs, clocks),
    ...clocks,
    workspaceId: walk.workspaceIds.at(-1) ?? null,
    organizationId: walk.organizationId,
  };
  // A job whose batches are in two workspaces could be seen whole with no key.
  requireSameWorkspace(await run.deps.store.sealedHome(run.job.id), fence);
  // What its results, or the user, have rejected once is not late. A rival was rejected for another's sake only.
  const strange = await findStrange(run, earlier);
  for (const submission of earlier) {
    requireSameWorkspace(submission.fence, fence);
    const named = (await run.deps.store.candidates(submission.id)).filter((one) => one.rejectedBy === 'user');
    const judged = new Set([...strange, ...named.map((one) => one.batchId)]);
    const facts = { submission, requests: submission.requests };
    const late = walk.batches
      .filter((batch) => !judged.has(batch.id) && mayBeOurs(batch, facts))
      .map((batch) => batch.id);
    const known = await run.deps.store.knownBatchIds(late);
    if (known.size < late.length) throw new LateBatchFound(submission.id);
  }
  return fence;
}

function clocksOf({ time, deps }: Run): Pick<Fence, 'serverMs' | 'skewMs'> {
  const serverMs = time.isKnown() ? time.nowMs() : null;
  const skewMs = clockSkewMs(serverMs, deps.clock.now().getTime());
  return skewMs === undefined ? { serverMs } : { serverMs, skewMs };
}
