import type { Job } from '../core/job.ts';
import { formatUsd, type MicroUsd } from '../core/money.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { SpendingRules } from '../core/spending-rules.ts';
import type { LocalDeps } from './deps.ts';

const TAKEN_EVENT = 'budget_taken';

/**
 * A job that is carried on takes the budget that its job file has now, where that is another one than when it was looked at
 * last. One that the file no longer names stays: nobody said that the job may cost any amount.
 */
export async function takeBudget(
  { id, jobId, spec }: Job,
  { maxMicroUsd }: SpendingRules,
  { store, report }: LocalDeps,
): Promise<void> {
  const built = spec.spending.maxMicroUsd;
  // What --max-usd said since then stays too.
  if (maxMicroUsd === (lastTaken(await store.events(id)) ?? built)) return;
  const current = (await store.limitOf(id)) ?? built;
  if (maxMicroUsd === null && current !== null) {
    const text = `job ${jobId} keeps its budget of ${formatUsd(current)}, which its job file no longer names; --max-usd changes it`;
    report({ kind: 'notice', text });
    return;
  }
  if (maxMicroUsd === null) return;
  await store.setLimit(id, maxMicroUsd);
  await store.recordEvent({ jobId: id, kind: TAKEN_EVENT, detail: { max_microusd: maxMicroUsd } });
  if (maxMicroUsd === current) return;
  const before = current === null ? 'there was none' : `it was ${formatUsd(current)}`;
  const text = `job ${jobId} has a budget of ${formatUsd(maxMicroUsd)} now, as its job file says; ${before}`;
  report({ kind: 'notice', text });
}

/** What the job file said when it was taken last; null: never since the build. */
function lastTaken(events: Awaited<ReturnType<JobStore['events']>>): MicroUsd | null {
  const detailJson = events.findLast(({ kind }) => kind === TAKEN_EVENT)?.detailJson ?? null;
  if (detailJson === null) return null;
  return (JSON.parse(detailJson) as { readonly max_microusd: MicroUsd }).max_microusd; // written above
}
