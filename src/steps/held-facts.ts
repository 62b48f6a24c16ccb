import { type Job, neededStages, stageNamed } from '../core/job.ts';
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

/** Shard → group; the job may have thousands of either. */
export type Groups = ReadonlyMap<number, string | null>;

export function groupsOf(views: readonly ShardView[]): Groups {
  return new Map(views.map(({ shard }) => [shard.id, shard.group]));
}

export async function heldFacts(
  job: Job,
  row: Pick<RowView, 'stage' | 'seq'>,
  groups: Groups,
  { store }: Pick<LocalDeps, 'store'>,
): Promise<HeldFacts> {
  const own = await store.holdOf(stageNamed(job, row.stage).id, row.seq);
  const failed: string[] = [];
  let group: string | null = null;
  for (const need of neededStages(job, row.stage)) {
    const [needed] = await store.rowsOf(need.id, [row.seq]);
    if (needed === undefined || !isGood(needed))
      failed.push(`${need.name} (${needed?.failure ?? needed?.status ?? 'no answer'})`);
    if (needed === undefined) continue;
    group ??=
      needed.shardId === null
        ? (await heldFacts(job, needed, groups, { store })).group
        : (groups.get(needed.shardId) ?? null);
  }
  return { why: whyOf(own, failed), group };
}

function whyOf(own: string | null, failed: readonly string[]): string {
  if (own !== null) return `its request could not be made: ${own}`;
  return failed.length === 0
    ? 'the job was canceled before this stage was made'
    : `what it needs did not succeed: ${failed.join(', ')}`;
}
