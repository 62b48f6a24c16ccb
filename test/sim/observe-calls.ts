import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * What is seen of the calls. `start`: batchctl asks which emulator it is. `create`: its head is here, and mostly its body but for the tail. `fence`: a listing
 * while a create is under way, so the seal comes next. `answer`: a create was answered, so its id is about to be committed.
 */
export type SeenCall = 'start' | 'create' | 'fence' | 'answer' | 'results' | 'other';

/** The shape that Node documents for these channels. */
interface Message {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

const BEGUN = 'http.server.request.start';
const ANSWERED = 'http.server.response.finish';

/** Tells of each call to the API at this port, before it is answered, and of the answers to creates. Returns how to stop. */
export function observeCalls(port: number, onCall: (call: SeenCall) => void): () => void {
  let creates = 0;
  const stopBegun = observeRequests(port, (request, response) => {
    if (isCreate(request)) {
      creates += 1;
      response.once('close', () => {
        creates -= 1;
      });
      onCall('create');
    } else if (request.url === '/_emulator/account') onCall('start');
    else if (request.url?.endsWith('/results')) onCall('results');
    else onCall(creates > 0 && request.method === 'GET' ? 'fence' : 'other');
  });
  const stopAnswered = on(ANSWERED, port, ({ request }) => {
    if (isCreate(request)) onCall('answer');
  });
  return () => {
    stopBegun();
    stopAnswered();
  };
}

/** Calls back for each call to the API at this port, before the server itself hears of it. Returns how to stop. */
export function observeRequests(
  port: number,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): () => void {
  return on(BEGUN, port, ({ request, response }) => onRequest(request, response));
}

function on(channel: string, port: number, onMessage: (message: Message) => void): () => void {
  const listener = (message: unknown): void => {
    const call = message as Message; // holds: see there
    // The socket of an answered call may be closed already; the one that was asked knows the port that it asked for.
    const isHere = call.request.headers.host?.endsWith(`:${port}`) === true;
    if (isHere) onMessage(call);
  };
  subscribe(channel, listener);
  return () => {
    unsubscribe(channel, listener);
  };
}

function isCreate({ method, url }: IncomingMessage): boolean {
  return method === 'POST' && url === '/v1/messages/batches';
}
