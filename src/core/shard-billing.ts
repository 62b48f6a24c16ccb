import type { Batch } from './batch.ts';
import type { Billing } from './billing.ts';
import type { Job } from './job.ts';
import type { JobFile } from './job-file.ts';
import { openPriceList } from './price-list.ts';
import type { Shard } from './shard.ts';

/** How the answers of a shard are billed that was priced at that time. */
export type BillShard = (shard: Pick<Shard, 'stage' | 'route'>, at: string) => Billing;

/** Opens the price list of a job once, for all of its shards. `frozen`: the job file as it was built. */
export function openBilling({ spec }: Pick<Job, 'spec'>, frozen: JobFile | null): BillShard {
  const prices = openPriceList(spec.spending.prices);
  const models = new Map(frozen?.stages.map(({ name, model }) => [name, model]));
  return ({ stage, route }, at) => ({
    prices,
    at,
    route,
    fallbackModel: models.get(stage) ?? (stage === spec.stages[0] ? spec.model : null),
  });
}

/**
 * Which day's prices hold: that of the batch. Answers that come one by one bear no date; theirs is the day on which the
 * job was submitted, so that whoever prices them again comes to the same.
 */
export function pricedAt(
  job: Pick<Job, 'createdAt' | 'submitRequestedAt'>,
  batch: Pick<Batch, 'createdAt'> | null,
): string {
  return batch?.createdAt ?? job.submitRequestedAt ?? job.createdAt;
}
