import { z } from 'zod';
import type { Batch } from '../core/batch.ts';
import type { Account } from '../core/job.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { Shard } from '../core/shard.ts';

export const RECEIPTS = '.batchctl/receipts.jsonl';

/** Repeats a batch id beside the database, in a file that is only ever appended to. */
export function writeReceipt(
  files: JobFiles,
  facts: { readonly jobId: string; readonly shard: Shard; readonly batch: Batch; readonly account: Account },
): void {
  files.append(
    RECEIPTS,
    JSON.stringify({
      batch_id: facts.batch.id,
      created_at: facts.batch.createdAt,
      job_id: facts.jobId,
      stage: facts.shard.stage,
      shard: facts.shard.number,
      nonce: facts.shard.nonce,
      requests: facts.shard.requests,
      base_url: facts.account.baseUrl,
    }),
  );
}

const receiptShape = z.looseObject({ job_id: z.string(), nonce: z.string(), batch_id: z.string() });

export type Receipt = z.infer<typeof receiptShape>;

/** The receipts of the workspace from that byte on, of all jobs, the oldest first. A line that a crash cut off is none. */
export async function* readReceipts(files: JobFiles, fromByte = 0): AsyncGenerator<Receipt> {
  // A shorter one is another file than the one that was accepted.
  const from = files.size(RECEIPTS) < fromByte ? 0 : fromByte;
  for await (const lines of files.lines(RECEIPTS)) {
    for (const { text, offset } of lines) {
      if (offset < from) continue;
      const receipt = readReceipt(text);
      if (receipt !== null) yield receipt;
    }
  }
}

function readReceipt(text: string): Receipt | null {
  try {
    return receiptShape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
