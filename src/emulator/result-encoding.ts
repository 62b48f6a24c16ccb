import { createGzip, type Gzip } from 'node:zlib';
import type { Call } from './reply.ts';

const HEADERS = { 'content-type': 'application/x-jsonl', 'content-encoding': 'gzip' };
const BOMB_PIECE = Buffer.alloc(1 << 20, ' ');
const BOMB_PIECES = 1_000;

/** What a proxy makes of an answer that likes to save bytes. */
export function encodeAnswer({ response }: Call): Gzip {
  response.writeHead(200, HEADERS);
  const gzip = createGzip();
  gzip.pipe(response);
  return gzip;
}

/** Blanks without an end, for a client that decodes whatever comes. Ends early when the client goes. */
export async function sendBomb(call: Call): Promise<void> {
  const gzip = encodeAnswer(call);
  for (let piece = 0; piece < BOMB_PIECES && !call.response.destroyed; piece += 1) {
    await new Promise((resolve) => {
      call.response.once('close', resolve);
      gzip.write(BOMB_PIECE, resolve);
    });
  }
  gzip.end();
}
