import { hasEnded } from '../core/batch.ts';
import { formatDuration } from '../core/duration.ts';
import { isSettledShard } from '../core/shard.ts';
import type { WatchedShard, WatchLook } from '../steps/watch-batches.ts';
import { formatMany } from './output.ts';

/** Which shard it is, for a person. */
export function labelOf({ job, view: { shard } }: WatchedShard): string {
  return `${job.jobId} ${shard.stage} ${shard.number}`;
}

/** The API's word where a batch is known; else how far its shard is. */
export function describeStatus({ view: { shard, batch, submission } }: WatchedShard): string {
  if (shard.state === 'lost' || shard.state === 'canceled') return shard.state;
  if (batch !== null) return batch.notFound === null ? batch.processingStatus : 'not found';
  if (isSettledShard(shard.state)) return 'ended';
  if (shard.route === 'real_time') return 'real time';
  if (shard.state !== 'live') return submission?.state === 'uploading' ? 'uploading' : 'not sent';
  return submission?.state === 'sealed' ? 'sent' : 'in doubt';
}

/** Its batch has not ended. */
export function isWaitedFor({ view: { shard, batch } }: WatchedShard): boolean {
  return shard.state === 'live' && batch !== null && !hasEnded(batch);
}

/** A sentence on a shard whose status has changed, for where there is no screen. */
export function describeChange(one: WatchedShard): string {
  const { view, elapsedMs, expiresInMs, earlier } = one;
  const { shard, batch } = view;
  const parts = [
    `${labelOf(one)}: ${describeStatus(one)}`,
    batch === null ? null : `batch ${batch.id}`,
    formatMany(shard.requests, 'request'),
    elapsedMs === null ? null : `${isWaitedFor(one) ? 'for' : 'after'} ${formatDuration(elapsedMs)}`,
    expiresInMs === null ? null : `expires in ${formatDuration(expiresInMs)}`,
    earlier === null
      ? null
      : `earlier batches of similar size took ${formatDuration(earlier.medianMs)} (median of ${earlier.batches})`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** What `--json` prints and `--log` keeps: a record for each shard of a look, and one for each trouble. See docs/watch.md. */
export function toRecords(look: WatchLook): readonly Readonly<Record<string, unknown>>[] {
  const at = look.at.toISOString();
  const next_look_at =
    look.nextLookMs === null ? null : new Date(look.at.getTime() + look.nextLookMs).toISOString();
  return [
    ...look.shards.map(({ job, view: { shard, batch }, elapsedMs, expiresInMs, earlier, holder }) => ({
      at,
      job_id: job.jobId,
      job_state: job.state,
      stage: shard.stage,
      shard: shard.number,
      shard_state: shard.state,
      requests: shard.requests,
      batch_id: batch?.id ?? null,
      processing_status: batch?.processingStatus ?? null,
      request_counts: batch?.counts ?? null,
      created_at: batch?.createdAt ?? null,
      expires_at: batch?.expiresAt ?? null,
      ended_at: batch?.endedAt ?? null,
      elapsed_ms: elapsedMs,
      expires_in_ms: expiresInMs,
      earlier: earlier === null ? null : { batches: earlier.batches, median_ms: earlier.medianMs },
      at_work: holder,
      next_look_at,
    })),
    ...look.troubles.map(({ code, message, why }) => ({ at, error: { code, message, why }, next_look_at })),
  ];
}
