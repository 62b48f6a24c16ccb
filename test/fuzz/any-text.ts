import type { Seeded } from '../support/seeded.ts';

/** How often each property is tried; `npm run fuzz` says a million. */
export const ITERATIONS = Number(process.env['FUZZ_ITERATIONS'] ?? 2_000);
/** Iteration n has this plus n as its seed, so that a failure is made again with FUZZ_SEED=… FUZZ_ITERATIONS=1. */
export const FIRST_SEED = Number(process.env['FUZZ_SEED'] ?? 1);

/** What breaks readers of text: quotes, line ends of all kinds, templates, halves of characters, names of the system. */
const PIECES = [
  ...'aZ09 ,;"\'\\/{}[]:<>|*?.-_%$&#=+@~^`()\0\t\r\n\u001b\u007f\u0085\u00a0\u00e9\u2028\u2029\u202e\u200d\ufeff\ufffd',
  '\ud83d\ude00',
  'e\u0301',
  '\ud83d',
  '\ude00',
  '{{',
  '}}',
  '{%',
  '%}',
  '{{ v }}',
  '<%',
  '$&',
  '\\u0000',
  '..',
  '../',
  '""',
  '\r\n',
  '__proto__',
  'CON',
  '.git',
  'null',
  '12345678901234567890',
  '1e400',
  '--abcdefgh-1',
];

export function anyText(chance: Seeded, maxPieces = 12): string {
  let text = '';
  for (let left = chance.between(0, maxPieces); left > 0; left -= 1) text += chance.pick(PIECES);
  return text;
}

/** Bytes in pieces, cut anywhere. */
export function cutAnywhere(bytes: Buffer, chance: Seeded): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + chance.between(1, Math.max(1, Math.min(bytes.length - start, 9)));
    chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}

/** The same text with some characters left out, doubled, or put in. */
export function mangled(text: string, chance: Seeded): string {
  let mangled = text;
  for (let left = chance.between(1, 3); left > 0; left -= 1) {
    const at = chance.between(0, mangled.length);
    const gone = chance.between(0, 2);
    mangled =
      mangled.slice(0, at) + (chance.next() < 0.5 ? anyText(chance, 2) : '') + mangled.slice(at + gone);
  }
  return mangled;
}
