import type { JournalBatch, JournalJob, JournalShard, JournalSubmission } from './journal.ts';
import type { JournalFold } from './journal-lines.ts';

/** A batch id beside the database, for a shard of this job. */
export interface ReceiptFacts {
  readonly batch_id: string;
  readonly created_at: string;
  readonly nonce: string;
  readonly base_url: string;
}

/** What was done to the journal's word, in sentences. */
export interface RestoredShards {
  readonly shards: readonly JournalShard[];
  readonly remarks: readonly string[];
}

/**
 * The shards of a job as they are to come back. One rule decides: what may be paid never comes back as a shard that can be
 * sent. So a receipt makes a batch of it, whatever else the journal says, and where a line of the journal cannot be read, a
 * shard that it calls unsent is in doubt.
 */
export function restoreShards(
  job: JournalJob,
  { shards, unreadable }: Pick<JournalFold, 'shards' | 'unreadable'>,
  receipts: readonly ReceiptFacts[],
  at: string,
): RestoredShards {
  const remarks: string[] = [];
  const parents = new Set(shards.map(({ split_from }) => split_from));
  const restored = shards.map((shard) => {
    if (parents.has(shard.nonce)) return { ...shard, state: 'split' as const };
    const receipt = receipts.findLast(({ nonce }) => nonce === shard.nonce);
    if (receipt !== undefined && !hasBatch(shard)) {
      remarks.push(`shard ${shard.number} has batch ${receipt.batch_id}, by its receipt`);
      return withReceipt(job, shard, receipt);
    }
    if (unreadable === 0 || !mayBeUnsent(job, shard)) return shard;
    remarks.push(`shard ${shard.number} may have been sent: a line of the journal cannot be read`);
    return inDoubt(job, shard, at);
  });
  return { shards: restored, remarks };
}

/**
 * What was sent was asked for, also where the last line about the job does not say so: a run with an older copy of the
 * database may have written it.
 */
export function asSubmitted(job: JournalJob, shards: readonly JournalShard[]): JournalJob {
  if (job.account !== null) return job;
  const sent = shards.flatMap(({ submissions }) => submissions).find(({ state }) => state !== 'aborted');
  if (sent === undefined) return job;
  return { ...job, account: sent.account, mode: 'batch', submit_requested_at: sent.upload_started_at };
}

/** Its rows have gone out again in a later shard, so that it must not go out itself. */
export function supersede(shard: JournalShard): JournalShard {
  return shard.state === 'built' ? { ...shard, state: 'split' } : shard;
}

function hasBatch({ state, submissions }: JournalShard): boolean {
  return state === 'split' || submissions.some((one) => one.state === 'created' && one.batch !== null);
}

function mayBeUnsent(job: JournalJob, { state, route }: JournalShard): boolean {
  return job.submit_requested_at !== null && state === 'built' && route === 'batch';
}

function accountOf(job: JournalJob, shard: JournalShard, baseUrl: string): JournalSubmission['account'] {
  const known = shard.submissions.at(-1)?.account ?? job.account;
  const account = { key_fingerprint: '0'.repeat(16), organization_id: null, workspace_id: null };
  return known ?? { base_url: baseUrl, ...account };
}

/** The last submission that was sealed made this batch; where the journal has none, one that it has lost. */
function withReceipt(job: JournalJob, shard: JournalShard, receipt: ReceiptFacts): JournalShard {
  const last = shard.submissions.at(-1);
  const isOpen = last !== undefined && ['sealed', 'in_doubt', 'stuck'].includes(last.state);
  const made: JournalSubmission = {
    ...(isOpen ? last : lostSubmission(job, shard, receipt.created_at, receipt.base_url)),
    state: 'created',
    reason: null,
    watch_until_at: null,
    batch: receiptBatch(receipt, shard.requests),
    candidates: [],
  };
  const submissions = isOpen ? shard.submissions.slice(0, -1) : shard.submissions;
  return {
    ...shard,
    state: shard.state === 'built' ? 'live' : shard.state,
    submissions: [...submissions, made],
  };
}

function inDoubt(job: JournalJob, shard: JournalShard, at: string): JournalShard {
  const lost = lostSubmission(job, shard, at, job.account?.base_url ?? '');
  return { ...shard, state: 'live', submissions: [...shard.submissions, lost] };
}

/** It began no earlier than the job was to be sent, and was sealed no later than `sealedAt`. Nothing is fenced off. */
function lostSubmission(
  job: JournalJob,
  shard: JournalShard,
  sealedAt: string,
  baseUrl: string,
): JournalSubmission {
  const account = accountOf(job, shard, baseUrl);
  return {
    number: (shard.submissions.at(-1)?.number ?? 0) + 1,
    state: 'sealed',
    account,
    upload_started_at: job.submit_requested_at ?? job.created_at,
    sealed_at: sealedAt,
    reason: null,
    answer_status: null,
    answer_request_id: null,
    watch_until_at: null,
    fence: {
      batchIds: [],
      serverMs: null,
      workspaceId: account.workspace_id,
      organizationId: account.organization_id,
    },
    batch: null,
    candidates: [],
  };
}

/** What a receipt tells of a batch; the next look at it tells the rest. */
function receiptBatch({ batch_id, created_at }: ReceiptFacts, requests: number): JournalBatch {
  const DAY_MS = 24 * 60 * 60_000;
  return {
    batch_id,
    processing_status: 'in_progress',
    processing: requests,
    succeeded: 0,
    errored: 0,
    canceled: 0,
    expired: 0,
    created_at,
    expires_at: new Date(Date.parse(created_at) + DAY_MS).toISOString(),
    ended_at: null,
    cancel_initiated_at: null,
    archived_at: null,
    results_url: null,
    described_json: JSON.stringify({ id: batch_id }),
    seen_at: created_at,
  };
}
