import type { Estimate } from '../estimate.ts';
import type { JobSpec } from '../job.ts';
import type { MicroUsd } from '../money.ts';
import type { Pilot } from '../pilot.ts';
import type { RequestSizes } from '../request-sizes.ts';
import type { SpentLine } from '../spent-line.ts';
import type { CarvedShard, ShardSpending, UnseenPayment } from './store-views.ts';

/** What the store keeps of money: what a job is expected to cost, may cost, and has cost. */
export interface SpendingStore {
  /** Of the job's shards that were not split, by shard id; one that was built by a version without sizes is left out. */
  shardSizes(jobId: number): Promise<ReadonlyMap<number, RequestSizes>>;

  /** The estimate that the job was submitted with; one that is made later replaces it. */
  keepEstimate(jobId: number, estimate: Estimate): Promise<void>;
  estimateOf(jobId: number): Promise<Estimate | null>;

  /** What `--max-usd` said last for this job: it replaces the job file's budget. Null: it never said anything. */
  limitOf(jobId: number): Promise<MicroUsd | null>;
  setLimit(jobId: number, max: MicroUsd): Promise<void>;

  pilotOf(jobId: number): Promise<Pilot | null>;
  setPilot(jobId: number, pilot: Pilot): Promise<void>;

  /**
   * One transaction: each shard becomes `split`, and the two that take its requests become `built`. Refused as
   * `shard_moved_on` when one of them is not `built`, or may exist at the API.
   */
  carveShards(jobId: number, carved: readonly CarvedShard[]): Promise<void>;

  /** A call of this shard, asked one by one, whose answer never came: it may have cost as much as this. */
  keepLostAnswer(shardId: number, most: MicroUsd): Promise<void>;
  /** Answers that never came, and second batches of a shard. */
  unseenPayments(jobId: number): Promise<readonly UnseenPayment[]>;

  /** Of the applied shards of one job, in order of stage and number. Those whose answers were reused cost nothing. */
  spentOf(jobId: number): Promise<readonly ShardSpending[]>;
  /** What the answers of a shard cost that was applied by a version without prices. */
  keepSpent(shardId: number, lines: readonly SpentLine[]): Promise<void>;
  /** Of all jobs on one side, newest first. */
  spentOn(on: JobSpec['on']): Promise<readonly ShardSpending[]>;
  /** What answers of this stage of jobs of this name were like, the newest `limit` shards. */
  spentBefore(
    what: { readonly name: string; readonly stage: string; readonly on: JobSpec['on'] },
    limit: number,
  ): Promise<readonly ShardSpending[]>;
}
