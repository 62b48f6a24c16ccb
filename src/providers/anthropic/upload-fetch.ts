import type { ClientRequest, IncomingMessage } from 'node:http';
import type { BatchUpload } from '../../core/ports/provider.ts';
import { BODY_TAIL } from '../../core/shard.ts';
import { type Fetch, headersOf, requestFor, responseHeaders, urlOf } from './node-fetch.ts';

/** What is certain about an upload, whatever else went wrong. */
export interface UploadTrace {
  bytesSent: number;
  /** False proves that the API cannot have the request: the message is short and its JSON unclosed. */
  tailSent: boolean;
}

export interface UploadTimes {
  readonly connectMs: number;
  /** Between two writes that get through. */
  readonly stallMs: number;
  /** From the tail to the end of the answer. */
  readonly answerMs: number;
  /** How long an interrupted run still waits for the answer to a tail that has left. */
  readonly lastWordMs: number;
}

export const UPLOAD_TIMES: UploadTimes = {
  connectMs: 30_000,
  stallMs: 120_000,
  answerMs: 900_000,
  lastWordMs: 30_000,
};

const MAX_ANSWER_BYTES = 1_000_000;

/**
 * A `fetch` that sends one create and keeps its last two bytes back until `beforeTail` is done.
 *
 * Before the seal: the last write has called back, nothing is queued in the socket, nothing was answered and the
 * connection stands. What the server answers early is read and returned like any answer. Used for one call only.
 * A body that is cut short is no request: RFC 9112, section 6.3.
 */
export function uploadFetch(
  upload: BatchUpload,
  trace: UploadTrace,
  signal: AbortSignal,
  times = UPLOAD_TIMES,
): Fetch {
  return (input, init = {}) => {
    const url = urlOf(input);
    const request = requestFor(url)(url, {
      method: 'POST',
      agent: false,
      headers: { ...headersOf(init), 'content-type': 'application/json', 'content-length': upload.bodyBytes },
    });
    return new Promise<Response>((resolve, reject) => {
      const timer = startTimer(request, times.connectMs, 'no connection');
      let answered = false;
      const fail = (error: unknown): void => {
        timer.stop();
        signal.removeEventListener('abort', onAbort);
        request.destroy();
        reject(error);
      };
      const onAbort = (): void => {
        if (trace.tailSent) timer.restart(times.lastWordMs, 'no answer before the run was stopped');
        else fail(signal.reason);
      };
      signal.addEventListener('abort', onAbort);
      // An answer that arrived together with a reset is read first; the error then says nothing new.
      request.on('error', (error) => setImmediate(() => (answered ? undefined : fail(error))));
      request.once('response', (message) => {
        answered = true;
        timer.restart(times.answerMs, 'the answer stopped half-way');
        readAnswer(message).then((response) => {
          timer.stop();
          signal.removeEventListener('abort', onAbort);
          request.destroy();
          resolve(response);
        }, fail);
      });
      const isOpen = (): boolean => !answered && !request.destroyed;
      if (signal.aborted) return onAbort();
      sendBody(request, upload, trace, isOpen, timer, times).catch(fail);
    });
  };
}

async function sendBody(
  request: ClientRequest,
  upload: BatchUpload,
  trace: UploadTrace,
  isOpen: () => boolean,
  timer: Timer,
  times: UploadTimes,
): Promise<void> {
  for await (const chunk of upload.head()) {
    await write(request, chunk);
    if (!isOpen()) return;
    trace.bytesSent += chunk.length;
    timer.restart(times.stallMs, 'the upload stalled');
    upload.onProgress(trace.bytesSent);
  }
  const mayStillSend = await upload.beforeTail();
  if (!isOpen()) return;
  if (request.writableLength !== 0 || request.socket?.writable !== true)
    throw new Error('the connection is no longer writable');
  if (!mayStillSend()) throw new Error('too long since the seal');
  timer.restart(times.answerMs, 'no answer (timed out)');
  trace.tailSent = true;
  trace.bytesSent += BODY_TAIL.length;
  request.end(BODY_TAIL);
}

/** Resolves when the chunk has left the process, and also when the connection is gone: the caller looks. */
function write(request: ClientRequest, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('response', done);
      request.off('close', done);
      // A turn of the loop, so that an answer that came meanwhile is seen before more is sent.
      setImmediate(resolve);
    };
    request.once('response', done);
    request.once('close', done);
    if (request.destroyed) done();
    else request.write(chunk, done);
  });
}

async function readAnswer(message: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    chunks.push(chunk as Buffer); // an IncomingMessage without an encoding yields buffers
    size += (chunk as Buffer).length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
  }
  const status = message.statusCode ?? 0;
  const body = status === 204 || status === 304 ? null : Buffer.concat(chunks);
  return new Response(body, { status, headers: responseHeaders(message) });
}

interface Timer {
  restart(ms: number, why: string): void;
  stop(): void;
}

function startTimer(request: ClientRequest, ms: number, why: string): Timer {
  const arm = (after: number, reason: string): NodeJS.Timeout =>
    setTimeout(() => request.destroy(new Error(`${reason} within ${after / 1000} s`)), after);
  let timeout = arm(ms, why);
  return {
    restart(after, reason) {
      clearTimeout(timeout);
      timeout = arm(after, reason);
    },
    stop: () => clearTimeout(timeout),
  };
}
