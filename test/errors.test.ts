import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { codesNotWrittenOut, readErrorCodes } from '../scripts/error-codes.ts';

const TESTS = fileURLToPath(new URL('.', import.meta.url));
const CODES = readErrorCodes();

/** Codes of others: of Node, of the YAML parser, of the CSV parser, of the API. */
const NOT_OURS: readonly string[] = [
  'cli/system-error.ts: code: string',
  'files/yaml-document.ts: code: string',
  'providers/anthropic/error-mapping.ts: code: codeOf(error)',
  'sources/csv-rows.ts: code: string',
  'store/open.ts: code: string)',
];

test('docs/errors.md lists every code of the program, and no other', () => {
  const docs = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  expect([...docs.matchAll(/^- `([a-z0-9_]+)`$/gm)].map(([, code]) => code)).toEqual(CODES);
});

test('every code is written out where it is given, so that the list is whole', () => {
  expect(codesNotWrittenOut().toSorted()).toEqual(NOT_OURS);
});

test('every code is asserted in a test', () => {
  const texts = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => /\.(?:ts|jsonl)$/.test(path) && path !== 'errors.test.ts' && !path.includes('corpus/files'),
    )
    .map((path) => readFileSync(join(TESTS, path), 'utf8'))
    .join('\n');
  // Alone, as in JSON that is looked for in stderr, or after the exit code: `6 disk_full`.
  const quoted = new Set([...texts.matchAll(/['"`](?:\d )?([a-z0-9_]+)['"`]/g)].map(([, word]) => word));
  expect(CODES.filter((code) => !quoted.has(code))).toEqual([]);
});
