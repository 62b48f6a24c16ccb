import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { inputFailure } from '../core/input-failure.ts';

/** Whether bytes begin as gzip does, whatever their file is called. Source: RFC 1952, 2.3.1. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

// Unpacked pieces are as large as those of a file.
const CHUNK_BYTES = 64 * 1024;

// Text packs 3 to 30 times smaller, the same line over and over up to 1,000 times: so much of it is no data but a trap.
const TRAP_BYTES = 4_194_304;
const TRAP_RATIO = 500;

/** Unpacks as it is read, all members of the file. Throws InputError `source_encoding` when the data are damaged, or a bomb. */
export async function* unzip(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // An object a chunk: at most two of them wait.
  const fed = pipeline(Readable.from(chunks, { highWaterMark: 2 }), gunzip);
  // The reading below throws the same error.
  fed.catch(() => undefined);
  try {
    // A zlib stream gives buffers.
    let bytes = 0;
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > TRAP_BYTES && bytes > TRAP_RATIO * gunzip.bytesWritten) throw bomb(file);
      yield chunk;
    }
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw inputFailure({
      code: 'source_encoding',
      file,
      problem: `its gzip data are damaged or cut off (${cause.code})`,
      next: 'make the file again; gzip -t tests it',
      cause,
    });
  }
}

function bomb(file: string): Error {
  return inputFailure({
    code: 'source_encoding',
    file,
    problem: `it unpacks to more than ${TRAP_RATIO} times its size, as text never does`,
    next: 'look at what is in it: gunzip -c FILE | head -c 1000. If that is right, unpack it and name the plain file',
  });
}

function isZlibError(error: unknown): error is Error & { readonly code: string } {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && code.startsWith('Z_');
}
