import { expect, test } from 'vitest';
import { checkJobFile, nameOfFile } from '../../src/core/job-file-check.ts';

test.each([
  ['round-reports.job.yaml', 'round-reports'],
  ['jobs/a b.job.yml', 'a-b'],
  ['in/ready.jsonl', 'ready'],
  ['Ünïcode.job.yaml', 'n-code'],
  ['.job.yaml', 'job'],
  [`${'x'.repeat(60)}.job.yaml`, 'x'.repeat(40)],
  ['a.b.job.yaml', 'a-b'],
])('the job of %s is called %s', (path, name) => {
  expect(nameOfFile(path)).toBe(name);
});

test('a wrong value in the middle of a tree is told with its path', () => {
  const checked = checkJobFile(
    {
      model: 'm',
      max_tokens: 1,
      prompt: 'p',
      source: { axes: { a: [1, { b: 2 }] } },
      files: { 'a-b': 'x', c: 5 },
      select: { d: { e: 1 } },
    },
    { path: 'x.job.yaml', dir: '' },
  );
  expect(checked.ok ? [] : checked.problems.map(({ path, problem }) => [path.join('.'), problem])).toEqual([
    [
      'source.axes.a.1',
      '"source.axes.a.1" must be a range such as 1-4 or a list such as [en, de], not a mapping',
    ],
    ['files.a-b', '"files.a-b" must be a path; the variable is letters, digits and _, not "x"'],
    ['files.c', '"files.c" must be a path; the variable is letters, digits and _, not "5"'],
    ['select.d', '"select.d" must be a value or a list of values, not a mapping'],
  ]);
});
