import type { Batch } from './batches.ts';
import { ApiError, type Call } from './reply.ts';
import type { ResultOutput } from './result-output.ts';

const TYPE = { 'content-type': 'application/x-jsonl' };

/**
 * Writes the head of an answer with results. The rest from some byte on is given to whoever names the text that he has the
 * beginning of, as RFC 9110 has it (If-Range with a strong ETag): the lines of a batch are the same each time.
 *
 * @returns how many bytes the client has.
 */
export async function beginResults(
  call: Call,
  batch: Batch,
  measure: () => Promise<number>,
): Promise<number> {
  const { request, response } = call;
  if (call.faults.standing('results-ranges') === null) {
    response.writeHead(200, TYPE);
    return 0;
  }
  const headers = { ...TYPE, etag: `"${batch.id}"`, 'accept-ranges': 'bytes' };
  const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (from === undefined || request.headers['if-range'] !== headers.etag) {
    response.writeHead(200, headers);
    return 0;
  }
  const total = await measure();
  if (Number(from) >= total)
    throw new ApiError(416, 'invalid_request_error', `The results have ${total} bytes.`);
  response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${total - 1}/${total}` });
  return Number(from);
}

/** The same output without its first bytes. */
export function withoutFirst(output: ResultOutput, bytes: number): ResultOutput {
  let left = bytes;
  return {
    flush: output.flush,
    add(text) {
      if (left === 0) return output.add(text);
      const all = Buffer.from(text);
      const rest = all.subarray(left);
      left -= all.length - rest.length;
      return rest.length === 0 ? null : output.add(rest);
    },
  };
}

/** Sends nothing, and tells how much it would have been. */
export function countingOutput(): ResultOutput & { readonly bytes: () => number } {
  let bytes = 0;
  return {
    bytes: () => bytes,
    flush: async () => true,
    add(text) {
      bytes += Buffer.byteLength(text);
      return null;
    },
  };
}
