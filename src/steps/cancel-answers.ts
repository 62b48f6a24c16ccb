import type { Job } from '../core/job.ts';
import { growingPath, rawPath } from '../core/ports/files.ts';
import { EMPTY_TALLY } from '../core/result.ts';
import type { Shard } from '../core/shard.ts';
import { cancelUnanswered, hasAnswers, openAnswers } from './answers.ts';
import type { LocalDeps } from './deps.ts';

/**
 * Ends the shards of a canceled job whose requests are asked one by one: answers that were paid stay, the rest becomes
 * `canceled`, and the shard is recorded as if it had been downloaded. Sends nothing; killed anywhere, the next call goes on.
 *
 * The caller holds the job's lock.
 */
export async function cancelAnswers(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<void> {
  for (const { shard } of await deps.store.shards(job.id)) {
    if (shard.route !== 'real_time' || shard.state !== 'built') continue;
    signal.throwIfAborted();
    if (!hasAnswers(job, shard, deps)) {
      await cancelShard(shard, deps);
      continue;
    }
    const answers = await openAnswers(job, shard, deps);
    try {
      if (answers.count === 0) {
        answers.close();
        const { files } = deps;
        files.remove(growingPath(rawPath(files.resultsDir(job.jobId), shard.stage, shard.number)));
        await cancelShard(shard, deps);
      } else {
        await cancelUnanswered(answers);
        await answers.record();
      }
    } finally {
      answers.close();
    }
  }
}

async function cancelShard(shard: Shard, { store }: LocalDeps): Promise<void> {
  const canceled = await store.settleRest(shard.id, 'canceled', 'canceled');
  const tally = { ...EMPTY_TALLY, requests: canceled, canceled, failures: { canceled } };
  await store.finishShard(shard.id, 'canceled', tally);
}
