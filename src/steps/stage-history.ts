import type { JobSpec } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { ShardSpending } from '../core/ports/store-views.ts';
import { historyOf, type StageHistory } from '../core/stage-history.ts';

/** Shards whose answers are looked at for what the next ones may be like. */
const HISTORY_SHARDS = 50;

export interface StageOfJobs {
  readonly name: string;
  readonly stage: string;
  readonly on: JobSpec['on'];
}

/** What answers of this stage were like in jobs of this name. `own`: of the job itself, which count once. */
export async function historyOfStage(
  what: StageOfJobs,
  models: readonly (string | null)[],
  store: Pick<JobStore, 'spentBefore'>,
  own: readonly ShardSpending[] = [],
): Promise<StageHistory | null> {
  const ids = new Set(own.map(({ shardId }) => shardId));
  const before = await store.spentBefore(what, HISTORY_SHARDS);
  const spent = [...before.filter(({ shardId }) => !ids.has(shardId)), ...own];
  return historyOf(
    spent.flatMap(({ stage, route, lines }) =>
      stage !== what.stage || lines === null ? [] : [{ route, lines }],
    ),
    models,
  );
}
