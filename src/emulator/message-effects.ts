import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import { ApiError, type Call, sendError, sendHtml, sendJson } from './reply.ts';

/** How a Messages call with good params ends. */
export interface MessageEffect {
  /** Whether an answer was made, and would be paid, whatever the client hears. */
  readonly isAnswered: boolean;
  /** The status that is answered; null when the client hears nothing. */
  readonly status: number | null;
  send(call: Call, message: unknown): void | Promise<void>;
}

const ORDINARY: MessageEffect = {
  isAnswered: true,
  status: 200,
  send: (call, message) => sendJson(call.response, 200, message),
};

/** What the fault makes of a Messages call; without a fault, what it is meant to be. */
export function messageEffectOf(fault: Fault | null): MessageEffect {
  if (fault === null) return ORDINARY;
  switch (fault.name) {
    case 'message-slow':
      return { ...ORDINARY, send: (call, message) => answerLate(call, message, fault.amount) };
    case 'message-drop':
      return { ...ORDINARY, status: null, send: (call) => void call.request.socket.destroy() };
    case 'message-cut-answer':
      return { ...ORDINARY, send: (call, message) => sendText(call, halfOf(JSON.stringify(message))) };
    case 'message-pretty':
      return {
        ...ORDINARY,
        send: (call, message) => sendText(call, `${JSON.stringify(message, null, 2)}\n`),
      };
    case 'message-html-502':
      return html(502, 'Bad Gateway');
    case 'message-html-413':
      return html(413, 'Payload Too Large');
    case 'message-redirect':
      return { isAnswered: false, status: 307, send: (call) => redirect(call, fault.value ?? '') };
    default:
      return refusal(refusalOf(fault));
  }
}

/** The error that stands for a fault that only refuses. */
function refusalOf(fault: Fault): ApiError {
  switch (fault.name) {
    case 'message-429':
      return rateLimited({ headers: { 'retry-after': fault.value ?? '' } });
    case 'message-429-bare':
      return rateLimited({});
    case 'message-spend-cap':
      // No retry-after: platform.claude.com/docs/en/api/rate-limits.
      return rateLimited({ details: { error_code: 'enforced_spend_limit_reached' } });
    case 'message-529':
      return new ApiError(529, 'overloaded_error', 'Overloaded');
    case 'message-401':
      return new ApiError(401, 'authentication_error', 'API key is invalid.');
    case 'message-402':
      return new ApiError(
        402,
        'billing_error',
        'There is a problem with your billing or payment information.',
      );
    case 'message-403':
      return new ApiError(
        403,
        'permission_error',
        'Your API key does not have permission to use the specified resource.',
      );
    default:
      return new ApiError(500, 'api_error', 'Internal server error');
  }
}

function rateLimited(extra: ConstructorParameters<typeof ApiError>[3]): ApiError {
  return new ApiError(429, 'rate_limit_error', 'This request would exceed your rate limit.', extra);
}

function refusal(error: ApiError): MessageEffect {
  return {
    isAnswered: false,
    status: error.status,
    send: (call) => sendError(call.response, call.requestId, error),
  };
}

function html(status: number, title: string): MessageEffect {
  return { isAnswered: false, status, send: (call) => sendHtml(call.response, status, title) };
}

async function answerLate(call: Call, message: unknown, seconds: number): Promise<void> {
  const gone = new AbortController();
  call.response.once('close', () => gone.abort());
  const isLate = await sleep(seconds * 1000, true, { signal: gone.signal }).catch(() => false);
  if (isLate) sendJson(call.response, 200, message);
}

function redirect(call: Call, location: string): void {
  call.response.writeHead(307, { location });
  call.response.end();
}

function sendText(call: Call, text: string): void {
  call.response.writeHead(200, { 'content-type': 'application/json' });
  call.response.end(text);
}

function halfOf(text: string): string {
  return text.slice(0, text.length / 2);
}
