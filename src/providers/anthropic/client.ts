import Anthropic from '@anthropic-ai/sdk';
import { maskKey } from '../../core/escape.ts';
import { type Fetch, nodeFetch } from './node-fetch.ts';

export interface ClientOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly userAgent: string;
}

/**
 * The SDK's client, kept for its headers, paths and error classes.
 *
 * maxRetries 0: the SDK repeats a POST after a timeout, a 429 or a 5xx and sends no idempotency key, so a repeated
 * create leaves up to three paid batches. Reads are repeated by our own rule (core/backoff.ts).
 * Source: @anthropic-ai/sdk 1.11.0, src/client.ts (shouldRetry; the idempotency header is never set).
 * logLevel off: it logs through the console, and our stdout is data. Key and base URL are passed, so that nothing else
 * in the environment decides where the key goes.
 */
export function createClient(options: ClientOptions, fetch: Fetch = nodeFetch): Anthropic {
  return new Anthropic({
    apiKey: options.apiKey,
    baseURL: options.baseUrl,
    maxRetries: 0,
    logLevel: 'off',
    fetch: withOwnKey(fetch, options.apiKey),
    // Answers are read as they come: without the header a server may encode them as it likes (RFC 9110, 12.5.3).
    defaultHeaders: { 'user-agent': options.userAgent, 'accept-encoding': 'identity' },
  });
}

/**
 * The SDK lets ANTHROPIC_CUSTOM_HEADERS replace the credential. A batch would be another account's than the one that is
 * recorded, and a real key would reach the emulator, so the last word is ours.
 *
 * What is said of a refused call ends in messages and in the store, so a gateway that repeats the key in it is not believed
 * that far.
 */
export function withOwnKey(fetch: Fetch, apiKey: string): Fetch {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${apiKey}`);
    headers.delete('x-api-key');
    const response = await fetch(input, { ...init, headers });
    if (response.ok || response.body === null) return response;
    const { status, headers: answered } = response;
    return new Response(hideKey(await response.text(), apiKey), { status, headers: answered });
  };
}

/** The text without this key, whatever it looks like. */
export function hideKey(text: string, apiKey: string): string {
  // Shorter ones are no secrets (see maskKey), and might be words.
  return apiKey.length < 16 ? text : text.replaceAll(apiKey, maskKey(apiKey));
}

/**
 * The header that switches beta features on, for the calls that they change. A look at a batch or its results goes without:
 * a value that the API no longer takes must not keep anyone from what is paid.
 * Rows cannot carry headers; source: @anthropic-ai/sdk 1.11.0, src/resources/beta/messages/batches.ts.
 */
export function betaHeader(betas: readonly string[]): Readonly<Record<string, string>> {
  return betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') };
}
