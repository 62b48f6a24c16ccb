/** One line of a file as bytes, without its LF (a CR before it is still there). */
export interface ByteLine {
  /** From 1. */
  readonly number: number;
  /** Of its first byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Null when the line is longer than the limit: then it was counted but not held. May share memory with the chunk. */
  readonly bytes: Buffer | null;
}

export interface LineSplitter {
  /** The lines that the chunk completes. A line inside one chunk is a view of it, not a copy. */
  push(chunk: Buffer): ByteLine[];
  /** The last line, if the file does not end in LF. */
  end(): ByteLine[];
  /** How long the line is so far that no chunk has completed yet. */
  unfinishedBytes(): number;
}

const LF = 0x0a;
// A view costs ten times what an empty line does otherwise, and a damaged file may be made of them.
const EMPTY = Buffer.alloc(0);
const LEAST_BYTES = 4096;

/** A buffer beyond this is not kept for later lines. */
const MOST_KEPT_BYTES = 4 << 20;

/**
 * Cuts chunks of bytes at LF and nowhere else, so that U+2028, CR or half a character never split a line. Work is
 * linear in the bytes however long a line is, and at most `maxLineBytes` are held.
 *
 * `reuse`: the lines of one push are good until the next one. A line of several chunks then needs no memory of its own, which
 * would be collected late: V8 lets some 64 MB of buffers come together.
 */
export function createLineSplitter(maxLineBytes: number, { reuse = false } = {}): LineSplitter {
  let number = 1;
  let lineOffset = 0;
  let heldBytes = 0;
  let held: Buffer = EMPTY;
  // The one that the line before was given out in.
  let spare: Buffer = EMPTY;

  const hold = (piece: Buffer): void => {
    const before = heldBytes;
    heldBytes += piece.length;
    if (heldBytes > maxLineBytes) {
      held = EMPTY;
      return;
    }
    if (heldBytes > held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(maxLineBytes, Math.max(2 * heldBytes, LEAST_BYTES)));
      held.copy(larger, 0, 0, before);
      held = larger;
    }
    piece.copy(held, before);
  };

  const finish = (): ByteLine => {
    const bytes = heldBytes > maxLineBytes ? null : held.subarray(0, heldBytes);
    const line = { number, offset: lineOffset, sizeBytes: heldBytes, bytes };
    advance(heldBytes);
    [held, spare] = [reuse ? spare : EMPTY, held.length > MOST_KEPT_BYTES ? EMPTY : held];
    heldBytes = 0;
    return line;
  };

  const advance = (sizeBytes: number): void => {
    number += 1;
    lineOffset += sizeBytes + 1;
  };

  return {
    push(chunk) {
      const lines: ByteLine[] = [];
      let start = 0;
      for (let cut = chunk.indexOf(LF); cut !== -1; cut = chunk.indexOf(LF, start)) {
        if (heldBytes > 0) {
          hold(chunk.subarray(start, cut));
          lines.push(finish());
        } else {
          const sizeBytes = cut - start;
          const bytes =
            sizeBytes === 0 ? EMPTY : sizeBytes > maxLineBytes ? null : chunk.subarray(start, cut);
          lines.push({ number, offset: lineOffset, sizeBytes, bytes });
          advance(sizeBytes);
        }
        start = cut + 1;
      }
      hold(chunk.subarray(start));
      return lines;
    },
    end() {
      return heldBytes > 0 ? [finish()] : [];
    },
    unfinishedBytes: () => heldBytes,
  };
}
