import { createHash } from 'node:crypto';
import type { KnownText } from '../core/record.ts';

/** A piece that many requests fit in. What a larger one saves is not measurable. */
const PIECE_BYTES = 1 << 18;

/**
 * The content of a job: what makes it the same as another one, in the order of its requests. Each is encoded once, for the
 * hash and for its shard file.
 */
export interface ContentBytes {
  /**
   * Returns the params as bytes, which hold until `flush`. `known`: a text that may stand in them; then its bytes are copied, which
   * with the search takes half as long as encoding it.
   */
  add(customId: string, paramsJson: string, known?: KnownText): Uint8Array;
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

  function put(text: string): void {
    used += piece.write(text, used);
  }

  function putParams(paramsJson: string, known: KnownText | undefined): void {
    const at = known === undefined ? -1 : paramsJson.indexOf(known.text);
    if (known === undefined || at === -1) {
      put(paramsJson);
      return;
    }
    put(paramsJson.slice(0, at));
    piece.set(known.bytes, used);
    used += known.bytes.length;
    put(paramsJson.slice(at + known.text.length));
  }

  return {
    add(customId, paramsJson, known) {
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
      put(before);
      const start = used;
      putParams(paramsJson, known);
      return piece.subarray(start, used);
    },
    flush,
    sha256() {
      flush();
      return hash.digest('hex');
    },
  };
}
