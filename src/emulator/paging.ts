import { z } from 'zod';
import { ApiError } from './reply.ts';

const MAX_LIMIT = 1000;

/** One page of a list, in the form of SDK src/core/pagination.ts. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

/** Which page is asked for. */
export interface PageQuery {
  readonly limit: number;
  readonly afterId: string | null;
  readonly beforeId: string | null;
}

const querySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(20),
  after_id: z.string().optional(),
  before_id: z.string().optional(),
});

/** Reads `limit`, `after_id` and `before_id`; throws a 400. */
export function readPageQuery(params: URLSearchParams): PageQuery {
  const parsed = querySchema.safeParse(Object.fromEntries(params));
  if (!parsed.success) {
    throw new ApiError(
      400,
      'invalid_request_error',
      `limit: Input should be a number from 1 to ${MAX_LIMIT}`,
    );
  }
  const { limit, after_id: afterId = null, before_id: beforeId = null } = parsed.data;
  if (afterId !== null && beforeId !== null) {
    throw new ApiError(400, 'invalid_request_error', 'Only one of after_id and before_id may be given');
  }
  return { limit, afterId, beforeId };
}

/** Cuts a page out of a list that is in its final order. Throws a 400 for a cursor that is not in the list. */
export function pageOf<T extends { readonly id: string }>(items: readonly T[], query: PageQuery): Page<T> {
  const { limit, afterId, beforeId } = query;
  let data: readonly T[];
  let hasMore: boolean;
  if (beforeId !== null) {
    const end = indexOf(items, beforeId, 'before_id');
    data = items.slice(Math.max(0, end - limit), end);
    hasMore = end > limit;
  } else {
    const start = afterId === null ? 0 : indexOf(items, afterId, 'after_id') + 1;
    data = items.slice(start, start + limit);
    hasMore = items.length > start + limit;
  }
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

function indexOf(items: readonly { readonly id: string }[], id: string, parameter: string): number {
  const index = items.findIndex((item) => item.id === id);
  if (index === -1)
    throw new ApiError(400, 'invalid_request_error', `${parameter}: ${id} is not in this list`);
  return index;
}
