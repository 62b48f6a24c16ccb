import { z } from 'zod';
import {
  type JournalEntry,
  type JournalEvent,
  type JournalJob,
  type JournalShard,
  journalKey,
} from './journal.ts';

const count = z.int().nonnegative();
const time = z.string();
const sha256 = z.string().length(64);

const account = z.object({
  base_url: z.string(),
  key_fingerprint: z.string(),
  organization_id: z.string().nullable(),
  workspace_id: z.string().nullable(),
});

const batch = z.object({
  batch_id: z.string().min(1).max(256),
  processing_status: z.string(),
  processing: count,
  succeeded: count,
  errored: count,
  canceled: count,
  expired: count,
  created_at: time,
  expires_at: time,
  ended_at: time.nullable(),
  cancel_initiated_at: time.nullable(),
  archived_at: time.nullable(),
  results_url: z.string().nullable(),
  described_json: z.string(),
  seen_at: time,
});

const submission = z.object({
  number: z.int().positive(),
  state: z.enum(['sealed', 'created', 'rejected', 'in_doubt', 'stuck', 'absent', 'aborted']),
  account,
  upload_started_at: time,
  sealed_at: time,
  reason: z.string().nullable(),
  answer_status: z.int().nullable(),
  answer_request_id: z.string().nullable(),
  watch_until_at: time.nullable(),
  fence: z.unknown(),
  batch: batch.nullable(),
  candidates: z.array(
    z.object({
      verdict: z.enum(['provisional', 'verified', 'rejected']),
      rejected_by: z.enum(['results', 'rival', 'user']).nullable(),
      batch,
    }),
  ),
});

const entry = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('job'),
    job_id: z.string(),
    name: z.string(),
    spec: z.looseObject({ stages: z.array(z.string()).min(1) }),
    records: count,
    content_sha256: sha256,
    created_at: time,
    account: account.nullable(),
    mode: z.enum(['batch', 'real_time']).nullable(),
    submit_requested_at: time.nullable(),
    cancel_requested_at: time.nullable(),
    final: z.object({ state: z.enum(['done', 'canceled', 'failed']), at: time }).nullable(),
    open_stages: z.array(z.string()),
    max_microusd: count.nullable(),
    pilot: z.unknown(),
    estimate: z.unknown(),
  }),
  z.object({
    kind: z.literal('shard'),
    stage: z.string(),
    number: z.int().positive(),
    nonce: z.string().length(8),
    group: z.string().nullable(),
    origin: z.enum(['build', 'retry', 'reused']),
    route: z.enum(['batch', 'real_time', 'none']),
    first: z.enum(['prime', 'pilot']).nullable(),
    requests: z.int().positive(),
    body_bytes: z.int().positive(),
    file_sha256: sha256,
    sizes: z.unknown(),
    state: z.enum(['built', 'live', 'downloaded', 'applied', 'split', 'canceled', 'lost']),
    split_from: z.string().nullable(),
    raw: z.object({ bytes: count, sha256 }).nullable(),
    submissions: z.array(submission),
  }),
  z.object({
    kind: z.literal('event'),
    at: time,
    event: z.string(),
    nonce: z.string().nullable(),
    submission: z.int().nullable(),
    detail: z.unknown(),
  }),
]);

/** What the lines of one journal say in the end. */
export interface JournalFold {
  /** Null: nothing of the job ever counted, or its line cannot be read. */
  readonly job: JournalJob | null;
  /** In the order in which they came to be. */
  readonly shards: readonly JournalShard[];
  readonly events: readonly JournalEvent[];
  /**
   * Lines that cannot be read. A crash tears the last one of its run, whose commit then never came; but what damage did
   * to a line looks the same, and may have hidden that a shard was sent.
   */
  readonly unreadable: number;
}

export class JournalFolder {
  #job: JournalJob | null = null;
  readonly #shards = new Map<string, JournalShard>();
  readonly #events: JournalEvent[] = [];
  #unreadable = 0;

  add(line: string): void {
    const read = readEntry(line);
    if (read === null) this.#unreadable += 1;
    else if (read.kind === 'job') this.#job = read;
    else if (read.kind === 'event') this.#events.push(read);
    else this.#shards.set(journalKey(read), read);
  }

  fold(): JournalFold {
    return {
      job: this.#job,
      shards: [...this.#shards.values()],
      events: this.#events,
      unreadable: this.#unreadable,
    };
  }
}

function readEntry(line: string): JournalEntry | null {
  try {
    return entry.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
