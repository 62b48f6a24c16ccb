import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CLI_DOCS, readHelps, renderCliDocs } from '../scripts/write-cli-docs.ts';
import { FAULTS } from '../src/emulator/faults.ts';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

test('docs/cli.md is what --help prints (npm run docs)', async () => {
  expect(readFileSync(CLI_DOCS, 'utf8')).toBe(await renderCliDocs());
});

describe.each(await readHelps())('the help of $name', ({ help }) => {
  test('has an example', () => {
    expect(help).toMatch(/^Examples?:\n {2}\$ /m);
  });
});

test('every key of the job document is described in docs/json.md', () => {
  const source = read('src/core/job-document.ts');
  const keys = [...source.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] ?? '');
  const docs = read('docs/json.md');
  expect(keys.length).toBeGreaterThan(15);
  expect(keys.filter((key) => !docs.includes(key))).toEqual([]);
});

test('every exit code of the program is described in docs/exit-codes.md', () => {
  const docs = read('docs/exit-codes.md');
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 143]) expect(docs).toContain(`| ${code} |`);
});

test('every fault of the emulator is in docs/emulator.md', () => {
  const text = read('docs/emulator.md');
  for (const { name } of FAULTS) expect(text).toContain(`\`${name}`);
});

test.each([
  ['strike', false],
  ['stand', true],
])(
  'the faults that %s are all listed under that heading of docs/emulator.md, and no other',
  (word, stands) => {
    const [, after = ''] = read('docs/emulator.md').split(`### Faults that ${word}\n`);
    const [section = ''] = after.split('\n#');
    const listed = [...section.matchAll(/^\| `(?<name>[a-z0-9-]+)/gm)].map((match) => match.groups?.['name']);
    const names = FAULTS.filter(({ scope }) => (scope === 'standing') === stands).map(({ name }) => name);
    expect(listed.sort()).toEqual([...names].sort());
  },
);
