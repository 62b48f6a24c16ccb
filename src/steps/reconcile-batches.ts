import { type Batch, hasEnded } from '../core/batch.ts';
import {
  FENCE_REACH_MS,
  homeOfDoubt,
  isPastProof,
  judgeDoubt,
  mayBeOurs,
  WATCH_ABSENT_MS,
  weighLook,
} from '../core/doubt.ts';
import { ProviderError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Doubt, Submission } from '../core/submission.ts';
import { countNotFound } from './count-not-found.ts';
import { mendReceipts } from './mend-receipts.ts';
import { proveBatch } from './prove-batch.ts';
import { requireSameWorkspace } from './require-home.ts';
import type { Run } from './run.ts';

import type { Walk } from './walk-batches.ts';

/** `Date` is cut to the second. */
const DATE_STEP_MS = 1_000;

/**
 * Brings every doubt of the job one listing further: candidates are adopted provisionally and proven by their results,
 * absence takes the settle time. Nothing is ever sent here.
 *
 * @returns when the next listing is due, in server time; null when no doubt needs one.
 * @throws AuthError when the key acts in another workspace: its silence proves nothing.
 */
export async function reconcileBatches(
  run: Run,
  views: readonly ShardView[],
  walk: Walk,
  signal: AbortSignal,
): Promise<number | null> {
  const ownIds = new Set(views.flatMap((view) => (view.batch === null ? [] : [view.batch.id])));
  const nextLooks: number[] = [];
  for (const submission of await run.deps.store.doubts(run.job.id)) {
    const view = views.find((one) => one.shard.id === submission.shardId);
    if (view === undefined) continue;
    if (submission.state === 'stuck') {
      // A batch whose results say whose they are, after all, spares the user the decision; nothing else does.
      await addCandidates(run, view, submission, walk);
      await proveCandidates(run, view, submission, walk, signal);
      continue;
    }
    const nextMs = await settleDoubt(run, view, submission, walk, ownIds, signal);
    if (nextMs !== null) nextLooks.push(nextMs);
  }
  return nextLooks.length === 0 ? null : Math.min(...nextLooks);
}

