import type { Job } from '../core/job.ts';
import { formatUsd } from '../core/money.ts';
import type { SpendingRules } from '../core/spending-rules.ts';
import type { LocalDeps } from './deps.ts';

/**
 * A job that is carried on takes the budget that its job file has now, where that is another one than at the build. One
 * that the file no longer names stays: nobody said that the job may cost any amount.
 */
export async function takeBudget(
  { id, jobId, spec }: Job,
  { maxMicroUsd }: SpendingRules,
  { store, report }: LocalDeps,
): Promise<void> {
  const built = spec.spending.maxMicroUsd;
  // What --max-usd said since then stays too.
  if (maxMicroUsd === built) return;
  const current = (await store.limitOf(id)) ?? built;
  if (maxMicroUsd === current) return;
  if (maxMicroUsd === null && current !== null) {
    const text = `job ${jobId} keeps its budget of ${formatUsd(current)}, which its job file no longer names; --max-usd changes it`;
    report({ kind: 'notice', text });
    return;
  }
  if (maxMicroUsd === null) return;
  await store.setLimit(id, maxMicroUsd);
  const before = current === null ? 'there was none' : `it was ${formatUsd(current)}`;
  const text = `job ${jobId} has a budget of ${formatUsd(maxMicroUsd)} now, as its job file says; ${before}`;
  report({ kind: 'notice', text });
}
