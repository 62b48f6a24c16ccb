import type { ActiveFaults } from './active-faults.ts';
import type { Fault } from './faults.ts';
import { ApiError, type ApiErrorType, type Call, sendError, sendHtml } from './reply.ts';

const EARLY_BYTES = 64 * 1024;

const TYPES: Readonly<Record<number, ApiErrorType>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** The fault that strikes while this body comes in; null when the next fault in turn waits for a whole body. */
export function takeEarlyFault(faults: ActiveFaults): Fault | null {
  return faults.peek('early', 'create')?.scope === 'early' ? faults.take('early') : null;
}

/** After how many bytes of the body it strikes. */
export function earlyStopAt(fault: Fault, contentLength: number | null): number {
  const length = contentLength ?? Number.POSITIVE_INFINITY;
  if (fault.name !== 'cut-upload') return Math.max(1, Math.min(EARLY_BYTES, Math.floor(length / 2)));
  if (contentLength === null) return EARLY_BYTES;
  return Math.max(1, Math.ceil(fault.amount * length));
}

/** Lets the fault strike; returns the status that the client is told, or null. Nothing is created. */
export function answerEarly(call: Call, fault: Fault): number | null {
  const { request, response } = call;
  if (fault.name === 'cut-upload') {
    request.socket.destroy();
    return null;
  }
  response.setHeader('connection', 'close');
  // The rest of the body stays unread, which the client learns by a reset.
  response.once('finish', () => request.socket.resetAndDestroy());
  if (fault.name === 'early-413') {
    sendHtml(response, 413, 'Payload Too Large');
    return 413;
  }
  const type = TYPES[fault.amount] ?? (fault.amount < 500 ? 'invalid_request_error' : 'api_error');
  sendError(
    response,
    call.requestId,
    new ApiError(fault.amount, type, 'Refused before the whole body was read.'),
  );
  return fault.amount;
}