async function settleDoubt(
  run: Run,
  view: ShardView,
  submission: Doubt,
  walk: Walk,
  ownIds: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<number | null> {
  const { store, provider, report } = run.deps;
  const { sealedMs, fence, keyFingerprint } = submission;
  if (sealedMs === null || fence === null) return null;
  const now = { ...walk, keyFingerprint: provider.account.keyFingerprint };
  const home = homeOfDoubt({ fence, keyFingerprint }, await store.sealedHome(run.job.id), now);
  const { organizationId } = walk;
  for (const workspaceId of walk.workspaceIds) requireSameWorkspace(home, { workspaceId, organizationId });
  // Not later than the listing itself: a machine that slept since its answer came has seen nothing of that time.
  const latestMs = walk.serverMs === null ? Number.POSITIVE_INFINITY : walk.serverMs + DATE_STEP_MS;
  const serverMs = Math.min(run.time.nowMs(), latestMs);
  // What an earlier look of this doubt has shown has to be there as well: those of the fence may be deleted by now.
  const earlier = (await store.candidates(submission.id)).map((candidate) => candidate.batchId);
  // Where it is not known whose workspace this is, they may have been seen in another one.
  const known = new Set(home.workspaceId === null ? ownIds : [...ownIds, ...earlier]);
  await store.recordLook(submission.id, { serverMs, ...weighLook(walk, { ...fence, ...home }, known) });
  await addCandidates(run, view, submission, walk);
  await proveCandidates(run, view, submission, walk, signal);
  const looks = await store.looks(submission.id);
  const candidates = await store.candidates(submission.id);
  if (candidates.some((candidate) => candidate.verdict === 'verified')) return null;
  const verdict = judgeDoubt({ sealedMs, settleMs: run.settleMs, looks, candidates });
  switch (verdict.kind) {
    case 'provisional':
      return null;
    case 'wait':
      return verdict.nextLookMs;
    case 'absent':
      await store.judgeAbsent(submission.id, { watchUntilMs: sealedMs + WATCH_ABSENT_MS, by: 'evidence' });
      report({ kind: 'absent', shard: view.shard.number, looks: looks.length, settleMs: run.settleMs });
      return null;
    case 'untold':
      await store.judgeStuck(
        submission.id,
        home.workspaceId === null
          ? 'nothing tells which workspace it was sent to, and no listing shows a batch of its job, so it proves nothing that they do not show this one'
          : 'no listing shows a batch that was there before the seal, so it proves nothing that they do not show this one: were all of them deleted?',
      );
      return null;
    default:
      return verdict satisfies never;
  }
}

async function addCandidates(run: Run, view: ShardView, submission: Submission, walk: Walk): Promise<void> {
  const { store, report } = run.deps;
  const facts = { submission, requests: view.shard.requests };
  const seen = new Set((await store.candidates(submission.id)).map((candidate) => candidate.batchId));
  const matching = walk.batches.filter((batch) => !seen.has(batch.id) && mayBeOurs(batch, facts));
  const taken = await store.knownBatchIds(matching.map((batch) => batch.id));
  const found = matching.filter((batch) => !taken.has(batch.id));
  for (const batch of found) await store.addCandidate(submission.id, batch);
  if (found.length === 0) return;
  const batchIds = found.map((batch) => batch.id);
  report({ kind: 'provisional', shard: view.shard.number, requests: view.shard.requests, batchIds });
}

async function proveCandidates(
  run: Run,
  view: ShardView,
  submission: Submission,
  walk: Walk,
  signal: AbortSignal,
): Promise<void> {
  const { store, report } = run.deps;
  const facts = { settleMs: run.settleMs, sealedMs: submission.sealedMs ?? 0 };
  // One that is dated before is no candidate.
  const madeMs = submission.uploadStartedMs - FENCE_REACH_MS;
  let open = 0;
  const unprovable: string[] = [];
  for (const candidate of await store.candidates(submission.id)) {
    if (candidate.verdict !== 'provisional') continue;
    open += 1;
    const { batchId } = candidate;
    const batch =
      walk.batches.find((one) => one.id === batchId) ?? (await askFor(run, { id: batchId, madeMs }, signal));
    if (batch === 'gone') unprovable.push(`${batchId} was there and is gone`);
    if (batch === null || batch === 'gone') continue;
    await store.recordSeen(batch);
    if (!hasEnded(batch)) continue;
    const proof =
      batch.archivedAt === null ? await proveBatch(run, batch, view.shard.nonce, signal) : 'not_yet';
    switch (proof) {
      case 'ours':
        await store.adopt(submission.id, batchId, 'nonce');
        await mendReceipts(run);
        report({ kind: 'verified', shard: view.shard.number, batchId });
        return;
      case 'foreign':
        await store.rejectCandidate(submission.id, batchId);
        open -= 1;
        break;
      case 'not_yet':
        if (isPastProof(batch, { ...facts, looks: await store.looks(submission.id) }))
          unprovable.push(`the results of ${batchId} do not say whose they are`);
        break;
      default:
        proof satisfies never;
    }
  }
  // As long as one of them may still prove itself, the user has nothing to decide.
  if (open > 0 && unprovable.length === open) await store.judgeStuck(submission.id, unprovable.join('; '));
}

/** A candidate that the listing does not show. Null: not to be had now. */
async function askFor(
  run: Run,
  asked: Parameters<typeof countNotFound>[1],
  signal: AbortSignal,
): Promise<Batch | 'gone' | null> {
  try {
    const { batch, stamp } = await run.deps.provider.retrieveBatch(asked.id, signal);
    run.time.note(stamp);
    return batch;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    if (error.status !== 404) return null;
    return (await countNotFound(run, asked, signal)) ? 'gone' : null;
  }
}
