import { z } from 'zod';

/** What `doctor --live` writes down, while it is at it and in the end: `.batchctl/live-<date>.json`. */
export interface LiveRecord {
  readonly started_at: string;
  /** Null as long as batches of it may be left: it was cut off, or is at work. */
  readonly finished_at: string | null;
  readonly base_url: string;
  readonly workspace_id: string | null;
  readonly api_version: string;
  readonly model: string;
  readonly cost_at_most_microusd: number | null;
  /** Each stands here before it is sent. */
  readonly batches: readonly LiveBatch[];
  readonly answers: readonly LiveAnswer[];
}

export interface LiveBatch {
  readonly probe: string;
  /** What the custom_ids of its requests begin with. */
  readonly prefix: string;
  readonly requests: number;
  /** intent: sent, or about to be, and not answered.  - none: nothing was created.  - in_doubt: nobody knows. */
  readonly state: 'intent' | 'none' | 'created' | 'in_doubt' | 'ended';
  readonly batch_id: string | null;
}

export interface LiveAnswer {
  /** As FAULTS names the question. */
  readonly probe: string;
  readonly question: string;
  /** Null: it was not asked. */
  readonly answer: string | null;
  /** What the answer was read from, or why it was not asked. */
  readonly detail: string;
  /** What batchctl assumes holds; null where nothing depends on it, or it was not asked. */
  readonly as_assumed: boolean | null;
  readonly seconds: number;
}

const schema = z.object({
  started_at: z.string(),
  finished_at: z.string().nullable(),
  base_url: z.string(),
  workspace_id: z.string().nullable(),
  api_version: z.string(),
  model: z.string(),
  cost_at_most_microusd: z.number().nullable(),
  batches: z.array(
    z.object({
      probe: z.string(),
      prefix: z.string(),
      requests: z.number(),
      state: z.enum(['intent', 'none', 'created', 'in_doubt', 'ended']),
      batch_id: z.string().nullable(),
    }),
  ),
  answers: z.array(
    z.object({
      probe: z.string(),
      question: z.string(),
      answer: z.string().nullable(),
      detail: z.string(),
      as_assumed: z.boolean().nullable(),
      seconds: z.number(),
    }),
  ),
});

/** Null when it is no such record. */
export function readLiveRecord(text: string): LiveRecord | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Those that may be running still. */
export function openBatches({ batches }: Pick<LiveRecord, 'batches'>): readonly LiveBatch[] {
  return batches.filter(({ state }) => state === 'intent' || state === 'created' || state === 'in_doubt');
}
