import type { Job, JobMode, JobState } from './job.ts';
import { type MicroUsd, sumOrUnknown } from './money.ts';
import type { LateDuplicate, ShardView } from './ports/store-views.ts';
import type { PrunedDocument } from './pruned.ts';
import { addTallies, EMPTY_TALLY, type FailureClass } from './result.ts';
import type { UnsentDocument } from './unsent.ts';

/** What `--json` prints of a job. Keys are only ever added; docs/json.md describes each. */
export interface JobDocument {
  readonly job_id: string;
  readonly name: string;
  readonly state: JobState;
  /** How its requests go; null until it is submitted. */
  readonly mode: JobMode | null;
  readonly requests: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  readonly missing: number;
  /** Rows of later stages without a request, because a stage that they need failed. */
  readonly held: number;
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  readonly usage: UsageDocument;
  /** What the answers so far cost, over all attempts; null when some of it has no price. */
  readonly cost_microusd: MicroUsd | null;
  readonly batches: readonly BatchDocument[];
  /** Its batch was made elsewhere. Absent for a job that was built here. */
  readonly adopted?: true;
  /** Relative to the workspace, with forward slashes. */
  readonly output_dir?: string;
  /** Batches that were paid beside the ones that the job has; left out where one look at many jobs does not ask for it. */
  readonly late_duplicates?: readonly LateDuplicateDocument[];
  /** Result lines that no row is read from, see countStrangeLines; left out likewise. */
  readonly strange_lines?: number;
  /** Shards that were asked to be sent and are not; left out where there are none. */
  readonly unsent?: UnsentDocument;
  /** The process that works on it; left out where nobody does, in one look at many jobs, and in what programs are given. */
  readonly at_work?: string;
  /** What was removed of it by `prune`; left out likewise, and where it was nothing. */
  readonly pruned?: PrunedDocument;
}

export interface LateDuplicateDocument {
  readonly batch_id: string;
  readonly stage: string;
  readonly shard: number;
  /** Of its raw results, from which no row is read. This and the next two are null until they are on disk. */
  readonly file: string | null;
  readonly answers: number | null;
  /** Part of what the job cost. */
  readonly cost_microusd: MicroUsd | null;
}

export interface UsageDocument {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

export interface BatchDocument {
  readonly batch_id: string;
  readonly stage: string;
  readonly group: string | null;
  readonly shard: number;
  readonly requests: number;
  readonly processing_status: string;
  readonly created_at: string;
  readonly expires_at: string;
}

/**
 * Only batches known to be the job's own appear: a candidate of a submission in doubt may be a colleague's.
 * `outputDir` null leaves the key out.
 */
export function jobDocument(job: Job, shards: readonly ShardView[], outputDir: string | null): JobDocument {
  const tally = shards.reduce((sum, view) => (view.tally ? addTallies(sum, view.tally) : sum), EMPTY_TALLY);
  const held = job.stages.reduce((sum, stage) => sum + stage.held, 0);
  return {
    job_id: job.jobId,
    name: job.name,
    state: job.state,
    mode: job.mode,
    requests: job.records * job.stages.length,
    succeeded: tally.succeeded,
    errored: tally.errored,
    canceled: tally.canceled,
    expired: tally.expired,
    missing: tally.missing,
    held,
    failures: held === 0 ? tally.failures : { ...tally.failures, held },
    usage: {
      input_tokens: tally.usage.input,
      output_tokens: tally.usage.output,
      cache_creation_input_tokens: tally.usage.cacheCreation,
      cache_read_input_tokens: tally.usage.cacheRead,
    },
    cost_microusd: sumOrUnknown(shards.filter(isApplied).map(({ cost }) => cost)),
    batches: shards.flatMap(batchDocuments),
    ...(job.spec.adopted ? { adopted: true } : {}),
    ...(outputDir === null ? {} : { output_dir: outputDir }),
  };
}

export function lateDuplicateDocuments(
  duplicates: readonly LateDuplicate[],
  shards: readonly ShardView[],
): readonly LateDuplicateDocument[] {
  return duplicates.map(({ shardId, batchId, kept }) => {
    const shard = shards.find((view) => view.shard.id === shardId)?.shard;
    return {
      batch_id: batchId,
      stage: shard?.stage ?? '',
      shard: shard?.number ?? 0,
      file: kept?.path ?? null,
      answers: kept?.answers ?? null,
      cost_microusd: kept?.cost ?? null,
    };
  });
}

function isApplied({ shard }: ShardView): boolean {
  return shard.state === 'applied';
}

function batchDocuments({ shard, batch }: ShardView): readonly BatchDocument[] {
  if (batch === null) return [];
  return [
    {
      batch_id: batch.id,
      stage: shard.stage,
      group: shard.group,
      shard: shard.number,
      requests: shard.requests,
      processing_status: batch.processingStatus,
      created_at: batch.createdAt,
      expires_at: batch.expiresAt,
    },
  ];
}

/** Rows whose answer is no good, whatever the API called it. */
export function countFailed(document: Pick<JobDocument, 'failures'>): number {
  return Object.values(document.failures).reduce((sum, count) => sum + count, 0);
}
