import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchView } from './batch-view.ts';
import { type Batch, listBatches } from './batches.ts';
import type { Fault } from './faults.ts';
import { ApiError, type Call, sendError, sendHtml, sendJson } from './reply.ts';

/** How a create call with a good body ends: whether the batch comes to be, and what the client is told of it. */
export interface CreateEffect {
  readonly creates: boolean;
  /** The status that is answered; null when the client hears nothing. */
  readonly status: number | null;
  /** Answers, or does not. The view is the batch as it is, or would be. */
  send(call: Call, view: BatchView): void | Promise<void>;
}

const ORDINARY: CreateEffect = {
  creates: true,
  status: 200,
  send: (call, view) => sendJson(call.response, 200, view),
};

const INTERNAL_ERROR = new ApiError(500, 'api_error', 'Internal server error');
const HANG = { status: null, send: () => undefined };
const BAD_GATEWAY = { status: 502, send: (call: Call) => sendHtml(call.response, 502, 'Bad Gateway') };

/** What the fault makes of a create call; without a fault, what it is meant to be. */
export function effectOf(fault: Fault | null): CreateEffect {
  if (fault === null) return ORDINARY;
  switch (fault.name) {
    case 'lost-reply':
      return { creates: true, status: null, send: (call) => void call.request.socket.destroy() };
    case 'create-slow':
      return { ...ORDINARY, send: (call, view) => answerLate(call, view, fault.amount) };
    case 'create-hang':
      return { ...HANG, creates: true };
    case 'create-hang-not-created':
      return { ...HANG, creates: false };
    case 'create-html-502':
      return { ...BAD_GATEWAY, creates: false };
    case 'create-html-502-created':
      return { ...BAD_GATEWAY, creates: true };
    case 'create-500-created':
      return { ...refusal(INTERNAL_ERROR), creates: true };
    case 'create-redirect':
      return { creates: false, status: 307, send: (call) => redirect(call, fault.value ?? '') };
    case 'create-cut-answer':
      return { ...ORDINARY, send: sendHalf };
    case 'create-wrong-count':
      return { ...ORDINARY, send: sendWrongCount };
    case 'create-repeat-id':
      return { ...ORDINARY, send: sendEarlierId };
    default:
      return refusal(refusalOf(fault));
  }
}

/** The error that stands for a fault that only refuses. */
function refusalOf(fault: Fault): ApiError {
  switch (fault.name) {
    case 'create-529':
      return new ApiError(529, 'overloaded_error', 'Overloaded');
    case 'create-409':
      return new ApiError(409, 'conflict_error', 'The request conflicts with another one.');
    case 'create-408':
      return new ApiError(408, 'timeout_error', 'The request timed out.');
    case 'create-429':
      return rateLimited({ headers: { 'retry-after': fault.value ?? '' } });
    case 'create-429-bare':
      return rateLimited({});
    case 'create-spend-cap':
      // No retry-after: platform.claude.com/docs/en/api/rate-limits.
      return rateLimited({ details: { error_code: 'enforced_spend_limit_reached' } });
    case 'create-400-limit':
      return new ApiError(
        400,
        'invalid_request_error',
        'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
      );
    case 'create-401':
      return new ApiError(401, 'authentication_error', 'API key is invalid.');
    case 'create-403':
      return new ApiError(
        403,
        'permission_error',
        'Your API key does not have permission to use the specified resource.',
      );
    case 'create-404':
      return new ApiError(404, 'not_found_error', 'Not found');
    default:
      return INTERNAL_ERROR;
  }
}

function rateLimited(extra: ConstructorParameters<typeof ApiError>[3]): ApiError {
  return new ApiError(429, 'rate_limit_error', 'This request would exceed your rate limit.', extra);
}

function refusal(error: ApiError): CreateEffect {
  return {
    creates: false,
    status: error.status,
    send: (call) => sendError(call.response, call.requestId, error),
  };
}

async function answerLate(call: Call, view: BatchView, seconds: number): Promise<void> {
  const gone = new AbortController();
  call.response.once('close', () => gone.abort());
  const isLate = await sleep(seconds * 1000, true, { signal: gone.signal }).catch(() => false);
  if (isLate) sendJson(call.response, 200, view);
}

function redirect(call: Call, location: string): void {
  call.response.writeHead(307, { location });
  call.response.end();
}

function sendHalf(call: Call, view: BatchView): void {
  const text = JSON.stringify(view);
  call.response.writeHead(200, { 'content-type': 'application/json' });
  call.response.end(text.slice(0, text.length / 2));
}

function sendWrongCount(call: Call, view: BatchView): void {
  const counts = { ...view.request_counts, processing: view.request_counts.processing - 1 };
  sendJson(call.response, 200, { ...view, request_counts: counts });
}

function sendEarlierId(call: Call, view: BatchView): void {
  const earlier: Batch | undefined = listBatches(call.state.db, call.workspaceId).find(
    (batch) => batch.id !== view.id,
  );
  sendJson(call.response, 200, { ...view, id: earlier?.id ?? view.id });
}
