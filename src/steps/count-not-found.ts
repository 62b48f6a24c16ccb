import { AuthError } from '../core/errors.ts';
import { goneAfterMs, isGone } from '../core/gone.ts';
import { isEmulatorAccount } from '../core/job.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';

/**
 * One more «not found» for a batch that is ours. It counts only when the key acts in the workspace that made the batch:
 * to any other key every batch is not found. Keys are rotated, so it is the workspace that is compared, and the key only
 * where the API does not name workspaces.
 *
 * @returns whether the batch is gone for good.
 * @throws AuthError when the silence is another workspace's.
 */
export async function countNotFound(run: Run, batchId: string, signal: AbortSignal): Promise<boolean> {
  const { store, provider, clock, report } = run.deps;
  const page = await repeatRead(
    () => provider.listBatches({ limit: 1, afterId: null }, signal),
    clock,
    signal,
  );
  run.time.note(page.stamp);
  await requireOwner(run, batchId, page.stamp.workspaceId);
  const nowMs = run.time.nowMs();
  const notFound = await store.recordNotFound(batchId, nowMs);
  const gone = isGone(notFound, nowMs, goneAfterMs(run.settleMs, isEmulatorAccount(provider.account)));
  const why = gone
    ? 'gone for good: its requests are named as missing'
    : `not found ${notFound.answers} times so far; that passes, as a rule`;
  report({ kind: 'not_found', batchId, why });
  return gone;
}

async function requireOwner(run: Run, batchId: string, workspaceId: string | null): Promise<void> {
  const { store, provider } = run.deps;
  const home = await store.sealedWorkspace(run.job.id);
  const made = run.job.account;
  const isSame =
    home === null || workspaceId === null
      ? made === null || made.keyFingerprint === provider.account.keyFingerprint
      : home === workspaceId;
  if (isSame) return;
  throw new AuthError(`batch ${batchId} is not found with this key`, {
    code: 'other_key',
    why: `job ${run.job.jobId} was submitted with another key (fingerprint ${made?.keyFingerprint ?? 'unknown'}, now ${provider.account.keyFingerprint}; workspace ${home ?? 'unknown'}, now ${workspaceId ?? 'unknown'}), and a batch is visible only in its own workspace`,
    next: `set ANTHROPIC_API_KEY to a key of the workspace that has the batch, then batchctl retrieve ${run.job.jobId}`,
  });
}
