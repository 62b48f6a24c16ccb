/**
 * One line of `batch_requests/<job id>/journal.jsonl`: what the store holds of one job, or of one of its shards, as it is
 * from then on; or something that happened and that money depends on. The last line about a job or a shard counts.
 *
 * The journal is what a lost database is made from again (`doctor --rebuild`). A line that says that a shard may exist at
 * the API, or that nothing more of a job may be sent, is on the disk before its commit; any other follows its commit, and is
 * made up for by the next run where a crash came between: until then nothing depends on it.
 *
 * What can be had elsewhere is not in it: records and requests are in their files, verdicts come from the raw results.
 */
export type JournalEntry = JournalJob | JournalShard | JournalEvent;

export interface JournalJob {
  readonly kind: 'job';
  readonly job_id: string;
  readonly name: string;
  readonly spec: unknown;
  readonly records: number;
  readonly content_sha256: string;
  readonly created_at: string;
  readonly account: JournalAccount | null;
  readonly mode: 'batch' | 'real_time' | null;
  readonly submit_requested_at: string | null;
  readonly cancel_requested_at: string | null;
  /** Null while it is not final: then its state follows from its shards. */
  readonly final: { readonly state: 'done' | 'canceled' | 'failed'; readonly at: string } | null;
  /** Those whose requests were made; the others wait. */
  readonly open_stages: readonly string[];
  readonly max_microusd: number | null;
  readonly pilot: unknown;
  readonly estimate: unknown;
}

export interface JournalAccount {
  readonly base_url: string;
  readonly key_fingerprint: string;
  readonly organization_id: string | null;
  readonly workspace_id: string | null;
}

export interface JournalShard {
  readonly kind: 'shard';
  readonly stage: string;
  readonly number: number;
  /** Names the shard: no two have the same. */
  readonly nonce: string;
  readonly group: string | null;
  readonly origin: 'build' | 'retry' | 'reused';
  readonly route: 'batch' | 'real_time' | 'none';
  readonly first: 'prime' | 'pilot' | null;
  readonly requests: number;
  readonly body_bytes: number;
  readonly file_sha256: string;
  readonly sizes: unknown;
  readonly state: 'built' | 'live' | 'downloaded' | 'applied' | 'split' | 'canceled' | 'lost';
  readonly split_from: string | null;
  readonly raw: { readonly bytes: number; readonly sha256: string } | null;
  /** Those that were sealed, also where the tail was kept back then; of the others nothing can exist. */
  readonly submissions: readonly JournalSubmission[];
}

export interface JournalSubmission {
  readonly number: number;
  readonly state: 'sealed' | 'created' | 'rejected' | 'in_doubt' | 'stuck' | 'absent' | 'aborted';
  readonly account: JournalAccount;
  readonly upload_started_at: string;
  readonly sealed_at: string;
  readonly reason: string | null;
  readonly answer_status: number | null;
  readonly answer_request_id: string | null;
  readonly watch_until_at: string | null;
  readonly fence: unknown;
  readonly batch: JournalBatch | null;
  readonly candidates: readonly JournalCandidate[];
}

/** A batch as the table has it. */
export interface JournalBatch {
  readonly batch_id: string;
  readonly processing_status: string;
  readonly processing: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  readonly created_at: string;
  readonly expires_at: string;
  readonly ended_at: string | null;
  readonly cancel_initiated_at: string | null;
  readonly archived_at: string | null;
  readonly results_url: string | null;
  readonly described_json: string;
  readonly seen_at: string;
}

export interface JournalCandidate {
  readonly verdict: 'provisional' | 'verified' | 'rejected';
  readonly rejected_by: 'results' | 'rival' | 'user' | null;
  readonly batch: JournalBatch;
}

/** The event of a batch that was made elsewhere: the only line of its job. */
export const BATCH_ADOPTED = 'batch_adopted';

/** What has happened of what later runs ask the events for. */
export interface JournalEvent {
  readonly kind: 'event';
  readonly at: string;
  readonly event: string;
  /** The nonce of the shard, and the number of its submission, where it is about one. */
  readonly nonce: string | null;
  readonly submission: number | null;
  readonly detail: unknown;
}

/** What the last line of a kind is found by. */
export function journalKey(entry: JournalJob | JournalShard): string {
  return entry.kind === 'job' ? 'job' : entry.nonce;
}
