import type { Batch } from '../batch.ts';
import type { Account, Job, JobSpec, JobState } from '../job.ts';
import type { FailureClass, RowStatus, Tally } from '../result.ts';
import type { Shard, ShardState } from '../shard.ts';
import type { Candidate, Fence, Look, Submission } from '../submission.ts';
import type { ServerStamp } from './provider.ts';

/** A row as the build hands it over. */
export interface NewRow {
  readonly seq: number;
  readonly customId: string;
  /** Where its record stands in records.jsonl. */
  readonly recordOffset: number;
  readonly recordLength: number;
  /** Relative to the workspace; null means the default place. */
  readonly outputPath: string | null;
  /** The path as a careless file system would see it; unique in the stage. */
  readonly outputFold: string;
}

export type RowClash = {
  readonly seq: number;
  readonly on: 'custom_id' | 'output';
  readonly earlierSeq: number;
};

/** A shard with the batch that carries it, if one is known. */
export interface ShardView {
  readonly shard: Shard;
  /** The live one, else the latest. Without its fence, which may be long and only a doubt needs. */
  readonly submission: Omit<Submission, 'fence'> | null;
  readonly batch: KnownBatch | null;
  readonly candidates: readonly Candidate[];
  /** Null until its results are applied. */
  readonly tally: Tally | null;
}

export interface KnownBatch extends Batch {
  /** Answers «not found» since then, and how many; null while it answers. */
  readonly notFound: { readonly sinceMs: number; readonly answers: number } | null;
}

/** The verdict on one request, as read from a raw results line. */
export interface RowOutcome {
  readonly seq: number;
  readonly status: RowStatus;
  readonly failure: FailureClass | null;
  /** Of the line in the raw results file; null for a missing row. */
  readonly rawOffset: number | null;
  readonly rawLength: number | null;
}

/** A request with everything that results.jsonl and `show` need to find its text. */
export interface RowView extends Omit<RowOutcome, 'status'> {
  readonly customId: string;
  readonly stage: string;
  readonly attempt: number;
  /** Null while nothing is known. */
  readonly status: RowStatus | null;
  readonly outputPath: string | null;
  readonly shardId: number;
  readonly shardNumber: number;
  readonly recordOffset: number;
  readonly recordLength: number;
}

export interface ShardPart {
  readonly shardId: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly requests: number;
  readonly bodyBytes: number;
  readonly fileSha256: string;
}

export interface JobStore {
  // Building. A job in state `building` does not count: any later run may drop it once its lock is free.
  createJob(job: {
    readonly name: string;
    readonly spec: JobSpec;
    readonly at: Date;
  }): Promise<Job & { readonly stageId: number }>;
  openShard(
    stageId: number,
    shard: { readonly number: number; readonly group: string | null; readonly nonce: string },
  ): Promise<number>;
  /** Inserts what does not clash and names what does; a clashing row is not there. One transaction. */
  addRows(
    stageId: number,
    rows: readonly (NewRow & { readonly shardId: number })[],
  ): Promise<readonly RowClash[]>;
  closeShard(
    shardId: number,
    facts: { readonly requests: number; readonly bodyBytes: number; readonly fileSha256: string },
  ): Promise<void>;
  /**
   * The one commit that makes a build count. With `reuse` it happens only when there is no unfinished job of the same
   * content on the same side (API or emulator) that was never asked to cancel; else nothing changes and that job comes
   * back. In one transaction, so that two builds of the same content cannot both count.
   */
  finishBuild(
    jobId: number,
    facts: { readonly records: number; readonly contentSha256: string; readonly reuse: boolean },
  ): Promise<Job | null>;
  /** The newest final job of the same content on the same side: what sending this one again would pay for again. */
  finishedTwin(jobId: number): Promise<Job | null>;
  /** Forgets a job that was never submitted. @throws StoreError when it was. */
  dropJob(jobId: number): Promise<void>;
  /** Jobs still in state `building`: under way, or left by a build that was cut off. */
  buildingJobs(): Promise<readonly Job[]>;

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
  /** The rows of a shard in order of seq, to rewrite its file after a split. */
  shardSeqs(shardId: number): Promise<readonly number[]>;
  rowByCustomId(jobId: number, customId: string): Promise<RowView | null>;

  // Submitting.
  /**
   * Binds an unbound job to the account; a bound one stays with its first. @throws AuthError when the base URL differs.
   * Another key of the same address is the caller's to judge: keys are rotated.
   */
  requestSubmission(jobId: number, account: Account, at: Date): Promise<void>;
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
  doubts(jobId: number): Promise<readonly Submission[]>;
  /**
   * The id of a job with a shard of this count sealed, in doubt or stuck at this account's base URL, this shard left out;
   * null when there is none.
   */
  jobInDoubt(account: Account, requests: number, exceptShardId: number): Promise<string | null>;
  /** The workspace that the job was sent in, as its fences tell; null when nothing of it was sent or none was named. */
  sealedWorkspace(jobId: number): Promise<string | null>;
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

  // Polling.
  recordSeen(batch: Batch): Promise<void>;
  /** Counts one more «not found»; `recordSeen` clears them. Returns the evidence so far. */
  recordNotFound(
    batchId: string,
    serverMs: number,
  ): Promise<{ readonly sinceMs: number; readonly answers: number }>;

  // Retrieving.
  /** Back to `live` forgets the download and the outcomes read from it; refused in a final job. */
  setShardState(shardId: number, state: ShardState): Promise<void>;
  /** The shard becomes `downloaded`, in a final job too, and the outcomes of an earlier download are forgotten. */
  recordDownload(shardId: number, raw: { readonly bytes: number; readonly sha256: string }): Promise<void>;
  rawFacts(shardId: number): Promise<{ readonly bytes: number; readonly sha256: string } | null>;
  /** Idempotent: the outcome of a row is overwritten by the same outcome. One transaction. */
  applyOutcomes(shardId: number, outcomes: readonly RowOutcome[]): Promise<void>;
  /** The requests of the shard that have no outcome yet get this one; returns how many. */
  settleRest(shardId: number, status: RowStatus, failure: FailureClass): Promise<number>;
  finishShard(shardId: number, state: 'applied' | 'canceled' | 'lost', tally: Tally): Promise<void>;
  /** Final states stay, but for a `failed` job of which nothing is lost any more. */
  finishJob(jobId: number, state: JobState & ('done' | 'canceled' | 'failed'), at: Date): Promise<void>;

  // Canceling.
  /** Unsent shards become canceled with all their rows, in one commit. Returns how many shards. */
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
