import { reachOf } from '../core/doubt.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { writeSummary } from './finish-job.ts';
import { requireHome } from './require-home.ts';
import { retrieveJob } from './retrieve-results.ts';
import { createServerTime } from './server-time.ts';
import { takeLate } from './take-late.ts';
import { walkBatches } from './walk-batches.ts';
import { watchAbsent } from './watch-absent.ts';

/**
 * One listing for a final job that still has a submission under watch: a batch that turns up now was paid beside the one
 * that the job has, and the user should hear of it. The caller holds the job's lock.
 */
export async function watchJob(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const run = { job, deps, heads: new Map(), time: createServerTime(deps.clock), settleMs: 0 };
  const views = await deps.store.shards(job.id);
  const ids = new Set(views.map((view) => view.shard.id));
  const watched = await deps.store.watched(deps.provider.account, deps.clock.now().getTime());
  const starts = watched.filter((one) => ids.has(one.shardId)).map(reachOf);
  if (starts.length === 0) return;
  await requireHome(job, deps, signal);
  const walk = await walkBatches(run, () => Math.min(...starts), signal);
  const news = await watchAbsent(run, views, walk, signal);
  if (!isFinal(job.state)) return;
  if ((await takeLate(run, signal)) > 0) await retrieveJob(run, signal);
  // The summary of a final job tells of what was paid twice.
  else if (news > 0) await writeSummary(job, await deps.store.shards(job.id), deps);
}
