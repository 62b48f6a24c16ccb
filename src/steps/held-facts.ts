import type { Job } from '../core/job.ts';
import type { RowView, ShardView } from '../core/ports/store-views.ts';
import type { LocalDeps } from './deps.ts';
import { isGood } from './write-outputs.ts';

/** What is known of a row of a later stage that has no request. */
export interface HeldFacts {
  /** A sentence. */
  readonly why: string;
  /** That of its record, as the stages that it needs tell. */
  readonly group: string | null;
}

export async function heldFacts(
  job: Job,
  row: Pick<RowView, 'stage' | 'seq'>,
  views: readonly ShardView[],
  { store }: Pick<LocalDeps, 'store'>,
): Promise<HeldFacts> {
  const stage = job.stages.find(({ name }) => name === row.stage);
  const own = stage === undefined ? null : await store.holdOf(stage.id, row.seq);
  const failed: string[] = [];
  let group: string | null = null;
  for (const need of job.spec.needs[row.stage] ?? []) {
    const needId = job.stages.find(({ name }) => name === need)?.id ?? 0;
    const [needed] = await store.rowsOf(needId, [row.seq]);
    if (needed === undefined || !isGood(needed))
      failed.push(`${need} (${needed?.failure ?? needed?.status ?? 'no answer'})`);
    if (needed === undefined) continue;
    group ??=
      needed.shardId === null
        ? (await heldFacts(job, needed, views, { store })).group
        : (views.find(({ shard }) => shard.id === needed.shardId)?.shard.group ?? null);
  }
  return { why: whyOf(own, failed), group };
}

function whyOf(own: string | null, failed: readonly string[]): string {
  if (own !== null) return `its request could not be made: ${own}`;
  return failed.length === 0
    ? 'the job was canceled before this stage was made'
    : `what it needs did not succeed: ${failed.join(', ')}`;
}
