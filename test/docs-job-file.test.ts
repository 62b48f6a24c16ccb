import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkJobFile } from '../src/core/job-file-check.ts';
import { knownKeysAt } from '../src/core/job-file-keys.ts';
import { RETRYABLE } from '../src/core/retry-rule.ts';
import { readYaml } from '../src/files/yaml-document.ts';

const page = (name: string): string => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
const docs = page('job-file.md');
// The kinds of source have a page of their own.
const both = `${docs}\n${page('sources.md')}`;

/** Mappings of the job file whose keys the page describes too. */
const INNER = [
  ...knownKeysAt(['source']).map((kind) => ['source', kind]),
  ['source', 'requests', 'module'],
  ['system'],
  ['messages', 0],
  ['attach', 0],
  ['cache'],
  ['schema'],
  ['stages', 0],
  ['output'],
  ['budget'],
  ['prices', 'any'],
  ['retry'],
  ['git'],
];

test.each(['', 'source'])('docs/job-file.md has every key of a job file: %s', (place) => {
  const keys = knownKeysAt(place === '' ? [] : [place]);
  expect(keys.length).toBeGreaterThan(5);
  expect(keys.filter((key) => !docs.includes(`\`${key}\``))).toEqual([]);
});

test.each(INNER.map((path) => [path.join('.'), path] as const))(
  'docs/job-file.md or docs/sources.md shows every key of %s',
  (_, path) => {
    expect(knownKeysAt(path).filter((key) => !new RegExp(`[\`{ ]${key}[\`:,}]`).test(both))).toEqual([]);
  },
);

test('every class of failure that may be sent again is in docs/job-file.md', () => {
  expect(RETRYABLE.filter((name) => !docs.includes(`\`${name}\``))).toEqual([]);
});

describe('an example of docs/job-file.md', () => {
  const blocks = [...docs.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  const LEAST = { model: 'm', max_tokens: 5, source: { csv: 'd.csv' } };

  /** A part of a job file, with what it does not say. */
  function complete(part: object): object {
    if ('source' in part && ('requests' in Object(part.source) || 'model' in part)) return part;
    const asks = ['prompt', 'messages', 'stages'].some((key) => key in part);
    return { ...LEAST, ...(asks ? {} : { prompt: 'p' }), ...part };
  }

  test('there are many', () => {
    expect(blocks.length).toBeGreaterThan(15);
  });

  test.each(blocks.map((text) => [text.trim().split('\n')[0] ?? '', text] as const))(
    'is a job file: %s',
    (_, text) => {
      const { problems, value } = readYaml(text);
      expect(problems).toEqual([]);
      // A comment alone is a block too.
      const checked = checkJobFile(complete(Object(value ?? {})), { path: 'x.job.yaml', dir: '' });
      expect(checked.ok ? [] : checked.problems).toEqual([]);
    },
  );
});
