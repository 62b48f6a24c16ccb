import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as library from '../src/index.ts';
import { searchAndRemove } from './support/canary.ts';
import { installPackage, runProgram, typeCheck } from './support/installed-package.ts';
import { writeFile } from './support/temp-dir.ts';

const DOCS = readFileSync(fileURLToPath(new URL('../docs/library.md', import.meta.url)), 'utf8');

/** A block after a line of a name alone, as in «`answers.ts`:». */
const FILES = [...DOCS.matchAll(/^`([\w.-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
  ([, name = '', text = '']) => ({ name, text }),
);
const RUNS = [...DOCS.matchAll(/^node (\S+)$/gm)].map(([, name = '']) => name);

let project = '';
beforeAll(() => {
  project = installPackage();
  for (const { name, text } of FILES) writeFile(join(project, name), text);
});
afterAll(() => searchAndRemove(project));

describe('docs/library.md, with the package installed', () => {
  test('has its examples, each of which is run', () => {
    expect(RUNS).toEqual(['answers.ts', 'reviews.ts', 'submit.ts', 'retrieve.ts']);
    expect(FILES.map(({ name }) => name)).toEqual(expect.arrayContaining(RUNS));
    expect(FILES).toHaveLength(DOCS.match(/^```(?!sh$)\w+$/gm)?.length ?? 0);
  });

  test('has examples that a strict compiler takes', () => {
    expect(typeCheck(project)).toEqual([]);
  });

  test('has examples that run, in the order of the page, and say nothing on stderr', async () => {
    const printed: Record<string, readonly string[]> = {};
    for (const name of RUNS) printed[name] = await runExample(name);
    // Answers have several paragraphs.
    expect(printed['answers.ts']?.filter((line) => line.startsWith('[emulated]'))).toEqual([
      expect.stringContaining('Name a colour.'),
      expect.stringContaining('Name a river.'),
    ]);
    expect(printed['reviews.ts']?.[0]).toBe('done 2 {}');
    expect(printed['reviews.ts']?.[2]).toMatch(/^b2 reviews\/b2\.md \d+$/);
    expect(existsSync(join(project, 'reviews/b1.md'))).toBe(true);
    expect(printed['submit.ts']?.join('')).toContain('msgbatch_');
    expect(printed['retrieve.ts']).toEqual([
      expect.stringMatching(/^row-1 \d+$/),
      expect.stringMatching(/^row-2 \d+$/),
    ]);
  });

  test('names every function that is exported, and every class of errors', () => {
    const names = Object.keys(library);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !DOCS.includes(`\`${name}`))).toEqual([]);
  });
});

/** The lines that it prints. */
async function runExample(name: string): Promise<readonly string[]> {
  const { stdout, ...end } = await runProgram(name, project);
  expect({ name, ...end }).toEqual({ name, code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}
