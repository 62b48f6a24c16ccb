import type { Billing } from '../core/billing.ts';
import type { Job } from '../core/job.ts';
import { judgeResult } from '../core/judge.ts';
import type { MicroUsd } from '../core/money.ts';
import { growingPath, rawPath } from '../core/ports/files.ts';
import { parseResultLine } from '../core/result-line.ts';
import type { Shard } from '../core/shard.ts';
import { SpentCounter } from '../core/spent-counter.ts';
import { sumSpent } from '../core/spent-sum.ts';
import type { LocalDeps } from './deps.ts';

export interface Answered {
  readonly job: Pick<Job, 'jobId'>;
  readonly deps: Pick<LocalDeps, 'files'>;
}

/** What the answers cost that earlier runs got to requests of this shard, which is asked one by one. */
export async function countAnswered(
  { job, deps: { files } }: Answered,
  shard: Shard,
  billing: Billing,
): Promise<SpentCounter> {
  const counter = new SpentCounter(billing);
  const raw = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
  // Killed between the last answer and the record, the file may have its name already.
  const path = [growingPath(raw), raw].find((one) => files.exists(one));
  if (path === undefined) return counter;
  for await (const lines of files.lines(path)) {
    for (const { text } of lines) {
      const line = parseResultLine(text);
      if (line !== null) counter.add(judgeResult(line.result));
    }
  }
  return counter;
}

/** Null: some of it has no price. */
export async function answeredCost(run: Answered, shard: Shard, billing: Billing): Promise<MicroUsd | null> {
  return sumSpent((await countAnswered(run, shard, billing)).lines()).cost;
}
