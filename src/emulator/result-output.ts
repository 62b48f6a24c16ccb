import type { Writable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

const BUFFER_BYTES = 128 * 1024;
const SLICES_PER_SECOND = 10;

/** Sends text as fast as the client reads it, through one buffer. */
export interface ResultOutput {
  /** Adds text. When the buffer is full the promise is to be awaited; false means that the client has gone. */
  add(text: string | Buffer): Promise<boolean> | null;
  /** Sends what is left in the buffer. */
  flush(): Promise<boolean>;
}

/** Opens the output of one answer, at full speed or no faster than so many bytes a second. */
export function openResultOutput(response: Writable, bytesPerSecond: number | null): ResultOutput {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;

  async function send(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    if (bytesPerSecond === null) {
      // Let other calls have their turn: a write that the kernel takes at once never leaves this one.
      await nextTurn();
      return write(response, bytes);
    }
    const step = Math.max(1, Math.floor(bytesPerSecond / SLICES_PER_SECOND));
    for (let at = 0; at < bytes.length; at += step) {
      if (!(await write(response, bytes.subarray(at, at + step)))) return false;
      await sleep(1000 / SLICES_PER_SECOND, undefined, { ref: false });
    }
    return true;
  }

  async function flush(): Promise<boolean> {
    const bytes = buffer.subarray(0, used);
    used = 0;
    return send(bytes);
  }

  async function addLarge(text: string | Buffer): Promise<boolean> {
    return (await flush()) && send(typeof text === 'string' ? Buffer.from(text) : text);
  }

  return {
    flush,
    add(text) {
      if (typeof text !== 'string') return addLarge(text);
      const most = text.length * 3; // UTF-8 needs no more per UTF-16 unit
      if (most > BUFFER_BYTES) return addLarge(text);
      used += buffer.write(text, used);
      return BUFFER_BYTES - used < most ? flush() : null;
    },
  };
}

/** Resolves once the kernel has the bytes, so that their memory may be used again; false when the client has gone. */
function write(response: Writable, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) {
      resolve(false);
      return;
    }
    const onClose = () => resolve(false);
    response.once('close', onClose);
    response.write(bytes, (error) => {
      response.off('close', onClose);
      resolve(error == null);
    });
  });
}
