import { z } from 'zod';
import type { Account } from '../core/job.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { StoreStanding } from '../core/ports/standing-store.ts';
import type { Shard } from '../core/shard.ts';
import type { Fence, Submission } from '../core/submission.ts';

/** Outside `.batchctl`, so that putting that folder back does not take it along. Only ever appended to. */
export const SENT_LOG = 'batch_requests/sent.jsonl';

const lineShape = z.looseObject({
  lineage: z.string(),
  serial: z.number(),
  job_id: z.string(),
  content_sha256: z.string().nullable(),
  shard: z.number(),
  nonce: z.string(),
  number: z.number(),
  requests: z.number(),
  base_url: z.string(),
  key_fingerprint: z.string(),
  upload_started_at: z.iso.datetime(),
  sealed_at: z.iso.datetime(),
  fence: z.object({
    batch_ids: z.array(z.string()),
    server_at: z.iso.datetime().nullable(),
    skew_ms: z.number().optional(),
    workspace_id: z.string().nullable(),
    organization_id: z.string().nullable(),
  }),
});

/** A seal as the log tells of it. */
export type SentLine = z.infer<typeof lineShape>;

/**
 * Repeats a seal outside the database, after its commit and before the last two bytes leave: whatever may have been paid
 * stands here, and nothing that the database of that moment did not know.
 *
 * @throws StoreError when the disk refuses; then the tail must stay.
 */
export function writeSent(
  files: JobFiles,
  facts: {
    readonly jobId: string;
    readonly standing: StoreStanding;
    readonly shard: Pick<Shard, 'stage' | 'number' | 'nonce' | 'requests'>;
    readonly submission: Submission;
    readonly sealedMs: number;
    readonly fence: Fence;
    readonly account: Account;
  },
): void {
  const { standing, shard, submission, fence, account } = facts;
  const line = {
    lineage: standing.lineage,
    serial: standing.serial,
    job_id: facts.jobId,
    content_sha256: standing.contentSha256,
    stage: shard.stage,
    shard: shard.number,
    nonce: shard.nonce,
    number: submission.number,
    requests: shard.requests,
    base_url: account.baseUrl,
    key_fingerprint: account.keyFingerprint,
    upload_started_at: new Date(submission.uploadStartedMs).toISOString(),
    sealed_at: new Date(facts.sealedMs).toISOString(),
    fence: {
      batch_ids: [...fence.batchIds],
      server_at: fence.serverMs === null ? null : new Date(fence.serverMs).toISOString(),
      ...(fence.skewMs === undefined ? {} : { skew_ms: fence.skewMs }),
      workspace_id: fence.workspaceId,
      organization_id: fence.organizationId,
    },
  } satisfies SentLine & { readonly stage: string };
  files.append(SENT_LOG, JSON.stringify(line));
}

/** The bytes of the log that are asked about. */
export interface SentRange {
  readonly from: number;
  readonly to: number;
}

/** What was appended after that byte, up to now; the whole log where it is another one than was accepted. */
export function sentSince(files: JobFiles, acceptedBytes: number): SentRange {
  const to = files.exists(SENT_LOG) ? files.size(SENT_LOG) : 0;
  return { from: to < acceptedBytes ? 0 : acceptedBytes, to };
}

/** The seals, oldest first. A line that a crash has cut off was written before its tail, and is none. */
export async function* readSent(
  files: JobFiles,
  { from, to }: SentRange = sentSince(files, 0),
): AsyncGenerator<SentLine> {
  if (from >= to) return;
  for await (const lines of files.lines(SENT_LOG)) {
    for (const { text, offset } of lines) {
      if (offset >= to) return;
      const line = offset < from ? null : readLine(text);
      if (line !== null) yield line;
    }
  }
}

function readLine(text: string): SentLine | null {
  try {
    return lineShape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
