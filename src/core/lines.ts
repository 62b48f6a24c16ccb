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

/**
 * Cuts chunks of bytes at LF and nowhere else, so that U+2028, CR or half a character never split a line. Work is
 * linear in the bytes however long a line is, and at most `maxLineBytes` are held.
 */
export function createLineSplitter(maxLineBytes: number): LineSplitter {
  let number = 1;
  let lineOffset = 0;
  let heldBytes = 0;
  let held: Buffer[] = [];

  const hold = (piece: Buffer): void => {
    heldBytes += piece.length;
    if (heldBytes > maxLineBytes) held = [];
    else if (piece.length > 0) held.push(Buffer.from(piece));
  };

  const finish = (): ByteLine => {
    const bytes = heldBytes > maxLineBytes ? null : Buffer.concat(held);
    const line = { number, offset: lineOffset, sizeBytes: heldBytes, bytes };
    advance(heldBytes);
    held = [];
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
