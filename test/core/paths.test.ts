import { describe, expect, test } from 'vitest';
import {
  distinctPath,
  foldPath,
  joinPath,
  outputPathProblem,
  ownPlaceProblem,
  safeOutputPath,
} from '../../src/core/paths.ts';

describe('a path that could leave the workspace or is no file is refused', () => {
  test.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['\\\\server\\share', 'absolute'],
    ['C:\\x.md', 'absolute'],
    ['c:/x.md', 'absolute'],
    ['..', '".."'],
    ['../x.md', '".."'],
    ['out/../../x.md', '".."'],
    ['out/../x.md', '".."'],
    ['out/.. /x.md', '".."'],
    ['out/', 'folder'],
    ['out/.', 'folder'],
    ['.', 'folder'],
    ['a\u0000b.md', 'control character'],
    ['a\nb.md', 'control character'],
    ['a\u009bb.md', 'control character'],
    ['a\ud800.md', 'half a character'],
    ['.git/hooks/post-commit', '.git'],
    ['sub/.GIT/config', '.git'],
    ['.git./config', '.git'],
    ['.g\u200cit/config', '.git'],
    ['GIT~1/config', '.git'],
    [`${'a/'.repeat(600)}x`, 'bytes'],
  ])('%j: %s', (path, problem) => {
    expect(outputPathProblem(path)).toContain(problem);
  });

  test.each([
    'a.md',
    'reports/teg10/round1.md',
    './a.md',
    'a//b.md',
    'a..b/c...md',
    '.gitignore',
    'git/a.md',
    ' a b.md ',
    'x/…/é.md',
  ])('%j is let through', (path) => {
    expect(outputPathProblem(path)).toBeNull();
  });

  test.each(['.batchctl/state.db', 'batch_requests/x.jsonl', '.BATCHCTL/x', '.env', 'Batch_Requests/a'])(
    '%s is our own place',
    (path) => {
      expect(ownPlaceProblem(path)).toContain("batchctl's own");
    },
  );

  test.each(['batch_results/mine/a.md', 'sub/.env', '.environment', 'out/batch_requests/a.md'])(
    '%s is not',
    (path) => {
      expect(ownPlaceProblem(path)).toBeNull();
    },
  );
});

describe('a name that some system refuses is made safe', () => {
  test.each([
    ['reports/teg10/round1.md', 'reports/teg10/round1.md'],
    ['./a//b/./c.md', 'a/b/c.md'],
    [' out/a.md\n', 'out/a.md'],
    ['a:b.md', 'a_b.md'],
    ['what?*<>|".md', 'what______.md'],
    ['..\\..\\x.md', '.._.._x.md'],
    ['out/CON', 'out/CON_'],
    ['aux.txt', 'aux_.txt'],
    ['COM1.tar.gz', 'COM1_.tar.gz'],
    ['nul/a.md', 'nul_/a.md'],
    ['console.md', 'console.md'],
    ['com10.md', 'com10.md'],
    ['a./b', 'a_/b'],
    ['a /b. .', 'a_/b___'],
    ['Zoë/日本.md', 'Zoë/日本.md'],
  ])('%j becomes %j', (rendered, path) => {
    expect(safeOutputPath(rendered)).toBe(path);
    expect(outputPathProblem(safeOutputPath(rendered))).toBeNull();
    expect(safeOutputPath(safeOutputPath(rendered))).toBe(safeOutputPath(rendered));
  });

  test.each([
    'x'.repeat(300),
    `${'日'.repeat(100)}.md`,
    `${'😀'.repeat(70)}.json`,
    `a.${'x'.repeat(300)}`,
    'y'.repeat(231),
  ])('a name of too many bytes is cut to at most 230, whole characters and its extension kept', (name) => {
    const short = safeOutputPath(`out/${name}`).slice('out/'.length);
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(230);
    expect(short.isWellFormed()).toBe(true);
    const extension = /\.(?:md|json)$/.exec(name)?.[0] ?? '';
    expect(short.endsWith(extension)).toBe(true);
    expect(short).not.toContain('\uFFFD');
  });

  test('two long names that differ at their end stay two', () => {
    const long = 'x'.repeat(300);
    expect(safeOutputPath(`${long}1.md`)).not.toBe(safeOutputPath(`${long}2.md`));
  });

  test('230 bytes are not cut', () => {
    expect(safeOutputPath('x'.repeat(230))).toBe('x'.repeat(230));
  });
});

describe('foldPath', () => {
  test.each([
    ['A.md', 'a.md'],
    ['caf\u00e9', 'cafe\u0301'],
    ['STRASSE', 'straße'],
    ['ΟΔΟΣ', 'οδος'],
    ['\u212a', 'k'],
    ['\u0130x', 'i\u0307x'],
  ])('%j and %j are one file to some system', (one, other) => {
    expect(foldPath(one)).toBe(foldPath(other));
  });

  test.each([
    ['a', 'b'],
    ['a.md', 'a.mdx'],
    ['e', 'é'],
  ])('%j and %j are two', (one, other) => {
    expect(foldPath(one)).not.toBe(foldPath(other));
  });
});

test.each([
  ['out/a.md', 'out/a-7.md'],
  ['a', 'a-7'],
  ['out.d/a', 'out.d/a-7'],
  ['out/.hidden', 'out/.hidden-7'],
  ['a.tar.gz', 'a.tar-7.gz'],
])('%s is made distinct as %s', (path, distinct) => {
  expect(distinctPath(path, 7)).toBe(distinct);
});

test('paths are joined to the folder of the job file', () => {
  expect(joinPath('', 'a.md')).toBe('a.md');
  expect(joinPath('jobs/x', 'a.md')).toBe('jobs/x/a.md');
});
