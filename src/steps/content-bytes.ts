import { createHash } from 'node:crypto';

/** A piece that many requests fit in. What a larger one saves is not measurable. */
const PIECE_BYTES = 1 << 18;

/**
 * The content of a job: what makes it the same as another one, in the order of its requests. Each is encoded once, for the
 * hash and for its shard file.
 */
export interface ContentBytes {
  /** Returns the params as bytes, which hold until `flush`. */
  add(customId: string, paramsJson: string): Uint8Array;
  flush(): void;
  sha256(): string;
}

export function contentBytes(head: string): ContentBytes {
  const hash = createHash('sha256').update(head);
  let piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let used = 0;
  let hashed = 0;

  function hashPiece(): void {
    if (used > hashed) hash.update(piece.subarray(hashed, used));
    hashed = used;
  }

  function flush(): void {
    hashPiece();
    used = 0;
    hashed = 0;
  }

  return {
    add(customId, paramsJson) {
      const before = `\n${customId}\n`;
      // A UTF-16 unit takes three bytes at most.
      const most = (before.length + paramsJson.length) * 3;
      if (most > PIECE_BYTES) {
        hashPiece();
        const bytes = Buffer.from(paramsJson);
        hash.update(before).update(bytes);
        return bytes;
      }
      if (most > piece.length - used) {
        flush();
        // What was returned of the last one is still looked at.
        piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
      }
      used += piece.write(before, used);
      const start = used;
      used += piece.write(paramsJson, start);
      return piece.subarray(start, used);
    },
    flush,
    sha256() {
      flush();
      return hash.digest('hex');
    },
  };
}
