import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

/**
 * `fetch` over node:http(s) for the SDK's client: a fresh connection each time where not said otherwise, no redirects followed (a redirect would
 * carry the key to another host), no hidden repeats. Node's own fetch drops a call after 300 s without headers and
 * holds whole bodies; source: undici's headersTimeout, openai/openai-node#2153.
 */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** No bytes for that long, in either direction, ends a call. */
const IDLE_MS = 120_000;

export const nodeFetch: Fetch = fetchWithin(IDLE_MS);

/** The same, with another bound on silence. */
export function fetchWithin(idleMs: number): Fetch {
  return async (input, init) => toResponse(await request(input, init, { idleMs, agents: null }));
}

export interface WholeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Connections that are used again. A server may close one as it is taken: that is a broken call, to be repeated. */
export interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

export function createAgents(): Agents {
  return { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
}

/**
 * One of many calls whose answer comes at once and whole; `idleMs` bounds the silence before it. An answer that breaks
 * off is an error of the call.
 */
export async function fetchWhole(
  input: string | URL | Request,
  init: RequestInit | undefined,
  options: { readonly idleMs: number; readonly agents: Agents | null },
): Promise<WholeAnswer> {
  const message = await request(input, init, options);
  const chunks: Buffer[] = [];
  // Throws when the connection closes before the whole answer has come.
  for await (const chunk of message) chunks.push(chunk as Buffer); // bytes: no encoding is set
  return {
    status: message.statusCode ?? 0,
    headers: responseHeaders(message),
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/** A peer that is gone without a word is noticed within a minute, though no bytes are due. */
const KEEP_ALIVE_MS = 30_000;

function request(
  input: string | URL | Request,
  init: RequestInit = {},
  { idleMs, agents }: { readonly idleMs: number; readonly agents: Agents | null },
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = urlOf(input);
    const body = bodyOf(init);
    const signal = init.signal ?? null;
    const sent = requestFor(url)(url, {
      method: init.method ?? 'GET',
      agent: (url.protocol === 'http:' ? agents?.http : agents?.https) ?? false,
      headers: {
        ...headersOf(init),
        ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
      },
      ...(signal === null ? {} : { signal }),
    });
    sent.setSocketKeepAlive(true, KEEP_ALIVE_MS);
    sent.setTimeout(idleMs, () => sent.destroy(new Error(`no bytes for ${idleMs / 1000} s (timed out)`)));
    sent.on('error', reject);
    sent.once('response', resolve);
    sent.end(body ?? undefined);
  });
}

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
