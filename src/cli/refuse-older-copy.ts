import { DecisionError } from '../core/errors.ts';
import { olderStore } from '../core/store-remedies.ts';
import type { Context } from './context.ts';

/** `what`: what does not happen because of it. @throws DecisionError `store_older` */
export async function refuseOlderCopy(what: string, { wire }: Context): Promise<void> {
  const store = await wire.existingStore();
  if (store === null) return;
  const { findOlderCopy } = await import('../steps/check-standing.ts');
  const older = await findOlderCopy({ store, files: await wire.files() });
  if (older === null) return;
  const seals = older.seals.slice(0, 5).map((line) => `shard ${line.shard} of ${line.job_id}`);
  throw new DecisionError(`${what}: .batchctl/state.db is an older copy`, {
    code: 'store_older',
    why:
      seals.length === 0
        ? 'the receipts name batches that it does not know'
        : `batch_requests/sent.jsonl tells of what was sent after it: ${seals.join('; ')}`,
    next: olderStore(older.jobId),
  });
}
