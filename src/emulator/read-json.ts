import type { IncomingMessage } from 'node:http';
import { ApiError } from './reply.ts';
import { BodySyntaxError, parseJson } from './scan-requests.ts';

// platform.claude.com/docs/en/api/errors: the limit of Messages and of token counting.
const MAX_BODY_BYTES = 32_000_000;

/** Reads the whole body of a small call as JSON. Throws a 400 or a 413. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES)
    throw new ApiError(413, 'request_too_large', 'Request exceeds the maximum size');
  try {
    return parseJson(Buffer.concat(chunks), 0);
  } catch (error) {
    if (error instanceof BodySyntaxError) throw new ApiError(400, 'invalid_request_error', error.message);
    throw error;
  }
}
