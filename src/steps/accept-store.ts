import { DEFAULT_SETTLE_MS } from '../core/doubt.ts';
import { DecisionError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { ForgottenSeal } from '../core/ports/standing-store.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { findForgotten, unknownJobs } from './check-standing.ts';
import type { Deps } from './deps.ts';
import type { Run } from './run.ts';
import { findSentElsewhere, jobReachMs } from './sent-elsewhere.ts';
import { SENT_LOG, type SentLine } from './sent-log.ts';
import { createServerTime } from './server-time.ts';
import { walkBatches } from './walk-batches.ts';

/**
 * The user's word that this database, though a copy, is the one that counts from now on. What the log tells of seals that
 * it has forgotten is put in doubt, so that their batches are looked for and nothing of them is sent again; ended batches
 * of the account that are proven to be this job's are taken in.
 *
 * @throws DecisionError when a job has shards that this copy never had.
 */
export async function acceptStore(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const { store, files, report } = deps;
  await store.settleAfterCrash(job.id);
  const forgotten = await findForgotten(job, deps);
  const unknown = await unknownJobs([...new Set(forgotten.map((line) => line.job_id))], deps);
  for (const jobId of unknown) {
    const text = `job ${jobId} was sent from here, but this database does not know it; batchctl doctor --rebuild makes it again`;
    report({ kind: 'problem', text });
  }
  const known = forgotten.filter((line) => !unknown.includes(line.job_id));
  const jobs = new Map(
    (await store.listJobs({ pendingOnly: false, limit: null })).map((one) => [one.jobId, one]),
  );
  const restorable: { readonly view: ShardView; readonly line: SentLine; readonly job: Job }[] = [];
  for (const line of known) {
    const owner = jobs.get(line.job_id);
    if (owner === undefined) continue;
    const view = (await store.shards(owner.id)).find((one) => one.shard.nonce === line.nonce);
    if (view === undefined) throw neverHad(line);
    if (view.shard.state === 'built') restorable.push({ view, line, job: owner });
  }
  for (const { view, line, job: owner } of restorable) {
    const account = { baseUrl: line.base_url, keyFingerprint: line.key_fingerprint };
    await store.requestSubmission(owner.id, account, 'batch', new Date(line.sealed_at));
    // Sent, refused, and sent again: the log has it twice, and one doubt covers both.
    if ((await store.shards(owner.id)).find((one) => one.shard.id === view.shard.id)?.shard.state !== 'built')
      continue;
    await store.restoreSeal(view.shard.id, account, toSeal(line));
  }
  await takeInProven(job, deps, signal);
  const serials = forgotten.map((line) => line.serial);
  const logBytes = files.exists(SENT_LOG) ? files.size(SENT_LOG) : 0;
  await store.acceptStore({ serial: Math.max(0, ...serials), logBytes });
  await store.recordEvent({ jobId: job.id, kind: 'store_accepted', detail: { seals: restorable.length } });
}

async function takeInProven(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const run: Run = {
    job: await deps.store.jobById(job.id),
    deps,
    time: createServerTime(deps.clock),
    settleMs: DEFAULT_SETTLE_MS,
  };
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

function toSeal(line: SentLine): ForgottenSeal {
  const { fence } = line;
  return {
    uploadStartedMs: Date.parse(line.upload_started_at),
    sealedMs: Date.parse(line.sealed_at),
    fence: {
      batchIds: fence.batch_ids,
      serverMs: fence.server_at === null ? null : Date.parse(fence.server_at),
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
      next: 'put the newer .batchctl/state.db back; without one, batchctl doctor --rebuild',
    },
  );
}
