import { createHash } from 'node:crypto';

// Source: platform.claude.com/docs/en/api/messages/batches/create (custom_id)
const LEGAL = /^[a-zA-Z0-9_-]{1,64}$/;

// 60 bits: among 1,000,000 keys with one slug the chance of any two being alike is below one in a million.
const HASH_CHARACTERS = 12;
const MAX_SLUG = 64 - HASH_CHARACTERS - 1;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export function isLegalCustomId(text: string): boolean {
  return LEGAL.test(text);
}

/** An id that the API takes, and the user's own key where that had to be changed. */
export interface LegalCustomId {
  readonly customId: string;
  readonly originalId: string | null;
}

/**
 * Makes a key legal as a custom_id (1-64 of A-Z a-z 0-9 _ -). A legal key stays as it is; another becomes its
 * readable part and a hash of the whole key. The same key always gives the same id. An empty key is the caller's
 * problem.
 */
export function legalCustomId(key: string): LegalCustomId {
  if (LEGAL.test(key)) return { customId: key, originalId: null };
  const slug = key
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .replace(/[^a-zA-Z0-9_-]+/g, '-')
    .slice(0, MAX_SLUG)
    .replace(/^-+|-+$/g, '');
  return { customId: `${slug === '' ? 'id' : slug}-${shortHash(key)}`, originalId: key };
}

function shortHash(key: string): string {
  const digest = createHash('sha256').update(key, 'utf8').digest();
  let hash = '';
  // 256 is a multiple of 32, so no letter is more likely than another.
  for (let index = 0; index < HASH_CHARACTERS; index += 1) hash += ALPHABET[(digest[index] ?? 0) % 32] ?? '';
  return hash;
}
