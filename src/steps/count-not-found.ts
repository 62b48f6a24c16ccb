import type { Batch } from '../core/batch.ts';
import { AuthError } from '../core/errors.ts';
import { goneAfterMs, isGone } from '../core/gone.ts';
import { isEmulatorAccount } from '../core/job.ts';
import { compareOwners, type Owner } from '../core/owner.ts';
import { repeatRead } from './repeat-read.ts';
import { strangerError } from './require-home.ts';
import type { Run } from './run.ts';
import { walkBatches } from './walk-batches.ts';

/**
 * One more «not found» for a batch that is ours. It counts only when the key acts in the workspace that made the batch:
 * to any other key every batch is not found. Keys are rotated, so it is the workspace that is compared, and the key only
 * where the API does not name workspaces. The last word is the account's list: a batch that it shows is not gone.
 *
 * @param madeMs when the batch was made, or before.
 * @returns whether the batch is gone for good.
 * @throws AuthError when the silence is another workspace's.
 */
export async function countNotFound(
  run: Run,
  { id, madeMs }: { readonly id: string; readonly madeMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { store, provider, clock, report } = run.deps;
  const page = await repeatRead(
    () => provider.listBatches({ limit: 1, afterId: null }, signal),
    clock,
    signal,
  );
  run.time.note(page.stamp);
  await requireOwner(run, id, page.stamp);
  const nowMs = run.time.nowMs();
  const notFound = await store.recordNotFound(id, nowMs);
  const isOverdue = isGone(notFound, nowMs, goneAfterMs(run.settleMs, isEmulatorAccount(provider.account)));
  const listed = isOverdue ? await findListed(run, { id, madeMs }, signal) : null;
  const gone = isOverdue && listed === 'absent';
  if (listed !== null && typeof listed === 'object') await store.recordSeen(listed);
  report({ kind: 'not_found', batchId: id, why: explain(gone, listed, notFound.answers) });
  return gone;
}

function explain(gone: boolean, listed: Batch | 'absent' | 'unclear' | null, answers: number): string {
  if (gone) return 'gone for good: its requests are named as missing';
  if (listed !== null && typeof listed === 'object') return 'the account’s list shows it, so it is not gone';
  return `not found ${answers} times so far; that passes, as a rule`;
}

/**
 * The batch as the account's whole list shows it; `unclear` when the list could not be had whole. To its end, not only to the
 * batch's own age: in a list whose first page holds an old batch alone, nothing tells yet that the newest do not come first. An
 * account of more batches than a walk lists has no end; there as many as that, the newest first, tell it well enough.
 */
async function findListed(
  run: Run,
  { id, madeMs }: { readonly id: string; readonly madeMs: number },
  signal: AbortSignal,
): Promise<Batch | 'absent' | 'unclear'> {
  const walk = await walkBatches(run, () => Number.NEGATIVE_INFINITY, signal);
  const batch = walk.batches.find((one) => one.id === id);
  if (batch !== undefined) return batch;
  return walk.whole || walk.seenSinceMs < madeMs ? 'absent' : 'unclear';
}

async function requireOwner(run: Run, batchId: string, now: Owner): Promise<void> {
  const { store, provider } = run.deps;
  const home = await store.sealedHome(run.job.id);
  const verdict = compareOwners(home, now);
  if (verdict === 'other_workspace' || verdict === 'other_organization')
    throw strangerError(verdict, home, now);
  const made = run.job.account;
  if (verdict === 'same' || made === null || made.keyFingerprint === provider.account.keyFingerprint) return;
  throw new AuthError(`batch ${batchId} is not found with this key`, {
    code: 'other_key',
    why: `job ${run.job.jobId} was submitted with another key (fingerprint ${made.keyFingerprint}, now ${provider.account.keyFingerprint}; workspace ${home.workspaceId ?? 'unknown'}, now ${now.workspaceId ?? 'unknown'}), and a batch is visible only in its own workspace`,
    next: `set ANTHROPIC_API_KEY to a key of the workspace that has the batch, then batchctl retrieve ${run.job.jobId}`,
  });
}
