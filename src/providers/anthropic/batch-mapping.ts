import { z } from 'zod';
import type { Batch } from '../../core/batch.ts';
import type { Listing, ServerStamp } from '../../core/ports/provider.ts';

const count = z.number().int().nonnegative();

/** Only what we rely on; a new field or status must not stop a poll. */
const batchShape = z.looseObject({
  id: z.string().min(1).max(256),
  processing_status: z.string(),
  request_counts: z.looseObject({
    processing: count,
    succeeded: count,
    errored: count,
    canceled: count,
    expired: count,
  }),
  created_at: z.string(),
  expires_at: z.string(),
  ended_at: z.string().nullish(),
  cancel_initiated_at: z.string().nullish(),
  archived_at: z.string().nullish(),
  results_url: z.string().nullish(),
});

const listShape = z.looseObject({
  data: z.array(z.unknown()),
  has_more: z.boolean(),
  last_id: z.string().nullish(),
});

const countShape = z.looseObject({ input_tokens: count });

/** @throws ZodError when the value is not a batch. */
export function toBatch(value: unknown): Batch {
  const wire = batchShape.parse(value);
  const counts = wire.request_counts;
  return {
    id: wire.id,
    processingStatus: wire.processing_status,
    counts: {
      processing: counts.processing,
      succeeded: counts.succeeded,
      errored: counts.errored,
      canceled: counts.canceled,
      expired: counts.expired,
    },
    createdAt: wire.created_at,
    expiresAt: wire.expires_at,
    endedAt: wire.ended_at ?? null,
    cancelInitiatedAt: wire.cancel_initiated_at ?? null,
    archivedAt: wire.archived_at ?? null,
    resultsUrl: wire.results_url ?? null,
    describedJson: JSON.stringify(value),
  };
}

/** One batch that we cannot read must not hide the others. @throws ZodError when the value is not a page. */
export function toPage(value: unknown): Omit<Listing, 'stamp'> {
  const wire = listShape.parse(value);
  const batches = wire.data.flatMap((item) => (batchShape.safeParse(item).success ? [toBatch(item)] : []));
  return {
    batches,
    unreadable: wire.data.length - batches.length,
    hasMore: wire.has_more,
    lastId: wire.last_id ?? batches.at(-1)?.id ?? null,
  };
}

export function toTokenCount(value: unknown): number {
  return countShape.parse(value).input_tokens;
}

const EARLIEST_DATE = Date.UTC(2024, 0); // before the Message Batches API there was nothing to date
const LATEST_DATE = Date.UTC(2100, 0);

export function toStamp(headers: Headers): ServerStamp {
  const date = Date.parse(headers.get('date') ?? '');
  return {
    serverMs: date >= EARLIEST_DATE && date <= LATEST_DATE ? date : null,
    workspaceId: headers.get('anthropic-workspace-id'),
    organizationId: headers.get('anthropic-organization-id'),
    requestId: headers.get('request-id'),
  };
}
