import { WATCH_ABSENT_MS } from './doubt.ts';
import type { JournalBatch, JournalShard, JournalSubmission } from './journal.ts';

/** A batch id beside the database, for a shard of this job. */
export interface ReceiptFacts {
  readonly batch_id: string;
  readonly created_at: string;
  readonly nonce: string;
  readonly base_url: string;
}

/** A seal as the log beside the database tells of it. */
export interface SealFacts {
  readonly nonce: string;
  /** Of the submission. */
  readonly number: number;
  readonly base_url: string;
  readonly key_fingerprint: string;
  readonly upload_started_at: string;
  readonly sealed_at: string;
  readonly fence: {
    readonly batch_ids: readonly string[];
    readonly server_at: string | null;
    readonly skew_ms?: number | undefined;
    readonly workspace_id: string | null;
    readonly organization_id: string | null;
  };
}

/** States in which a batch of it may exist that nobody knows. */
const OPEN: readonly JournalSubmission['state'][] = ['sealed', 'in_doubt', 'stuck'];

export function isOpen({ state }: JournalSubmission): boolean {
  return OPEN.includes(state);
}

/**
 * The submissions of a shard with those that only the log of seals tells of, by number. One that another followed was
 * settled by then, for a shard is never sealed beside an open one; it stays under watch, as one does beside a batch.
 */
export function withSeals(
  shard: JournalShard,
  seals: readonly SealFacts[],
): { readonly submissions: readonly JournalSubmission[]; readonly added: readonly number[] } {
  const known = new Set(shard.submissions.map(({ number }) => number));
  const lost = mergeByNumber(seals.filter((seal) => seal.nonce === shard.nonce && !known.has(seal.number)));
  if (lost.length === 0) return { submissions: shard.submissions, added: [] };
  const all = [...shard.submissions, ...lost].sort((a, b) => a.number - b.number);
  const isUnsettled = shard.state === 'built' || shard.state === 'live';
  const mayBeOpen = isUnsettled && shard.submissions.every(({ state }) => state !== 'created');
  const submissions = all.map((one, index) => {
    const isLast = index === all.length - 1 && (mayBeOpen || known.has(one.number));
    return isOpen(one) && !isLast ? givenUp(one) : one;
  });
  return { submissions, added: lost.map(({ number }) => number) };
}

/** Nothing of it was found before the next attempt was made. */
function givenUp(one: JournalSubmission): JournalSubmission {
  const until = new Date(Date.parse(one.sealed_at) + WATCH_ABSENT_MS).toISOString();
  return { ...one, state: 'absent', watch_until_at: until };
}

/** Two copies of a database number alike: such an attempt is looked for from its first upload to its last seal. */
function mergeByNumber(seals: readonly SealFacts[]): readonly JournalSubmission[] {
  const merged = new Map<number, JournalSubmission>();
  for (const seal of seals) {
    const next = sealed(seal);
    const first = merged.get(seal.number);
    merged.set(
      seal.number,
      first === undefined
        ? next
        : { ...next, upload_started_at: first.upload_started_at, fence: first.fence },
    );
  }
  return [...merged.values()];
}

function sealed({ number, base_url, key_fingerprint, fence, ...times }: SealFacts): JournalSubmission {
  const { workspace_id, organization_id } = fence;
  return {
    number,
    state: 'sealed',
    account: { base_url, key_fingerprint, organization_id, workspace_id },
    upload_started_at: times.upload_started_at,
    sealed_at: times.sealed_at,
    reason: null,
    answer_status: null,
    answer_request_id: null,
    watch_until_at: null,
    fence: {
      batchIds: fence.batch_ids,
      serverMs: fence.server_at === null ? null : Date.parse(fence.server_at),
      ...(fence.skew_ms === undefined ? {} : { skewMs: fence.skew_ms }),
      workspaceId: workspace_id,
      organizationId: organization_id,
    },
    batch: null,
    candidates: [],
  };
}

/** What a receipt tells of a batch; the next look at it tells the rest. */
export function receiptBatch({ batch_id, created_at }: ReceiptFacts, requests: number): JournalBatch {
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
