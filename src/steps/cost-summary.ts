import {
  type CostRow,
  type CostSum,
  groupLines,
  groupShards,
  modelName,
  type PaidLine,
  paidLines,
  sumShards,
  type UnknownCosts,
  unknownCosts,
} from '../core/cost-rows.ts';
import type { JobSpec } from '../core/job.ts';
import { priceOldShards } from './cost-of-job.ts';
import type { LocalDeps } from './deps.ts';

/** What all jobs of a workspace have cost that are on one side. */
export interface CostSummary {
  readonly on: JobSpec['on'];
  readonly total: CostSum;
  /** `2026-11`, UTC, the newest first. */
  readonly months: readonly CostRow[];
  /** By name. */
  readonly models: readonly CostRow[];
  /** By job id, the newest first. */
  readonly jobs: readonly CostRow[];
  readonly lines: readonly PaidLine[];
  readonly unknown: UnknownCosts;
  /** Jobs on the other side, which are not in it. */
  readonly otherJobs: number;
}

/** Adds up what is kept of every job, from its first applied results on. `deps` null: there is no job here. */
export async function summarizeCosts(
  on: JobSpec['on'],
  deps: LocalDeps | null,
  signal: AbortSignal,
): Promise<CostSummary> {
  const shards = deps === null ? [] : await priceOldShards(await deps.store.spentOn(on), deps, signal);
  const others = (await deps?.store.spentOn(on === 'api' ? 'emulator' : 'api')) ?? [];
  const lines = paidLines(shards);
  const models = groupLines(lines, modelName);
  return {
    on,
    total: sumShards(shards),
    months: sortNewestFirst(groupShards(shards, ({ at }) => at.slice(0, 7))),
    models: [...models].sort((a, b) => (a.name < b.name ? -1 : 1)),
    jobs: groupShards(shards, ({ jobId }) => jobId),
    lines,
    unknown: unknownCosts(shards),
    otherJobs: new Set(others.map(({ jobId }) => jobId)).size,
  };
}

/** A later shard may have been sent in a later month than a shard of a newer job. */
function sortNewestFirst(months: readonly CostRow[]): readonly CostRow[] {
  return [...months].sort((a, b) => (a.name > b.name ? -1 : 1));
}
