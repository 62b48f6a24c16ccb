import { isFinal, sideOf } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import { formatUsd } from '../core/money.ts';
import { sumSpent } from '../core/spent-sum.ts';
import type { LocalDeps } from '../steps/deps.ts';

/** What the answers of a job cost, in one line; null when there are none. */
export async function describeBill(
  document: JobDocument,
  { store }: Pick<LocalDeps, 'store'>,
): Promise<string | null> {
  const { job_id: id, cost_microusd: cost } = document;
  if (document.usage.output_tokens === 0) return null;
  if (cost === null) return `unknown: batchctl cost ${id} says of what`;
  const job = await store.findJob(id);
  const notes: string[] = [];
  if (isFinal(job.state)) {
    const spent = await store.spentOf(job.id);
    const realTime = sumSpent(spent.flatMap(({ lines }) => lines ?? [])).realTime ?? 0;
    if (realTime > cost)
      notes.push(`${formatUsd(realTime)} in real time: ${formatUsd(realTime - cost)} saved`);
  }
  if (sideOf(job) === 'emulator') notes.push('a rehearsal is free');
  const amount = `${formatUsd(cost)}${isFinal(job.state) ? '' : ' so far'}`;
  return notes.length === 0 ? amount : `${amount} (${notes.join('; ')})`;
}
