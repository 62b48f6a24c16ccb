import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActiveFaults } from './active-faults.ts';
import { formatHttpDate, nowUs, SECOND_US } from './clock.ts';
import type { Db } from './database.ts';
import { randomId } from './hash.ts';

/** Everything that one emulator shares between its calls. */
export interface EmulatorState {
  readonly db: Db;
  readonly stateDir: string;
  readonly accountId: string;
  readonly batchSeconds: number;
}

/** One call to the API, with a valid key and version. */
export interface Call {
  readonly state: EmulatorState;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly requestId: string;
  readonly workspaceId: string;
  readonly apiVersion: string;
  readonly betas: readonly string[];
  readonly faults: ActiveFaults;
  /** The `{id}` of the path; empty where there is none. */
  readonly id: string;
}

/** The error types of platform.claude.com/docs/en/api/errors that the emulator answers with. */
export type ApiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'conflict_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'api_error'
  | 'overloaded_error';

/** What a failing call answers: status, error type and text, and whatever goes with them. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: ApiErrorType;
  readonly details: Readonly<Record<string, string>> | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    type: ApiErrorType,
    message: string,
    extra: {
      readonly details?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.type = type;
    this.details = extra.details ?? null;
    this.headers = extra.headers ?? {};
  }
}

// The Start tier's calls per minute: platform.claude.com/docs/en/api/rate-limits. Told, but not enforced.
const CALLS_PER_MINUTE = 1000;

/** Sets the headers that every answer of the API carries, and returns the request's id. */
export function setCommonHeaders(
  response: ServerResponse,
  state: EmulatorState,
  faults: ActiveFaults,
): string {
  const requestId = randomId('req');
  const now = nowUs(state.db);
  response.sendDate = false; // Node's own would be this machine's clock
  if (faults.standing('no-date') === null) response.setHeader('date', dateAt(now, faults));
  response.setHeader('request-id', requestId);
  response.setHeader('anthropic-organization-id', state.accountId);
  response.setHeader('anthropic-ratelimit-requests-limit', CALLS_PER_MINUTE);
  response.setHeader('anthropic-ratelimit-requests-remaining', CALLS_PER_MINUTE - 1);
  response.setHeader('anthropic-ratelimit-requests-reset', new Date((now + SECOND_US) / 1000).toISOString());
  return requestId;
}

function dateAt(nowUs: number, faults: ActiveFaults): string {
  if (faults.standing('odd-date') !== null) return 'soon';
  return formatHttpDate(nowUs + (faults.standing('date-off')?.amount ?? 0) * SECOND_US);
}

/** Answers with a JSON document. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Answers with the API's error envelope. */
export function sendError(response: ServerResponse, requestId: string, error: ApiError): void {
  // A refused key belongs to no workspace: platform.claude.com/docs/en/api/overview#response-headers.
  if (error.status === 401) response.removeHeader('anthropic-workspace-id');
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  sendJson(response, error.status, {
    type: 'error',
    error: {
      type: error.type,
      message: error.message,
      ...(error.details === null ? {} : { details: error.details }),
    },
    request_id: requestId,
  });
}

/** Answers as a proxy in front of the API does, without JSON. */
export function sendHtml(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(
    `<html>\n<head><title>${status} ${title}</title></head>\n<body><h1>${status} ${title}</h1></body>\n</html>\n`,
  );
}
