import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { APIError } from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import { codesNotWrittenOut, readErrorCodes } from '../scripts/error-codes.ts';
import {
  AuthError,
  DecisionError,
  InputError,
  InterruptedError,
  ProviderError,
  StoreError,
  UsageError,
} from '../src/core/errors.ts';
import { toBatchCallError, toCallError } from '../src/providers/anthropic/error-mapping.ts';

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

test('no error of the program can be made without saying what to do next: the compiler refuses it', () => {
  const code = 'a_code';
  // Each line is an error of the compiler's, or else the compiler says that it expected one.
  // @ts-expect-error no next step
  new UsageError('m', { code });
  // @ts-expect-error no next step
  new InputError('m', { code, problems: [], count: 0 });
  // @ts-expect-error no next step
  new AuthError('m', { code });
  // @ts-expect-error no next step
  new ProviderError('m', { code, status: 500 });
  // @ts-expect-error no next step
  new StoreError('m', { code });
  // @ts-expect-error no next step
  new DecisionError('m', { code });
  // @ts-expect-error no next step
  new InterruptedError('m', { code, signal: null });
  expect(emptyNexts()).toEqual([]);
});

test('whatever the API answers, the error says what to do next', () => {
  for (const status of [400, 401, 402, 403, 404, 408, 409, 413, 418, 429, 500, 502, 503, 504, 529]) {
    for (const type of ['overloaded_error', null]) {
      const body = type === null ? undefined : { type: 'error', error: { type, message: 'no' } };
      const error = APIError.generate(status, body, 'no', new Headers());
      for (const explain of [toCallError, toBatchCallError])
        expect([status, explain(error, 'the list of batches').next]).toEqual([
          status,
          expect.stringMatching(/\w{3}/),
        ]);
    }
  }
});

/** Where a next step is written down that says nothing. */
function emptyNexts(): readonly string[] {
  const src = fileURLToPath(new URL('../src', import.meta.url));
  return readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && /\bnext: (?:''|""|``)/.test(readFileSync(join(src, path), 'utf8')),
  );
}
