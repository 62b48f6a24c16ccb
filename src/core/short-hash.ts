import { hash } from 'node:crypto';

/** 52 bits of SHA-256, so that they are an exact number in JavaScript. Two of 1,000,000 meet with a chance of 1 in 9,000. */
export function shortHash(text: string): number {
  const hexDigits = 52 / 4;
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, hexDigits), 16);
}
