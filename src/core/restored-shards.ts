import type { JournalJob, JournalShard, JournalSubmission } from './journal.ts';
import type { JournalFold } from './journal-lines.ts';
import { isOpen, type ReceiptFacts, receiptBatch, type SealFacts, withSeals } from './restored-seals.ts';

/** What stands beside the database and the journal. */
export interface SentFacts {
  readonly receipts: readonly ReceiptFacts[];
  readonly seals: readonly SealFacts[];
}

/** What was done to the journal's word, in sentences. */
export interface RestoredShards {
  readonly shards: readonly JournalShard[];
  readonly remarks: readonly string[];
}

/**
 * The shards of a job as they are to come back. One rule decides: what may be paid never comes back as a shard that can be
 * sent. So a receipt makes a batch of it and a seal in the log a doubt, whatever else the journal says, and where a line of
 * the journal cannot be read, a shard that it calls unsent is in doubt.
 */
export function restoreShards(
  job: JournalJob,
  { shards, unreadable }: Pick<JournalFold, 'shards' | 'unreadable'>,
  { receipts, seals }: SentFacts,
  at: string,
): RestoredShards {
  const remarks: string[] = [];
  const parents = new Set(shards.map(({ split_from }) => split_from));
  const restored = shards.map((told) => {
    if (parents.has(told.nonce)) return withLost({ ...told, state: 'split' }, seals).shard;
    const { shard, added } = withLost(told, seals);
    const receipt = receipts.findLast(({ nonce }) => nonce === shard.nonce);
    if (receipt !== undefined && !hasBatch(shard)) {
      const guess = guessedNumber(shard);
      const also =
        guess === null ? '' : `; no file tells of the seal before it, so it counts as its attempt ${guess}`;
      remarks.push(`shard ${shard.number} has batch ${receipt.batch_id}, by its receipt${also}`);
      return withReceipt(job, shard, receipt);
    }
    if (added.length > 0) {
      remarks.push(
        `shard ${shard.number} was sent (attempt ${added.join(', ')}), by the log of seals; its journal does not say so`,
      );
      return shard;
    }
    if (unreadable === 0 || !mayBeUnsent(job, shard)) return shard;
    remarks.push(`shard ${shard.number} may have been sent: a line of the journal cannot be read`);
    return inDoubt(job, shard, at);
  });
  const named = new Set(shards.map(({ nonce }) => nonce));
  const unknown = new Set([...seals, ...receipts].map(({ nonce }) => nonce).filter((one) => !named.has(one)));
  for (const nonce of unknown) {
    const batches = receipts.filter((one) => one.nonce === nonce).map(({ batch_id }) => batch_id);
    const paid = batches.length === 0 ? '' : ` (${batches.join(', ')})`;
    remarks.push(
      `shard ${nonce} was sent${paid}, and the journal does not have it: it is from an older copy`,
    );
  }
  return { shards: restored, remarks };
}

/** With the seals that the journal has not. A shard that is settled otherwise stays so. */
function withLost(
  shard: JournalShard,
  seals: readonly SealFacts[],
): { readonly shard: JournalShard; readonly added: readonly number[] } {
  const { submissions, added } = withSeals(shard, seals);
  if (added.length === 0) return { shard, added };
  const isLive = submissions.some(isOpen) || hasBatch({ ...shard, submissions });
  const state = shard.state === 'built' && isLive ? 'live' : shard.state;
  return { shard: { ...shard, state, submissions }, added };
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

/** The number of a submission that no file names; null where one is there that may have made the batch. */
function guessedNumber({ submissions }: Pick<JournalShard, 'submissions'>): number | null {
  const last = submissions.at(-1);
  return last !== undefined && isOpen(last) ? null : nextNumber({ submissions });
}

function nextNumber({ submissions }: Pick<JournalShard, 'submissions'>): number {
  return (submissions.at(-1)?.number ?? 0) + 1;
}

/** The last submission that was sealed made this batch; where nothing tells of one, one that was lost. */
function withReceipt(job: JournalJob, shard: JournalShard, receipt: ReceiptFacts): JournalShard {
  const last = shard.submissions.at(-1);
  const open = last !== undefined && isOpen(last) ? last : null;
  const made: JournalSubmission = {
    ...(open ?? lostSubmission(job, shard, receipt.created_at, receipt.base_url)),
    state: 'created',
    reason: null,
    watch_until_at: null,
    batch: receiptBatch(receipt, shard.requests),
    candidates: [],
  };
  const submissions = open === null ? shard.submissions : shard.submissions.slice(0, -1);
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
    number: nextNumber(shard),
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
