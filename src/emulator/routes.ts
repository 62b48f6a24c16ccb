import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFaults } from './active-faults.ts';
import { readApiVersion, readBetas, readCaller } from './auth.ts';
import { cancelBatch, deleteBatch, listWorkspaceBatches, retrieveBatch } from './batch-routes.ts';
import { handleControl } from './control.ts';
import { createBatch } from './create-batch.ts';
import { countTokens, createMessage } from './messages.ts';
import { listModels, retrieveModel } from './model-routes.ts';
import { countCall } from './posts.ts';
import { ApiError, type Call, type EmulatorState, sendError, setCommonHeaders } from './reply.ts';
import { sendResults } from './results.ts';

type Handler = (call: Call) => void | Promise<void>;

/** Every call of the API that is answered, as documents write them; `{id}` is one part of the path. */
const ROUTES = new Map<string, Handler>([
  ['POST /v1/messages', createMessage],
  ['POST /v1/messages/count_tokens', countTokens],
  ['GET /v1/models', listModels],
  ['GET /v1/models/{id}', retrieveModel],
  ['POST /v1/messages/batches', createBatch],
  ['GET /v1/messages/batches', listWorkspaceBatches],
  ['GET /v1/messages/batches/{id}', retrieveBatch],
  ['DELETE /v1/messages/batches/{id}', deleteBatch],
  ['POST /v1/messages/batches/{id}/cancel', cancelBatch],
  ['GET /v1/messages/batches/{id}/results', sendResults],
]);

/** Answers one request, whatever it is. Resolves when nothing more is to be done for it. */
export async function handleRequest(
  state: EmulatorState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let requestId = '';
  try {
    const url = new URL(`http://emulator${request.url}`);
    const faults = readFaults(state.db);
    requestId = setCommonHeaders(response, state, faults);
    if (url.pathname.startsWith('/_emulator/'))
      return await handleControl(state, url.pathname, request, response);
    const { workspaceId, organizationId } = readCaller(request, faults);
    if (organizationId !== null) response.setHeader('anthropic-organization-id', organizationId);
    if (faults.standing('no-workspace') === null) response.setHeader('anthropic-workspace-id', workspaceId);
    const { route, id, handler } = findRoute(request.method ?? 'GET', url.pathname);
    countCall(state.db, route);
    const apiVersion = readApiVersion(request);
    refuseEncodedBody(request);
    const betas = readBetas(request);
    await handler({ state, request, response, url, requestId, workspaceId, apiVersion, betas, faults, id });
  } catch (error) {
    answerError(response, requestId, error);
  }
}

function findRoute(method: string, path: string): { route: string; id: string; handler: Handler } {
  const parts = path.split('/');
  const position = parts[2] === 'models' ? 3 : 4; // of an id, where the path has one
  for (const id of ['', parts[position]]) {
    if (id === undefined) continue;
    const pattern = id === '' ? path : parts.with(position, '{id}').join('/');
    const handler = ROUTES.get(`${method} ${pattern}`);
    if (handler !== undefined) return { route: `${method} ${pattern}`, id: decode(id), handler };
  }
  throw new ApiError(404, 'not_found_error', 'Not found');
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The API takes encoded bodies; which encodings is not documented, so the emulator knows none. */
function refuseEncodedBody(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw new ApiError(400, 'invalid_request_error', `Content-Encoding ${encoding} is not supported`, {
    details: { error_code: 'request_body_encoding_unsupported' },
  });
}

function answerError(response: ServerResponse, requestId: string, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof ApiError) {
    sendError(response, requestId, error);
    return;
  }
  const message = `a bug of the emulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  sendError(response, requestId, new ApiError(500, 'api_error', message));
}
