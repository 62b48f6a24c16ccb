import { z } from 'zod';
import { type JournalFold, JournalFolder } from '../core/journal-lines.ts';
import type { JobFiles } from '../core/ports/files.ts';
import { journalPath } from '../core/ports/files.ts';
import { RECEIPTS, readReceipts } from './write-receipt.ts';

/** What the journal of a job says in the end; null where there is none. */
export async function readJournal(jobId: string, files: JobFiles): Promise<JournalFold | null> {
  const path = journalPath(files.requestsDir(jobId));
  if (!files.exists(path)) return null;
  const folder = new JournalFolder();
  for await (const lines of files.lines(path)) for (const { text } of lines) folder.add(text);
  return folder.fold();
}

/** Whether a rebuild has what tells it what was sent of a job. */
export async function canBeRebuilt(jobId: string, files: JobFiles): Promise<boolean> {
  return ((await readJournal(jobId, files))?.job ?? null) !== null;
}

/** What a batch can be restored from; a receipt that only names it is enough to stop a run, and not for this. */
const wholeReceipt = z.looseObject({
  batch_id: z.string().min(1).max(256),
  created_at: z.string(),
  job_id: z.string(),
  nonce: z.string(),
  base_url: z.string(),
});

/** A batch id that was written beside the database. */
export type Receipt = z.infer<typeof wholeReceipt>;

/** Those of the workspace, by job, in their order. */
export async function readReceiptsByJob(files: JobFiles): Promise<ReadonlyMap<string, readonly Receipt[]>> {
  const found = new Map<string, Receipt[]>();
  if (!files.exists(RECEIPTS)) return found;
  for await (const read of readReceipts(files)) {
    const { data: receipt } = wholeReceipt.safeParse(read);
    if (receipt === undefined) continue;
    const ofJob = found.get(receipt.job_id);
    if (ofJob === undefined) found.set(receipt.job_id, [receipt]);
    else ofJob.push(receipt);
  }
  return found;
}
