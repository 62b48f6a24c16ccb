import { ADOPTED_NAME, adoptedContent, adoptedSpec } from '../core/adopted.ts';
import { type Batch, hasEnded, RESULTS_KEPT_MS, sumCounts } from '../core/batch.ts';
import { mayBeOurs } from '../core/doubt.ts';
import { ProviderError } from '../core/errors.ts';
import { isEmulatorAccount, type Job } from '../core/job.ts';
import type { ServerStamp } from '../core/ports/provider.ts';
import type { ShardOwner } from '../core/ports/store-views.ts';
import { parseWireId } from '../core/wire-id.ts';
import { countless, gone, isOurs, lostByStore, maybeOurs, notFound } from './adopt-refusals.ts';
import { receiptOf } from './check-receipts.ts';
import type { Deps } from './deps.ts';
import { firstIds } from './prove-batch.ts';
import { canBeRebuilt } from './read-journal.ts';
import { repeatRead } from './repeat-read.ts';

/** What the API said of a batch that no job here has. */
export interface FoundBatch {
  readonly batch: Batch;
  readonly stamp: ServerStamp;
}

type AdoptDeps = Pick<Deps, 'store' | 'files' | 'provider' | 'clock'>;

// A batch that was just made may be «not found» (anthropics/anthropic-sdk-python issue 1432: one second after its create).
const PAUSES_MS = [1_000, 2_000];

/** @throws ProviderError `batch_not_found` when the API does not know it, also after a moment. */
export async function findRemoteBatch(
  batchId: string,
  { provider, clock }: Pick<Deps, 'provider' | 'clock'>,
  signal: AbortSignal,
): Promise<FoundBatch> {
  for (let asked = 0; ; asked += 1) {
    try {
      return await repeatRead(() => provider.retrieveBatch(batchId, signal), clock, signal);
    } catch (error) {
      if (!(error instanceof ProviderError) || error.status !== 404) throw error;
      const pauseMs = PAUSES_MS[asked];
      if (pauseMs === undefined) throw notFound(batchId, error, asked + 1);
      await clock.sleep(pauseMs, signal);
      signal.throwIfAborted();
    }
  }
}

/**
 * Takes in a batch that no job of this workspace made, as a job of its own. Only reads of the API: nothing can be paid by
 * it. Twice the same batch is the same job.
 *
 * @throws DecisionError when the batch is, or may be, one of our own; ProviderError when its results are gone.
 */
export async function adoptBatch(
  { batch, stamp }: FoundBatch,
  name: string | null,
  deps: AdoptDeps,
  signal: AbortSignal,
): Promise<{ readonly job: Job; readonly isNew: boolean }> {
  const { store, provider, clock } = deps;
  const requests = sumCounts(batch.counts);
  if (requests === 0) throw countless(batch);
  refuseGone(batch, stamp.serverMs ?? clock.now().getTime());
  await refuseOurs(batch, deps, signal);
  const { account } = provider;
  return store.adoptBatch({
    name: name ?? ADOPTED_NAME,
    spec: adoptedSpec(isEmulatorAccount(account) ? 'emulator' : 'api'),
    contentSha256: adoptedContent(account.baseUrl, batch.id),
    account,
    batch,
    stamp,
    at: clock.now(),
  });
}

/**
 * Whose a batch is can be told for good only by its results. One that had not ended when it was taken in, and turns out to
 * be our own, is let go again.
 *
 * @throws DecisionError then
 */
export async function letGoIfOurs(
  job: Job,
  batch: Batch,
  deps: AdoptDeps,
  signal: AbortSignal,
): Promise<void> {
  const { owner } = await readOwner(batch, deps, signal);
  if (owner === null) return;
  await deps.store.dropAdopted(job.id);
  throw isOurs(batch, owner, `; job ${job.jobId}, which took it in as another's, is dropped`);
}

async function refuseOurs(batch: Batch, deps: AdoptDeps, signal: AbortSignal): Promise<void> {
  const { store, provider, clock } = deps;
  const madeFor = await receiptOf(batch.id, deps);
  // Of a job without its journal nothing but its batches is left, and a rebuild has said so.
  if (madeFor !== null && (await canBeRebuilt(madeFor, deps.files))) throw lostByStore(batch, madeFor);
  const { owner, isForeign } = await readOwner(batch, deps, signal);
  if (owner !== null) throw isOurs(batch, owner, '');
  if (isForeign) return;
  // Its results do not speak yet, and its number of requests is all that a doubt can be held against.
  const requests = sumCounts(batch.counts);
  const doubted = await store.jobInDoubt(provider.account, requests, 0);
  if (doubted !== null) throw maybeOurs(batch, doubted);
  for (const one of await store.watched(provider.account, clock.now().getTime())) {
    if (one.requests !== requests || !mayBeOurs(batch, { submission: one, requests })) continue;
    throw maybeOurs(batch, null);
  }
}

/** `isForeign`: ids were read, and none of them bears a nonce of ours. */
async function readOwner(
  batch: Batch,
  deps: AdoptDeps,
  signal: AbortSignal,
): Promise<{ readonly owner: ShardOwner | null; readonly isForeign: boolean }> {
  const nonces = new Set<string>();
  let read = 0;
  try {
    if (hasEnded(batch)) {
      for await (const id of firstIds(batch, deps, signal)) {
        read += 1;
        const wire = parseWireId(id);
        if (wire !== null) nonces.add(wire.nonce);
      }
    }
  } catch {
    // What came says enough; that nothing came is met again by the download, which has its own words for it.
    signal.throwIfAborted();
  }
  const owner = nonces.size === 0 ? null : await deps.store.shardOfNonce([...nonces]);
  return { owner, isForeign: read > 0 && owner === null };
}

function refuseGone(batch: Batch, nowMs: number): void {
  const isOld = nowMs - Date.parse(batch.createdAt) > RESULTS_KEPT_MS;
  if (batch.archivedAt === null && !isOld) return;
  throw gone(batch);
}
