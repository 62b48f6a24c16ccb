import type { Batch } from '../batch.ts';
import type { Account, JobSpec } from '../job.ts';
import type { MicroUsd } from '../money.ts';
import type { RequestSizes } from '../request-sizes.ts';
import type { FailureClass, RowStatus, Tally } from '../result.ts';
import type { Shard, ShardState } from '../shard.ts';
import type { SpentLine } from '../spent-line.ts';
import type { Candidate, Submission, SubmissionState } from '../submission.ts';
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

export type NewShard = Pick<Shard, 'number' | 'group' | 'nonce' | 'origin' | 'route'> & {
  readonly first?: Shard['first'];
};

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
  /** Null until then, and where some of it has no price. */
  readonly cost: MicroUsd | null;
}

export interface KnownBatch extends Batch {
  /** Answers «not found» since then, and how many; null while it answers. */
  readonly notFound: { readonly sinceMs: number; readonly answers: number } | null;
}

/** As received. */
export interface EndedBatch {
  readonly requests: number;
  readonly createdAt: string;
  readonly endedAt: string;
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
  /** Both null for a row that is held. */
  readonly shardId: number | null;
  readonly shardNumber: number | null;
  readonly recordOffset: number;
  readonly recordLength: number;
}

/** Which rows that failed. */
export interface FailedFilter {
  readonly classes: readonly FailureClass[];
  readonly maxAttempt: number;
  /** Also those of which an earlier attempt has a good answer that came late. It was paid, so they are not sent again. */
  readonly answeredToo?: boolean;
}

/** A shard whose file is written. */
export interface ClosedShard {
  readonly id: number;
  readonly requests: number;
  readonly bodyBytes: number;
  readonly fileSha256: string;
  readonly sizes: RequestSizes;
}

/** A row as it was before it went out again. */
export interface PastAttempt extends RowOutcome {
  readonly attempt: number;
  readonly shardId: number;
}

export interface UnindexedShard {
  readonly shardId: number;
  readonly jobId: string;
  readonly stage: string;
  readonly number: number;
}

/** A request of another job with the same content. */
export interface ContentMatch {
  readonly jobId: string;
  readonly customId: string;
  readonly stage: string;
  readonly shardId: number;
  readonly shardNumber: number;
  readonly shardState: ShardState;
  readonly seq: number;
  readonly status: RowStatus | null;
  readonly failure: FailureClass | null;
  readonly rawOffset: number | null;
  readonly rawLength: number | null;
  readonly outputPath: string | null;
  readonly batchId: string | null;
  /** Without a verdict, and sent, or to be sent: to send it elsewhere may be to pay twice. */
  readonly isInFlight: boolean;
}

/** What was paid for the answers of one shard. */
export interface ShardSpending {
  readonly jobId: string;
  readonly name: string;
  /** RFC 3339: of the batch; of the job's submission where there is none. */
  readonly at: string;
  readonly shardId: number;
  readonly stage: string;
  readonly group: string | null;
  readonly origin: Shard['origin'];
  readonly route: Shard['route'];
  readonly first: Shard['first'];
  /** Null: applied by a version that kept no prices. */
  readonly lines: readonly SpentLine[] | null;
}

/** A batch that was paid beside the one that a shard has: it turned up after it was judged not to exist. */
export interface LateDuplicate {
  readonly submissionId: number;
  readonly shardId: number;
  readonly batchId: string;
  /** Null until its results are on disk. */
  readonly kept: KeptDuplicate | null;
}

export interface KeptDuplicate {
  /** Its raw results, which no row is read from. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly answers: number;
  /** What they cost; null: some have no price. */
  readonly cost: MicroUsd | null;
}

/** What was, or may have been, paid for a shard beside the answers that count. */
export interface UnseenPayment {
  readonly shardId: number;
  /** Null: as much as the whole shard may cost. */
  readonly most: MicroUsd | null;
}

/** Takes requests out of a shard that was not sent, into one that goes out first. */
export interface CarvedShard {
  /** Becomes `split`. */
  readonly fromShardId: number;
  /** Opened, and not closed. Several may share one, whose facts are then of all of them; `seqs` are those from here. */
  readonly first: ClosedShard & { readonly seqs: readonly number[] };
  /** Null when nothing is left. */
  readonly rest: ClosedShard | null;
}

export interface ShardPart {
  readonly shardId: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly requests: number;
  readonly bodyBytes: number;
  readonly fileSha256: string;
  readonly sizes: RequestSizes;
}

/** A batch that was made elsewhere, as it is taken in. */
export interface Adoption {
  readonly name: string;
  readonly spec: JobSpec;
  readonly contentSha256: string;
  readonly account: Account;
  readonly batch: Batch;
  readonly stamp: ServerStamp;
  readonly at: Date;
}

export interface ShardOwner {
  readonly jobId: string;
  readonly shard: number;
  readonly shardState: ShardState;
  readonly submissionState: SubmissionState | null;
  /** Its batch, if it has one. */
  readonly batchId: string | null;
}

export interface BatchOwner {
  readonly jobId: string;
  readonly stage: string;
  readonly shard: number;
  /** Not proven: it may as well be somebody else's. */
  readonly isCandidate: boolean;
}
