import type { PilotVerdict } from '../pilot.ts';
import type { RoomTaker } from '../queue.ts';

/** What a step tells of its work while it goes on. The command line turns it into a spinner or plain lines on stderr. */
export type Progress =
  | { readonly kind: 'building'; readonly requests: number }
  /** Requests of earlier jobs that were read, to know what has changed. */
  | { readonly kind: 'indexing'; readonly requests: number }
  | { readonly kind: 'built'; readonly jobId: string; readonly requests: number; readonly shards: number }
  | { readonly kind: 'carried_on'; readonly jobId: string }
  | {
      readonly kind: 'uploading';
      /** Null in a job of one stage; likewise below. */
      readonly stage: string | null;
      readonly shard: number;
      readonly shards: number;
      readonly requests: number;
      readonly bytesSent: number;
      readonly bytes: number;
    }
  | {
      readonly kind: 'created';
      readonly stage: string | null;
      readonly shard: number;
      readonly shards: number;
      readonly batchId: string;
      readonly requests: number;
    }
  | { readonly kind: 'waiting'; readonly why: string; readonly ms: number }
  /** The shard is not sent now: the account's queue, or what the user lets be in it, has no room for its requests. */
  | {
      readonly kind: 'queue_full';
      readonly stage: string | null;
      readonly shard: number;
      readonly shards: number;
      readonly requests: number;
      /** Requests in batches that have not ended, of all jobs of the account that are known here. */
      readonly inFlight: number;
      /** `--max-in-flight`; null: the API has refused more. */
      readonly limit: number | null;
      /** When it is tried although no batch has ended; null: not. */
      readonly nextTryMs: number | null;
      /** The other jobs that have requests in flight, and who is at work on one of which something is in doubt, if anybody is. */
      readonly takers: readonly (RoomTaker & { readonly holder: string | null })[];
    }
  | {
      readonly kind: 'in_doubt';
      readonly stage: string | null;
      readonly shard: number;
      readonly shards: number;
      readonly requests: number;
      readonly why: string;
      readonly settleMs: number;
    }
  | {
      readonly kind: 'provisional';
      readonly shard: number;
      readonly requests: number;
      readonly batchIds: readonly string[];
    }
  | { readonly kind: 'verified'; readonly shard: number; readonly batchId: string }
  | { readonly kind: 'absent'; readonly shard: number; readonly looks: number; readonly settleMs: number }
  | { readonly kind: 'late_duplicate'; readonly shard: number; readonly batchId: string }
  | {
      readonly kind: 'polled';
      /** Batches that are known, and of them those that have ended. */
      readonly pending: number;
      readonly ended: number;
      /** Shards that may have become a batch. */
      readonly doubts: number;
      readonly requests: number;
      readonly elapsedMs: number;
      readonly nextLookMs: number | null;
      /** What waits for room in the account's queue; absent: nothing does. */
      readonly room?: QueuedFor;
    }
  | {
      readonly kind: 'answering';
      readonly answered: number;
      readonly requests: number;
      /** Since this run began; null while that says little. */
      readonly perMinute: number | null;
      readonly underWay: number;
      /** How long the API asked us to wait; 0 when it did not. */
      readonly pausedMs: number;
    }
  | { readonly kind: 'not_found'; readonly batchId: string; readonly why: string }
  | { readonly kind: 'downloading'; readonly batchId: string; readonly bytes: number }
  /** `batchId` null: answers that came one by one. */
  | {
      readonly kind: 'applying';
      readonly batchId: string | null;
      readonly rows: number;
      readonly requests: number;
    }
  | { readonly kind: 'writing'; readonly rows: number }
  /** Whether the rest goes by itself or somebody is asked: next comes what waited, or the question. */
  | { readonly kind: 'pilot_judged'; readonly verdict: PilotVerdict }
  | { readonly kind: 'notice'; readonly text: string }
  /** Something that the user must hear of, also with --quiet. */
  | { readonly kind: 'problem'; readonly text: string };

/** How unsent shards wait for room in the account's queue. */
export interface QueuedFor {
  readonly requests: number;
  readonly inFlight: number;
  readonly waitedMs: number;
  /** When it is tried although no batch has ended; null: not. */
  readonly nextTryMs: number | null;
}

export type ReportProgress = (progress: Progress) => void;
