import type { Job } from '../core/job.ts';
import type { MicroUsd } from '../core/money.ts';
import { budgetOf } from './budget.ts';
import type { LocalDeps } from './deps.ts';

/**
 * Takes over the limit that a command names (null: none), and does what comes before its run. A limit below what the job has
 * holds whatever becomes of the command; a higher one only once nothing has refused the command, and no question was
 * answered with no.
 */
export async function limitJob<T>(
  job: Job,
  max: MicroUsd | null,
  { store }: Pick<LocalDeps, 'store'>,
  first: () => Promise<T>,
): Promise<T> {
  const before = max === null ? null : await budgetOf(job, store);
  const isRaised = max !== null && before !== null && max > before;
  if (max !== null && !isRaised) await store.setLimit(job.id, max);
  const result = await first();
  if (isRaised) await store.setLimit(job.id, max);
  return result;
}
