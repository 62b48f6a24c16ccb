import { isLegalCustomId } from './custom-id.ts';
import { parseWireId } from './wire-id.ts';

/** Joins the ids in results to the requests of one shard. */
export interface RequestIds {
  /** The number of the request that the id stands for; null when the shard did not send it. */
  seqOf(customId: string): number | null;
}

/** What we sent bears the shard's nonce and the request's own number, and nothing else of the id counts. */
export function idsByNonce(nonce: string): RequestIds {
  return {
    seqOf(customId) {
      const wire = parseWireId(customId);
      return wire?.nonce === nonce ? wire.seq : null;
    },
  };
}

/** Of a batch that was made elsewhere: ids are whatever its maker chose. */
export function idsByName(seqs: ReadonlyMap<string, number>): RequestIds {
  return { seqOf: (customId) => seqs.get(customId) ?? null };
}

/** While results come for which no row is there yet: each legal id that is new gets the next number, up to `most`. */
export function idsAsTheyCome(most: number): RequestIds {
  const seqs = new Map<string, number>();
  return {
    seqOf(customId) {
      const known = seqs.get(customId);
      if (known !== undefined) return known;
      if (seqs.size >= most || !isLegalCustomId(customId)) return null;
      seqs.set(customId, seqs.size + 1);
      return seqs.size;
    },
  };
}
