import type { Batch } from '../batch.ts';
import type { Account, Job, JobMode, JobSpec, JobState } from '../job.ts';
import type { Owner } from '../owner.ts';
import type { QueueRefusal } from '../queue.ts';
import type { FailureClass, RowStatus, Tally } from '../result.ts';
import type { ShardState } from '../shard.ts';
import type { SpentLine } from '../spent-line.ts';
import type { Candidate, Doubt, Fence, Look, Submission } from '../submission.ts';
import type { AdoptingStore } from './adopting-store.ts';
import type { BuildingStore } from './building-store.ts';
import type { ServerStamp } from './provider.ts';
import type { PruningStore } from './pruning-store.ts';
import type { QueueStore } from './queue-store.ts';
import type { SpendingStore } from './spending-store.ts';
import type { StandingStore } from './standing-store.ts';
import type {
  ClosedShard,
  ContentMatch,
  EndedBatch,
  FailedFilter,
  KeptDuplicate,
  LateDuplicate,
  PastAttempt,
  RowOutcome,
  RowView,
  ShardPart,
  ShardView,
  UnindexedShard,
} from './store-views.ts';

export interface JobStore
  extends BuildingStore,
    SpendingStore,
    AdoptingStore,
    StandingStore,
    PruningStore,
    QueueStore {
  // Reading.
  /** A job id, a batch id, `latest`, a job's name, or a unique prefix, tried in this order. @throws UsageError */
  findJob(text: string): Promise<Job>;
  jobById(id: number): Promise<Job>;
  /** Newest first. */
  listJobs(filter: { readonly pendingOnly: boolean; readonly limit: number | null }): Promise<readonly Job[]>;
  /** In order of stage and number, without those that were split. */
  shards(jobId: number): Promise<readonly ShardView[]>;
  /** Rows of a stage in input order, `limit` at most, after `afterSeq`. */
  rows(jobId: number, stage: string, afterSeq: number, limit: number): Promise<readonly RowView[]>;
  rowsOf(stageId: number, seqs: readonly number[]): Promise<readonly RowView[]>;
  /** The rows that a shard carries or has carried, in order of seq: those of its file. */
  shardSeqs(shardId: number): Promise<readonly number[]>;
  /** The numbers of those records of these ids that are there. */
  seqsOf(jobId: number, customIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Of the stage; null: of the first one where this record failed, else the last that has a request of it. */
  rowByCustomId(jobId: number, customId: string, stage: string | null): Promise<RowView | null>;
  /** All reads of `work` see the store as it is at the first of them, whatever others write. `work` must not write. */
  snapshot<T>(work: () => Promise<T>): Promise<T>;

  // Rounds: shards added to a job that is built, for a later stage or a retry. They are opened with `openShard`, get
  // their rows by `moveRows`, and count from `commitRound` on; until then a crash puts each row back.
  /** Held rows of a stage whose needs have all succeeded, in input order; not those that were held for a reason. */
  releasableRows(
    stageId: number,
    needIds: readonly number[],
    afterSeq: number,
    limit: number,
  ): Promise<readonly RowView[]>;
  /** Rows that failed, in input order; not those that may still be under way. */
  failedRows(
    stageId: number,
    filter: FailedFilter,
    afterSeq: number,
    limit: number,
  ): Promise<readonly RowView[]>;
  /** A held row goes to the shard for the first time, any other as its next attempt; what it was is kept. One transaction. */
  moveRows(shardId: number, seqs: readonly number[]): Promise<void>;
  /** Rows that stay held although their needs have succeeded, and why. */
  holdRows(stageId: number, holds: readonly { readonly seq: number; readonly why: string }[]): Promise<void>;
  /** Their requests are to be tried once more. */
  unholdRows(stageId: number): Promise<void>;
  holdOf(stageId: number, seq: number): Promise<string | null>;
  /**
   * The one commit that makes a round count: its shards are built, the stages open. `canceledAt`: what the job's
   * `cancelRequestedAt` was when the round began; a round that brings shards ends that cancel. False, and nothing changes,
   * when the job was canceled since.
   */
  commitRound(
    jobId: number,
    round: {
      readonly stageIds: readonly number[];
      readonly shards: readonly ClosedShard[];
      readonly canceledAt?: string | null;
    },
  ): Promise<boolean>;
  /**
   * Rows of a shard that was not sent are again what they were before they were moved to it; what it has left goes to `rest`,
   * which was opened and not closed. The shard becomes `split`. One transaction. Refused as `shard_moved_on` when it is not
   * `built`, or may exist at the API.
   */
  takeBackRows(
    jobId: number,
    taking: { readonly shardId: number; readonly seqs: readonly number[]; readonly rest: ClosedShard | null },
  ): Promise<void>;
  /** Rows of a shard that an earlier attempt of theirs has a good answer for, in input order. */
  answeredSeqs(shardId: number): Promise<readonly number[]>;
  /** The highest number that a shard of the stage has; 0 when there is none. */
  lastShardNumber(stageId: number): Promise<number>;
  /** Puts back what a round has moved that will not be committed. */
  dropRound(jobId: number): Promise<void>;
  /** What a row was before it went out again, in order. */
  pastAttempts(stageId: number, seq: number): Promise<readonly PastAttempt[]>;
  /** Rows that the shard has carried and that have gone out again since. */
  pastSeqs(shardId: number): Promise<readonly number[]>;

  // Reusing answers.
  /** Of jobs on this side (API or emulator), oldest first: their requests are not in the index of contents yet. */
  unindexedShards(on: JobSpec['on']): Promise<readonly UnindexedShard[]>;
  indexContents(
    shardId: number,
    entries: readonly { readonly hash: Uint8Array; readonly seq: number }[],
    isLast: boolean,
  ): Promise<void>;
  /** For each hash the request of this side that has it, a good one first, then the newest; the job's own left out. */
  matchContents(
    on: JobSpec['on'],
    hashes: readonly Uint8Array[],
    exceptJobId: number,
  ): Promise<readonly (ContentMatch | null)[]>;

  /**
   * Final jobs of which no event of this kind names their `final_at`, oldest first: what was to be done after them was
   * cut off, or never begun.
   */
  finalJobsWithout(kind: string): Promise<readonly Job[]>;
  /** How long batches of this base URL took that ended by themselves, the newest `limit`. */
  endedBatches(baseUrl: string, limit: number): Promise<readonly EndedBatch[]>;

  // Submitting.
  /**
   * Binds an unbound job to the account and its requests to a way to go; a bound one stays with its first. @throws AuthError when the base URL differs.
   * Another key of the same address is the caller's to judge: keys are rotated.
   */
  requestSubmission(jobId: number, account: Account, mode: JobMode, at: Date): Promise<void>;
  /** Back to `built`: the API refused the job's first request, so nothing of it was sent. @throws StoreError when it was. */
  withdrawSubmission(jobId: number): Promise<void>;
  startSubmission(shardId: number, account: Account, uploadStartedMs: number): Promise<Submission>;
  /** The intent: commits with FULL sync. @throws StoreError when the submission is no longer this run's to seal. */
  seal(submissionId: number, facts: { readonly sealedMs: number; readonly fence: Fence }): Promise<void>;
  /** The tail was provably never sent: from `uploading`, or from `sealed` by the process that sealed it. Shard: built. */
  abortSubmission(submissionId: number, reason: string): Promise<void>;
  recordBatch(submissionId: number, batch: Batch, stamp: ServerStamp): Promise<void>;
  rejectSubmission(
    submissionId: number,
    facts: {
      readonly status: number;
      readonly requestId: string | null;
      readonly reason: string;
      readonly watchUntilMs: number;
      /** Of a 429: what it says of the account's queue; null: nothing. */
      readonly queue?: Omit<QueueRefusal, 'atMs'> | null;
    },
  ): Promise<void>;
  doubtSubmission(
    submissionId: number,
    facts: {
      readonly reason: string;
      readonly status: number | null;
      readonly requestId: string | null;
      /** What the answer named, as the first candidate; unless it is another submission's. */
      readonly candidate?: Batch | null;
    },
  ): Promise<void>;
  /**
   * What an earlier run left: uploading becomes aborted, sealed becomes in_doubt, and shards still `building` in a job
   * that is built are dropped. Returns how many submissions of each.
   */
  settleAfterCrash(jobId: number): Promise<{ readonly aborted: number; readonly doubted: number }>;
  /**
   * One transaction: the shard becomes `split`, its parts take its rows and become `built`. The parts were opened and
   * not closed, so that a crash before this leaves nothing that could be sent.
   */
  splitShard(shardId: number, parts: readonly ShardPart[]): Promise<void>;

  // Reconciling.
  /** In doubt or stuck, of one job. */
  doubts(jobId: number): Promise<readonly Doubt[]>;
  /**
   * The id of a job with a shard of this count sealed, in doubt or stuck at this account's base URL, this shard left out;
   * null when there is none.
   */
  jobInDoubt(account: Account, requests: number, exceptShardId: number): Promise<string | null>;
  /** Where the job was sent, as its fences tell; its workspace is null when nothing of it was sent or none was named. */
  sealedHome(jobId: number): Promise<Owner>;
  /** Judged absent or refused, and still to be looked for. */
  watched(account: Account, nowMs: number): Promise<readonly (Submission & { readonly requests: number })[]>;
  /** Jobs, final or not, with a submission that is still to be looked for. */
  jobsUnderWatch(nowMs: number): Promise<readonly Job[]>;
  /** Those of `ids` that are some submission's own, proven or recorded. */
  knownBatchIds(ids: readonly string[]): Promise<ReadonlySet<string>>;
  candidates(submissionId: number): Promise<readonly Candidate[]>;
  looks(submissionId: number): Promise<readonly Look[]>;
  recordLook(submissionId: number, look: Look): Promise<void>;
  addCandidate(submissionId: number, batch: Batch): Promise<void>;
  /** By its results. */
  rejectCandidate(submissionId: number, batchId: string): Promise<void>;
  /** The candidate becomes the submission's batch; the others, and this one of others, are rejected as rivals. */
  adopt(submissionId: number, batchId: string, by: 'nonce' | 'user'): Promise<void>;
  /**
   * The results of a batch that was the submission's are not: in doubt again, without it. What it displaced is provisional
   * again: the submission's rivals of it, save those that are another submission's by now, and the batch itself where it
   * was another's candidate.
   */
  disown(submissionId: number, batchId: string): Promise<void>;
  judgeAbsent(
    submissionId: number,
    facts: { readonly watchUntilMs: number; readonly by: 'evidence' | 'user' },
  ): Promise<void>;
  judgeStuck(submissionId: number, reason: string): Promise<void>;
  recordLateDuplicate(submissionId: number, batchId: string): Promise<void>;
  /** Its results are on disk. What they cost is part of what the shard cost from then on. May be said again. */
  keepLateDuplicate(
    submissionId: number,
    batchId: string,
    kept: Omit<KeptDuplicate, 'cost'> & { readonly spent: readonly SpentLine[] },
  ): Promise<void>;
  /** In the order in which they turned up. */
  lateDuplicates(jobId: number): Promise<readonly LateDuplicate[]>;

  // Polling.
  recordSeen(batch: Batch): Promise<void>;
  /** The same for all of a listing, in one transaction. Leaves out those that had ended by then, or that nobody here knows. */
  recordAllSeen(batches: readonly Batch[]): Promise<void>;
  /** Counts one more «not found»; `recordSeen` clears them. Returns the evidence so far. */
  recordNotFound(
    batchId: string,
    serverMs: number,
  ): Promise<{ readonly sinceMs: number; readonly answers: number }>;

  // Retrieving.
  /** Back to `live` forgets the download and the outcomes read from it; refused in a final job. */
  setShardState(shardId: number, state: ShardState): Promise<void>;
  /**
   * The shard becomes `downloaded`, in a final job too, and the outcomes of an earlier download are forgotten. Of route
   * `real_time` from `built` on: its requests were asked one by one.
   */
  recordDownload(shardId: number, raw: { readonly bytes: number; readonly sha256: string }): Promise<void>;
  rawFacts(shardId: number): Promise<{ readonly bytes: number; readonly sha256: string } | null>;
  /** Idempotent: the outcome of a row is overwritten by the same outcome. One transaction. */
  applyOutcomes(shardId: number, outcomes: readonly RowOutcome[]): Promise<void>;
  /** The requests of the shard that have no outcome yet get this one; returns how many. */
  settleRest(shardId: number, status: RowStatus, failure: FailureClass): Promise<number>;
  /** `spent`: what its answers cost; it stays when rows of them go out again. */
  finishShard(
    shardId: number,
    state: 'applied' | 'canceled' | 'lost',
    tally: Tally,
    spent?: readonly SpentLine[],
  ): Promise<void>;
  /** Final states stay, but for a `failed` job of which nothing is lost any more. */
  finishJob(jobId: number, state: JobState & ('done' | 'canceled' | 'failed'), at: Date): Promise<void>;

  // Canceling.
  /**
   * Unsent shards become canceled with all their rows, in one commit. Returns how many shards. Those of route `real_time`
   * stay as they are: some of their answers may be there (steps/cancel-answers.ts).
   */
  requestCancel(jobId: number, at: Date): Promise<number>;

  recordEvent(event: {
    readonly jobId: number;
    readonly kind: string;
    readonly detail?: unknown;
  }): Promise<void>;
  events(
    jobId: number,
  ): Promise<readonly { readonly at: string; readonly kind: string; readonly detailJson: string | null }[]>;
  close(): void;
}
