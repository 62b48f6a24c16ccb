import { DEFAULT_SETTLE_MS, WATCH_ABSENT_MS } from '../core/doubt.ts';
import { DecisionError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { ForgottenSeal } from '../core/ports/standing-store.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { olderStore } from '../core/store-remedies.ts';
import type { Submission } from '../core/submission.ts';
import { findForgotten } from './check-standing.ts';
import type { Deps } from './deps.ts';
import { requireForgottenHome } from './require-home.ts';
import { startRun } from './run.ts';
import { findSentElsewhere, jobReachMs } from './sent-elsewhere.ts';
import { SENT_LOG, type SentLine } from './sent-log.ts';
import { walkBatches } from './walk-batches.ts';
import { RECEIPTS } from './write-receipt.ts';

/**
 * The user's word that this database, though a copy, is the one that counts from now on. What the log tells of seals that
 * it has forgotten is put in doubt, so that their batches are looked for and nothing of them is sent again; ended batches
 * of the account that are proven to be this job's are taken in.
 *
 * A damaged store is not accepted, nor is anything with a key that is not shown to be of the job's home: to such a key
 * every batch is «not found».
 *
 * @throws DecisionError when a job has shards that this copy never had; AuthError, StoreError as above.
 */
export async function acceptStore(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const { store, files, report } = deps;
  await store.checkSent();
  // Of every job: what is accepted of the log is not looked at again for any of them.
  const jobs = new Map(
    (await store.listJobs({ pendingOnly: false, limit: null })).map((one) => [one.jobId, one]),
  );
  const forgotten = await findForgotten([...jobs.values()], deps);
  const own = forgotten.filter((line) => line.job_id === job.jobId);
  await requireForgottenHome(job, own, deps, signal);
  const shards = new Map<string, { readonly owner: Job; readonly lines: SentLine[] }>();
  const unknown = new Set<string>();
  for (const line of forgotten) {
    const owner = jobs.get(line.job_id);
    if (owner === undefined) unknown.add(line.job_id);
    else {
      const ofShard = shards.get(line.nonce) ?? { owner, lines: [] };
      ofShard.lines.push(line);
      shards.set(line.nonce, ofShard);
    }
  }
  for (const jobId of unknown) {
    const text = `job ${jobId} was sent from here, but this database does not know it; batchctl doctor --rebuild makes it again`;
    report({ kind: 'problem', text });
  }
  // Before anything is written: where a shard was never had, a rebuild needs the journal as it is.
  for (const { owner, lines } of shards.values()) {
    const [line] = lines;
    if (line !== undefined && (await viewOf(owner, line, deps)) === undefined) throw neverHad(line);
  }
  await store.settleAfterCrash(job.id);
  let seals = 0;
  for (const { owner, lines } of shards.values()) if (await restore(owner, lines, deps)) seals += 1;
  await takeInProven(job, deps, signal);
  const serials = forgotten.map((line) => line.serial);
  const logBytes = files.exists(SENT_LOG) ? files.size(SENT_LOG) : 0;
  const receipt_bytes = files.exists(RECEIPTS) ? files.size(RECEIPTS) : 0;
  await store.acceptStore({ serial: Math.max(0, ...serials), logBytes });
  await store.recordEvent({ jobId: job.id, kind: 'store_accepted', detail: { seals, receipt_bytes } });
}

async function viewOf(
  { id }: Job,
  { nonce }: SentLine,
  { store }: Pick<Deps, 'store'>,
): Promise<ShardView | undefined> {
  return (await store.shards(id)).find(({ shard }) => shard.nonce === nonce);
}

/**
 * One doubt covers all that the log tells of a shard: sent, refused, and sent again. An attempt that this database still
 * has in doubt becomes part of it, else the later one would be looked for in the days of the earlier one.
 *
 * @returns whether anything of it can be in doubt.
 */
async function restore(owner: Job, lines: readonly SentLine[], { store, clock }: Deps): Promise<boolean> {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return false;
  await store.settleAfterCrash(owner.id);
  const account = { baseUrl: last.base_url, keyFingerprint: last.key_fingerprint };
  await store.requestSubmission(owner.id, account, 'batch', new Date(first.sealed_at));
  const shard = (await viewOf(owner, first, { store }))?.shard;
  if (shard === undefined) return false;
  const doubt = (await store.doubts(owner.id)).find(({ shardId }) => shardId === shard.id);
  if (doubt !== undefined) {
    const watchUntilMs = clock.now().getTime() + WATCH_ABSENT_MS;
    await store.judgeAbsent(doubt.id, { watchUntilMs, by: 'user' });
  } else if (shard.state !== 'built') return false;
  await store.restoreSeal(shard.id, account, toSeal(first, last, doubt ?? null));
  return true;
}

async function takeInProven(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const run = startRun(await deps.store.jobById(job.id), deps, DEFAULT_SETTLE_MS);
  const unsent = (await deps.store.shards(job.id))
    .map((view) => view.shard)
    .filter((shard) => shard.state === 'built' && shard.route === 'batch');
  if (unsent.length === 0 || run.job.account === null) return;
  const walk = await walkBatches(run, () => jobReachMs(run), signal);
  const found = await findSentElsewhere(run, unsent, walk, signal);
  const taken = new Set<number>();
  for (const { shard, batch } of found.filter((one) => one.isProven)) {
    if (taken.has(shard.id)) {
      const text = `${batch.id} is a second copy of shard ${shard.number}, paid twice`;
      deps.report({ kind: 'problem', text });
      continue;
    }
    taken.add(shard.id);
    const createdMs = Date.parse(batch.createdAt);
    const submission = await deps.store.restoreSeal(shard.id, run.deps.provider.account, {
      uploadStartedMs: createdMs,
      sealedMs: createdMs,
      fence: {
        batchIds: [],
        serverMs: walk.serverMs,
        workspaceId: walk.workspaceIds.at(-1) ?? null,
        organizationId: walk.organizationId,
      },
      reason: `${batch.id} was sent from another copy of this workspace`,
    });
    await deps.store.addCandidate(submission.id, batch);
    await deps.store.adopt(submission.id, batch.id, 'nonce');
    deps.report({ kind: 'verified', shard: shard.number, batchId: batch.id });
  }
}

/** From the earliest upload to the latest seal; only what was there before all of them is no batch of theirs. */
function toSeal(first: SentLine, last: SentLine, doubt: Submission | null): ForgottenSeal {
  const { fence } = last;
  const skewMs = fence.skew_ms ?? first.fence.skew_ms ?? doubt?.fence?.skewMs;
  const isDated = [fence.server_at, first.fence.server_at].every((at) => at !== null);
  return {
    uploadStartedMs: Math.min(
      Date.parse(first.upload_started_at),
      doubt?.uploadStartedMs ?? Number.POSITIVE_INFINITY,
    ),
    sealedMs: Math.max(Date.parse(last.sealed_at), doubt?.sealedMs ?? 0),
    fence: {
      batchIds: doubt?.fence?.batchIds ?? first.fence.batch_ids,
      serverMs: isDated && fence.server_at !== null ? Date.parse(fence.server_at) : null,
      ...(skewMs === undefined ? {} : { skewMs }),
      workspaceId: fence.workspace_id,
      organizationId: fence.organization_id,
    },
    reason: `${SENT_LOG} tells that it was sent; the database had forgotten it`,
  };
}

function neverHad(line: SentLine): DecisionError {
  return new DecisionError(
    `shard ${line.shard} of job ${line.job_id} was sent, and this database never had it`,
    {
      code: 'store_older',
      why: `${SENT_LOG} tells of its seal at ${line.sealed_at}; the shard was made after this copy of the database`,
      next: olderStore(null),
    },
  );
}
