import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readErrorCodes } from '../scripts/error-codes.ts';

const TESTS = fileURLToPath(new URL('.', import.meta.url));
const CODES = readErrorCodes();

/** Codes that no test looks for by name yet. A code that gets a test leaves this list; none may be added. */
const NOT_ASSERTED: readonly string[] = [
  'batch_not_found',
  'bug',
  'database_failed',
  'disk_denied',
  'disk_failed',
  'disk_io',
  'disk_refused',
  'emulator_unreachable',
  'job_canceling',
  'not_a_job',
  'not_an_export',
  'nothing_in_doubt',
  'port_taken',
  'results_damaged',
  'reused_answers_gone',
  'shard_gone',
  'source_given',
  'source_read_failed',
  'stage_not_found',
  'store_io',
  'strange_answer',
  'submission_gone',
  'template_row',
  'template_unreadable',
  'text_too_large',
  'too_many_files',
  'use_batch_missing',
  'wrong_environment',
  'wrong_fault',
];

test('docs/errors.md lists every code of the program, and no other', () => {
  const docs = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  expect([...docs.matchAll(/^- `([a-z0-9_]+)`$/gm)].map(([, code]) => code)).toEqual(CODES);
});

test('every code is asserted in a test', () => {
  const texts = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => /\.(?:ts|jsonl)$/.test(path) && path !== 'errors.test.ts' && !path.includes('corpus/files'),
    )
    .map((path) => readFileSync(join(TESTS, path), 'utf8'))
    .join('\n');
  const quoted = new Set([...texts.matchAll(/['"`]([a-z0-9_]+)['"`]/g)].map(([, word]) => word));
  expect(CODES.filter((code) => !quoted.has(code) && !NOT_ASSERTED.includes(code))).toEqual([]);
});
