import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CANARY_KEY, findIn, holdsCanary } from '../support/canary.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const FORMS: readonly (readonly [string, Buffer])[] = [
  ['plain text', Buffer.from(CANARY_KEY)],
  ['JSON in JSON', Buffer.from(JSON.stringify(JSON.stringify({ key: CANARY_KEY })))],
  ['a URL', Buffer.from(encodeURIComponent(`Bearer ${CANARY_KEY}`))],
  ['hex', Buffer.from(Buffer.from(CANARY_KEY).toString('hex'))],
  ['UTF-16, little end first', Buffer.from(CANARY_KEY, 'utf16le')],
  ['UTF-16, big end first', Buffer.from(CANARY_KEY, 'utf16le').swap16()],
  ...['', 'x', 'xy', 'Bearer '].flatMap((before) =>
    (['base64', 'base64url'] as const).map(
      (form) =>
        [
          `${form} behind "${before}"`,
          Buffer.from(Buffer.from(`${before}${CANARY_KEY}:`).toString(form)),
        ] as const,
    ),
  ),
];

test.each(FORMS)('the canary is known in %s', (_form, bytes) => {
  expect(holdsCanary(Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(3)]))).toBe(true);
});

test('other bytes are not taken for it', () => {
  expect(holdsCanary(Buffer.from('sk-ant-api03-anything, gw_…tail'))).toBe(false);
});

test('a folder is searched to its last byte: over the ends of chunks, in names, in what is closed', () => {
  const folder = makeTempDir({
    'clean.txt': 'x'.repeat(5_000_000),
    'a/b/c.db': `${'x'.repeat(9)}${CANARY_KEY}`,
  });
  const planted = ['a/b/c.db'];
  for (const before of [4_194_304 - 60, 4_194_304 - 20, 4_194_304, 9_000_000]) {
    writeFile(join(folder, `cut/${before}`), `${'x'.repeat(before)}${CANARY_KEY}\n`);
    planted.push(`cut/${before}`);
  }
  writeFile(join(folder, 'closed/file'), CANARY_KEY);
  chmodSync(join(folder, 'closed/file'), 0o000);
  chmodSync(join(folder, 'closed'), 0o000);
  writeFile(join(folder, `named ${CANARY_KEY}`), '');
  planted.push('closed/file', `named ${CANARY_KEY}`);
  const found = findIn(folder);
  // What is left is searched once more when the test is over.
  rmSync(folder, { recursive: true });
  expect([...found].sort()).toEqual(planted.map((path) => join(folder, path)).sort());
});
