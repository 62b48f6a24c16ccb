import { backoffMs, UPLOAD_BACKOFF } from '../core/backoff.ts';
import { StoreError } from '../core/errors.ts';
import type { Shard } from '../core/shard.ts';
import type { Run } from './run.ts';
import { type Sending, type SubmitOutcome, submitShard } from './submit-shard.ts';

/** Tries of one shard whose upload breaks before its seal; such a break is provably no batch. */
export const TRIES = 4;

/**
 * Sends one shard, and repeats what broke, or was turned away, before the tail had left. Null: another process has canceled
 * the job meanwhile, so the store refused it.
 */
export async function sendPatiently(
  run: Run,
  shard: Shard,
  shards: number,
  sending: Sending,
  signal: AbortSignal,
): Promise<SubmitOutcome | null> {
  const { clock, report } = run.deps;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await unlessCanceled(run, () => submitShard(run, shard, shards, signal, sending));
    signal.throwIfAborted();
    if (outcome === null) return null;
    const mayRepeat =
      outcome.kind === 'not_created' && (outcome.refusal === 'broken' || outcome.refusal === 'overloaded');
    if (!mayRepeat || attempt === TRIES) return outcome;
    const ms = backoffMs(UPLOAD_BACKOFF, attempt, clock.random());
    const why = `shard ${shard.number}: ${outcome.error.why ?? outcome.error.message}, after ${outcome.bytesSent} of ${shard.bodyBytes} bytes; provably no batch`;
    report({ kind: 'waiting', why, ms });
    await clock.sleep(ms, signal);
    signal.throwIfAborted();
  }
}

async function unlessCanceled<T>({ job, deps }: Run, send: () => Promise<T>): Promise<T | null> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof StoreError) || !(error.code === 'seal_lost' || error.code === 'not_ready'))
      throw error;
    if ((await deps.store.jobById(job.id)).cancelRequestedAt === null) throw error;
    return null;
  }
}
