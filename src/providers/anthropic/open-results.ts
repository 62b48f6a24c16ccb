import type Anthropic from '@anthropic-ai/sdk';
import type { ResultsRest, ResultsStream } from '../../core/ports/provider.ts';

/**
 * The results by our own address: `results_url` is dialled with the key, and a proxy that leaves another host in it would
 * hand the key over. Raw, because the SDK's decoder is quadratic in the length of a line and dies on a blank one.
 * Source: @anthropic-ai/sdk 1.11.0, src/internal/decoders/jsonl.ts.
 *
 * The API documents no ranges. A server that names its text by a strong ETag may be asked for the rest of it all the same:
 * one that knows none answers with the whole (RFC 9110, sections 13.1.5 and 14.2).
 */
export async function openResults(
  client: Anthropic,
  {
    id,
    headers,
    rest,
  }: {
    readonly id: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly rest: ResultsRest | undefined;
  },
  signal: AbortSignal,
): Promise<ResultsStream> {
  const range = rest === undefined ? {} : { range: `bytes=${rest.startsAt}-`, 'if-range': rest.etag };
  const response = await client
    .get(`/v1/messages/batches/${encodeURIComponent(id)}/results`, {
      headers: { ...headers, ...range, accept: 'application/binary' },
      signal,
    })
    .asResponse();
  const { body } = response;
  if (body === null) throw new Error('the answer has no body');
  const refuse = async (why: string): Promise<never> => {
    await body.cancel();
    // The answer is not the API's, so the next one may be.
    throw new Error(why);
  };
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  // Never decoded: a few kilobytes may become as many gigabytes.
  if (encoding !== 'identity')
    return refuse(`something in between sent the results ${encoding}-encoded, which was not asked for`);
  const etag = strongEtag(response.headers);
  if (response.status !== 206) return { bytes: body, startsAt: 0, etag };
  if (rest === undefined || etag !== rest.etag || startOf(response.headers) !== rest.startsAt)
    return refuse('something in between sent another part of the results than was asked for');
  return { bytes: body, startsAt: rest.startsAt, etag };
}

/** A weak one names what means the same, not what is the same byte for byte (RFC 9110, section 8.8.1). */
function strongEtag(headers: Headers): string | null {
  const etag = headers.get('etag');
  return etag?.startsWith('"') ? etag : null;
}

/**
 * `Content-Range: bytes 1000-1999/2000` begins at 1000; NaN for anything else: several parts in one answer, or one that does
 * not reach the end, which a server may send and whose end would be taken for that of the results.
 */
function startOf(headers: Headers): number {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (range === null) return Number.NaN;
  const [, start, last, total] = range;
  return total === '*' || Number(last) + 1 === Number(total) ? Number(start) : Number.NaN;
}
