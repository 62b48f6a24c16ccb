import { rmSync } from 'node:fs';
import type { ActiveFaults } from './active-faults.ts';
import { linesFile } from './batch-files.ts';
import { statusAt } from './batch-state.ts';
import { originOf, type ViewContext, viewBatch } from './batch-view.ts';
import { type Batch, findBatch, listBatches, markBatchCanceled, markBatchDeleted } from './batches.ts';
import { nowUs, SECOND_US } from './clock.ts';
import { hashText, shareOf } from './hash.ts';
import { type Page, type PageQuery, pageOf, readPageQuery } from './paging.ts';
import { ApiError, type Call, sendJson } from './reply.ts';

/** GET /v1/messages/batches/{id} */
export function retrieveBatch(call: Call): void {
  const { db } = call.state;
  const fault = call.faults.take('retrieve');
  if (fault?.name === 'get-500') throw new ApiError(500, 'api_error', 'Internal server error');
  if (fault?.name === 'get-404') throw batchNotFound(call.id);
  if (fault?.name === 'get-429') {
    throw new ApiError(429, 'rate_limit_error', 'This request would exceed your rate limit.', {
      headers: { 'retry-after': fault.value ?? '' },
    });
  }
  const batch = requireBatch(call);
  refuseYoungBatch(call, batch);
  refuseNowAndThen(call);
  sendJson(call.response, 200, viewBatch(batch, nowUs(db), viewContext(call)));
}

/** GET /v1/messages/batches */
export function listWorkspaceBatches(call: Call): void {
  const { db } = call.state;
  let workspaceId = call.workspaceId;
  const query = readPageQuery(call.url.searchParams);
  switch (call.faults.take('list')?.name) {
    case 'list-500':
      throw new ApiError(500, 'api_error', 'Internal server error');
    case 'list-forbidden':
      throw new ApiError(
        403,
        'permission_error',
        'Your API key does not have permission to use the specified resource.',
      );
    case 'list-other-workspace':
      workspaceId = `${workspaceId}_other`;
      if (call.faults.standing('no-workspace') === null)
        call.response.setHeader('anthropic-workspace-id', workspaceId);
      break;
    default:
  }
  const now = nowUs(db);
  const lagUs = (call.faults.standing('list-lag')?.amount ?? 0) * SECOND_US;
  const isById = call.faults.standing('list-order')?.value === 'id';
  // A first page without these needs no more than itself, and one that tells whether there is another.
  const isPlain = query.afterId === null && query.beforeId === null && lagUs === 0 && !isById;
  const visible = listBatches(db, workspaceId, isPlain ? query.limit + 1 : null).filter(
    (batch) => now - batch.storedUs >= lagUs,
  );
  if (isById) visible.sort((a, b) => (a.id < b.id ? 1 : -1));
  const page = pageAsSet(visible, query, call.faults);
  const context = viewContext(call);
  sendJson(call.response, 200, { ...page, data: page.data.map((batch) => viewBatch(batch, now, context)) });
}

/** A page by what the standing faults say of pages, cursors and `has_more`. */
function pageAsSet(visible: readonly Batch[], query: PageQuery, faults: ActiveFaults): Page<Batch> {
  const most = faults.standing('list-page')?.amount || query.limit;
  const hasMore = faults.standing('list-has-more') !== null;
  const cursor = query.afterId ?? query.beforeId;
  if (cursor !== null && !visible.some((batch) => batch.id === cursor)) {
    const answer = faults.standing('list-cursor')?.value;
    if (answer === '404') throw batchNotFound(cursor);
    if (answer === 'empty') return { data: [], has_more: hasMore, first_id: null, last_id: null };
  }
  const page = pageOf(visible, { ...query, limit: Math.min(query.limit, most) });
  return hasMore ? { ...page, has_more: true } : page;
}

/** POST /v1/messages/batches/{id}/cancel; may be repeated until the batch has ended. */
export function cancelBatch(call: Call): void {
  const { db } = call.state;
  const batch = requireBatch(call);
  const now = nowUs(db);
  if (statusAt(batch, now) === 'ended') {
    throw new ApiError(
      400,
      'invalid_request_error',
      `Message Batch ${batch.id} has already ended and cannot be canceled.`,
    );
  }
  markBatchCanceled(db, batch.id, now);
  sendJson(call.response, 200, viewBatch(requireBatch(call), now, viewContext(call)));
}

/** DELETE /v1/messages/batches/{id} */
export function deleteBatch(call: Call): void {
  const { db, stateDir } = call.state;
  const batch = requireBatch(call);
  const now = nowUs(db);
  if (statusAt(batch, now) !== 'ended') {
    throw new ApiError(
      400,
      'invalid_request_error',
      `Message Batch ${batch.id} cannot be deleted while it is in progress. Consider canceling it first.`,
    );
  }
  markBatchDeleted(db, batch.id, now);
  rmSync(linesFile(stateDir, batch.id), { force: true });
  sendJson(call.response, 200, { id: batch.id, type: 'message_batch_deleted' });
}

/** The batch of the path in the workspace of the key. Throws a 404. */
export function requireBatch(call: Call): Batch {
  const { db } = call.state;
  const batch = findBatch(db, call.workspaceId, call.id);
  if (batch === null) throw batchNotFound(call.id);
  return batch;
}

/** Throws a 404 while the fault `not-found` hides a young batch. */
export function refuseYoungBatch(call: Call, batch: Batch): void {
  const hiddenUs = (call.faults.standing('not-found')?.amount ?? 0) * SECOND_US;
  if (nowUs(call.state.db) - batch.storedUs < hiddenUs) throw batchNotFound(batch.id);
}

/** Throws a 404 for some of the calls while the fault `not-found-now-and-then` is set. */
export function refuseNowAndThen(call: Call): void {
  const share = call.faults.standing('not-found-now-and-then')?.amount ?? 0;
  if (shareOf(hashText(call.requestId), 'flap') < share) throw batchNotFound(call.id);
}

/** What a batch is shown with in this call. */
export function viewContext(call: Call): ViewContext {
  return { db: call.state.db, origin: originOf(call.request), faults: call.faults };
}

function batchNotFound(id: string): ApiError {
  return new ApiError(404, 'not_found_error', `Message Batch ${id} not found.`);
}
