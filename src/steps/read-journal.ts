import { z } from 'zod';
import { type JournalFold, JournalFolder } from '../core/journal-lines.ts';
import type { JobFiles } from '../core/ports/files.ts';
import { journalPath } from '../core/ports/files.ts';
import { RECEIPTS } from './write-receipt.ts';

/** What the journal of a job says in the end; null where there is none. */
export async function readJournal(jobId: string, files: JobFiles): Promise<JournalFold | null> {
  const path = journalPath(files.requestsDir(jobId));
  if (!files.exists(path)) return null;
  const folder = new JournalFolder();
  for await (const lines of files.lines(path)) for (const { text } of lines) folder.add(text);
  return folder.fold();
}

const receiptShape = z.looseObject({
  batch_id: z.string().min(1).max(256),
  created_at: z.string(),
  job_id: z.string(),
  nonce: z.string(),
  base_url: z.string(),
});

/** A batch id that was written beside the database. */
export type Receipt = z.infer<typeof receiptShape>;

/** By job. A line that a crash has cut off is none. */
export async function readReceipts(files: JobFiles): Promise<ReadonlyMap<string, readonly Receipt[]>> {
  const found = new Map<string, Receipt[]>();
  if (!files.exists(RECEIPTS)) return found;
  for await (const lines of files.lines(RECEIPTS)) {
    for (const { text } of lines) {
      const receipt = parseReceipt(text);
      if (receipt === null) continue;
      const ofJob = found.get(receipt.job_id) ?? [];
      found.set(receipt.job_id, [...ofJob, receipt]);
    }
  }
  return found;
}

function parseReceipt(text: string): Receipt | null {
  try {
    return receiptShape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
