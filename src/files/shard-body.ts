import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { StoreError } from '../core/errors.ts';
import { BODY_HEAD, BODY_TAIL, type Shard } from '../core/shard.ts';
import { diskError } from './job-disk-error.ts';

const LF = 0x0a;
const COMMA = 0x2c;
// Two of these take turns: while one leaves through the socket the next part of the file is read into the other.
const BUFFER_BYTES = 512 * 1024;

/**
 * The create body of a shard file without its last two bytes. `]}` is the caller's to send, once it has committed that
 * it will. A chunk is overwritten when the one after the next is asked for.
 *
 * Size and hash are those of the build, or this throws before its last chunk is out: a changed file never becomes a
 * whole body.
 */
export async function* readBody(
  path: string,
  shown: string,
  shard: Pick<Shard, 'bodyBytes' | 'fileSha256'>,
): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw diskError(error, 'read', shown);
  });
  let pending: Promise<number> | null = null;
  try {
    const expectedBytes = shard.bodyBytes - BODY_HEAD.length - BODY_TAIL.length + 1;
    const { size } = await file.stat();
    if (size !== expectedBytes) throw changed(shown, `it has ${size} bytes, ${expectedBytes} were built`);
    yield Buffer.from(BODY_HEAD);

    const hash = createHash('sha256');
    let [current, next] = [Buffer.allocUnsafe(BUFFER_BYTES), Buffer.allocUnsafe(BUFFER_BYTES)];
    const read = async (into: Buffer): Promise<number> =>
      (await file.read(into, 0, BUFFER_BYTES, null)).bytesRead;
    let left = size;
    let length = await read(current);
    for (;;) {
      left -= length;
      pending = left > 0 ? read(next) : null;
      // Observed here so that a failure while the caller is busy is not taken for an unhandled one.
      pending?.catch(() => undefined);
      const bytes = current.subarray(0, length);
      hash.update(bytes);
      if (left <= 0 || length === 0) {
        if (left !== 0 || hash.digest('hex') !== shard.fileSha256)
          throw changed(shown, 'its SHA-256 differs');
        if (bytes[length - 1] !== LF) throw changed(shown, 'its last line is not ended');
        joinLines(bytes);
        yield bytes.subarray(0, length - 1);
        return;
      }
      joinLines(bytes);
      yield bytes;
      length = (await pending) ?? 0;
      pending = null;
      [current, next] = [next, current];
    }
  } catch (error) {
    throw diskError(error, 'read', shown);
  } finally {
    await pending?.catch(() => undefined);
    await file.close();
  }
}

/** Newlines become commas in place. JSON text has no raw newline inside its strings, so none of them is data. */
function joinLines(bytes: Buffer): void {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) bytes[at] = COMMA;
}

function changed(shown: string, how: string): StoreError {
  return new StoreError(`${shown} is not the file that was built`, {
    code: 'shard_changed',
    why: how,
    next: 'put the file back as it was, or build the job again (batchctl build) and submit that',
  });
}
