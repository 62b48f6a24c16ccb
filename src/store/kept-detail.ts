import type { JobStore } from '../core/ports/store.ts';
import { writeSpent } from './json-money.ts';
import { costOf } from './shard-spending.ts';

/** What the event of a late batch whose results are on disk holds. The journal repeats it, so that a rebuild has it too. */
export function keptDetail(
  batchId: string,
  { spent, ...kept }: Parameters<JobStore['keepLateDuplicate']>[2],
): Record<string, unknown> {
  return { batch_id: batchId, ...kept, cost_microusd: costOf(spent), spent: JSON.parse(writeSpent(spent)) };
}
