import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

/**
 * `fetch` over node:http(s) for the SDK's client: a fresh connection each time, no redirects followed (a redirect would
 * carry the key to another host), no hidden repeats. Node's own fetch drops a call after 300 s without headers and
 * holds whole bodies; source: undici's headersTimeout, openai/openai-node#2153.
 */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** No bytes for that long, in either direction, ends a call. */
const IDLE_MS = 120_000;

export const nodeFetch: Fetch = (input, init = {}) =>
  new Promise((resolve, reject) => {
    const url = urlOf(input);
    const body = bodyOf(init);
    const signal = init.signal ?? null;
    const request = requestFor(url)(url, {
      method: init.method ?? 'GET',
      agent: false,
      headers: {
        ...headersOf(init),
        ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
      },
      ...(signal === null ? {} : { signal }),
    });
    request.setTimeout(IDLE_MS, () =>
      request.destroy(new Error(`no bytes for ${IDLE_MS / 1000} s (timed out)`)),
    );
    request.once('error', reject);
    request.once('response', (message) => resolve(toResponse(message)));
    request.end(body ?? undefined);
  });

export function requestFor(url: URL): typeof https.request {
  return url.protocol === 'http:' ? http.request : https.request;
}

export function urlOf(input: string | URL | Request): URL {
  return new URL(typeof input === 'string' || input instanceof URL ? input : input.url);
}

export function headersOf(init: RequestInit): Record<string, string> {
  return Object.fromEntries(new Headers(init.headers).entries());
}

/** The SDK hands over JSON text or nothing; bodies that stream have a path of their own. */
function bodyOf(init: RequestInit): string | null {
  if (init.body === undefined || init.body === null) return null;
  if (typeof init.body === 'string') return init.body;
  throw new TypeError('only text bodies go through nodeFetch');
}

export function toResponse(message: http.IncomingMessage): Response {
  const status = message.statusCode ?? 0;
  const hasBody = status !== 204 && status !== 304;
  if (!hasBody) message.resume();
  const stream = hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array>) : null; // bytes: no encoding is set
  return new Response(stream, { status, headers: responseHeaders(message) });
}

export function responseHeaders(message: http.IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
}
