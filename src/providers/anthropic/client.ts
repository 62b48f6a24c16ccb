import Anthropic from '@anthropic-ai/sdk';
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
    fetch,
    defaultHeaders: { 'user-agent': options.userAgent },
  });
}
