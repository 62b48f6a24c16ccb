import { seeded } from './seeded.ts';

/** What terminals take for orders, and what moves or hides the text beside it. */
const ORDERS = [
  '\u001b[35m', // colours that we never use, so that ours can be told apart
  '\u001b[48;5;196m',
  '\u001b[3J',
  '\u001b[9;9H',
  '\u001b[7D',
  '\u001b[?1049h',
  '\u001b[6n',
  '\u001bc',
  '\u001b]0;title\u0007',
  '\u001b]8;;http://example.com\u001b\\link\u001b]8;;\u001b\\',
  '\u001b]52;c;aGk=\u0007',
  '\u001b]1337;File=inline=1:aGk=\u0007',
  '\u001bP+q544e\u001b\\',
  '\u001b_Ga=T;aGk=\u001b\\',
  '\u009b35m',
  '\u009d0;title\u009c',
  '\u0090q\u009c',
  '\u0085',
  '\u008d',
  '\u0007',
  '\u0008\u0008\u0008',
  '\u000b',
  '\u000c',
  '\u000e\u000f',
  '\u007f',
  '\t',
  '\rFORGED',
  '\nFORGED',
  '\r\nFORGED',
  '\u2028FORGED',
  '\u2029FORGED',
  '\u202edellac',
  '\u202a\u202b\u202c',
  '\u2066\u2067\u2068\u2069',
  '\u200e\u200f\u061c',
  '\u200b\u2060\ufeff\u00ad',
  '\u{e0041}\u{e007f}',
  '\ufff9\ufffa\ufffb',
] as const;

const WORDS = [
  'tea',
  'größer',
  '東京',
  '👩‍👩‍👧',
  'e\u0301',
  '=1+1',
  '$(touch x)',
  "'; DROP TABLE jobs; --",
  '{{ id }}',
  '%s%n',
];

/** `count` texts, each with an order or more in it, the same for a seed. */
export function hostileStrings(count: number, seed = 1): readonly string[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, index) => {
    const parts = Array.from({ length: random.between(1, 4) }, () =>
      random.next() < 0.5 ? random.pick(ORDERS) : random.pick(WORDS),
    );
    // Each order has its turn, whatever chance says.
    return [...parts, ORDERS[index % ORDERS.length], random.pick(WORDS)].join('');
  });
}

const ESCAPE = '\u001b';
// SGR of src/cli/terminal.ts; the screen's and the spinner's moves of the cursor.
const OURS = new RegExp(
  [
    `${ESCAPE}\\[(?:1|2|22|31|32|33|36|39)m`,
    `\\r?${ESCAPE}\\[\\d+A`,
    `${ESCAPE}\\[(?:J|K|[02]K|[01]G|\\?(?:25|2026)[hl])`,
  ].join('|'),
  'g',
);
const LEFT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** The end of a line, tabs, and the joiners that scripts and emoji need (src/core/escape.ts). */
const HARMLESS = new Set(['\n', '\t', '\u200c', '\u200d']);

/** Orders on a terminal that are not ours, each with what follows it. */
export function strangeOrders(printed: string): readonly string[] {
  const rest = printed.replace(OURS, '');
  return [...rest.matchAll(LEFT)]
    .filter(([found]) => !HARMLESS.has(found))
    .map(({ index }) => shown(rest.slice(index, index + 8)));
}

function shown(text: string): string {
  return JSON.stringify(text).replace(LEFT, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Whether text from outside has begun a line of its own. */
export function hasForgedLine(printed: string): boolean {
  return /^FORGED/m.test(printed);
}
