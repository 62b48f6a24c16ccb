/**
 * The custom_id on the wire: the user's id, cut to fit, then `--<nonce>-<number>`.
 *
 * A batch has no name, tag or metadata, and create has no idempotency key, so the nonce in the ids of its results is
 * the only proof of whose a batch is. The number is the record's position in the job; results are joined by nonce
 * and number alone, so a cut or odd id never decides anything.
 */
const MAX_ID_LENGTH = 64; // the API's own limit, see the Message Batches reference on custom_id

/** 8 characters of base 32: 40 bits, so that a colleague's nonce never meets ours. */
const NONCE_LENGTH = 8;
const BASE_32 = 'abcdefghijklmnopqrstuvwxyz234567';
const WIRE_ID = /--([a-z2-7]{8})-([1-9]\d*)$/;

/** `bytes` are at least 8 random bytes; 5 bits of each are used. */
export function makeNonce(bytes: Uint8Array): string {
  let nonce = '';
  for (const byte of bytes.subarray(0, NONCE_LENGTH)) nonce += BASE_32[byte % 32];
  if (nonce.length !== NONCE_LENGTH) throw new RangeError(`a nonce needs ${NONCE_LENGTH} random bytes`);
  return nonce;
}

export function wireId(customId: string, nonce: string, seq: number): string {
  const suffix = `--${nonce}-${seq}`;
  return customId.slice(0, MAX_ID_LENGTH - suffix.length) + suffix;
}

/** Null when the id is not one of ours. */
export function parseWireId(id: string): { readonly nonce: string; readonly seq: number } | null {
  const match = WIRE_ID.exec(id);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return { nonce: match[1], seq: Number(match[2]) };
}
