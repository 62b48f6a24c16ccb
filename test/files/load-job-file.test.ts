import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findJobFiles } from '../../src/files/find-job-files.ts';
import { loadJobFile, requestsJob } from '../../src/files/load-job-file.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const minimal = 'model: m\nmax_tokens: 5\nsource: {csv: d.csv}\nprompt: hi\n';

function load(
  content: string,
  sets: readonly string[] = [],
  path = 'round-reports.job.yaml',
): ReturnType<typeof loadJobFile> {
  const root = makeTempDir({ [path]: content });
  return loadJobFile(join(root, path), { root, sets });
}

describe('a job file', () => {
  test('with the least that it must say has defaults for the rest', async () => {
    expect(await load(minimal)).toEqual({
      name: 'round-reports',
      path: 'round-reports.job.yaml',
      dir: '',
      apiVersion: '2026-10-21',
      betas: [],
      source: { kind: 'csv', paths: ['d.csv'], delimiter: ',', encoding: null, quote: '"' },
      files: {},
      select: {},
      id: null,
      groupBy: null,
      stages: [
        {
          name: 'main',
          needs: [],
          model: 'm',
          maxTokens: 5,
          params: {},
          system: null,
          prompt: { kind: 'text', text: 'hi' },
          messages: null,
          attach: [],
          tools: null,
          toolChoice: null,
          cache: null,
          schema: null,
          output: null,
        },
      ],
      private: false,
      retry: null,
      spending: { maxMicroUsd: null, askAboveMicroUsd: 5_000_000, prices: [], expectedOutput: {} },
      onEnd: null,
      git: null,
    });
  });

  test('with everything that it may say', async () => {
    const job = await load(`
name: reports_1
model: claude-sonnet-5-5
max_tokens: 4000
params: { output_config: { effort: low }, metadata: { user_id: u1 } }
api_version: 2023-06-01
source:
  axes: { teg: 10-12, round: 01-02, lang: [en, no, 01], n: 3 }
files:
  scores: "data/teg{{teg}}/round{{round}}.csv"
select: { round: [01, 2], lang: en, n: true }
id: "teg{{teg}}-r{{round}}"
system: { file: prompts/reporter.md, cache: 1h }
prompt: { file: prompts/report.md }
output: "data/{{teg}}.md"
private: true
`);
    expect(job).toMatchObject({
      name: 'reports_1',
      apiVersion: '2023-06-01',
      source: {
        kind: 'axes',
        axes: [
          { name: 'teg', values: [10, 11, 12] },
          { name: 'round', values: ['01', '02'] },
          { name: 'lang', values: ['en', 'no', '01'] },
          { name: 'n', values: [3] },
        ],
      },
      files: { scores: 'data/teg{{teg}}/round{{round}}.csv' },
      select: { round: ['01', '2'], lang: ['en'], n: ['true'] },
      stages: [
        {
          maxTokens: 4000,
          params: { output_config: { effort: 'low' }, metadata: { user_id: 'u1' } },
          system: { content: { kind: 'file', file: 'prompts/reporter.md' }, cache: '1h' },
          prompt: { kind: 'file', file: 'prompts/report.md' },
          output: { path: 'data/{{teg}}.md', content: { kind: 'answer' } },
        },
      ],
      private: true,
    });
  });

  test.each([
    ['{jsonl: a.jsonl}', { kind: 'jsonl', paths: ['a.jsonl'] }],
    ['{json: a.json}', { kind: 'json', paths: ['a.json'] }],
    ['{dir: "s/*.txt"}', { kind: 'dir', glob: 's/*.txt', meta: null }],
    [
      '{dir: {glob: "s/*.txt", meta: "{{stem}}.json"}}',
      { kind: 'dir', glob: 's/*.txt', meta: '{{stem}}.json' },
    ],
  ])('takes the source %s', async (written, source) => {
    expect((await load(minimal.replace('{csv: d.csv}', written))).source).toEqual(source);
  });

  test('of ready-made requests needs no model', async () => {
    const job = await load('source: {requests: r.jsonl}\noutput: "out/{{custom_id}}.md"\n');
    expect(job).toMatchObject({
      source: { kind: 'requests', from: { kind: 'files', paths: ['r.jsonl'] } },
      stages: [{ model: null, maxTokens: null, prompt: null, messages: null }],
    });
  });

  test('keeps the order of params', async () => {
    const [stage] = (await load(`${minimal}params: {z: 1, a: 2, m: 3}\n`)).stages;
    expect(Object.keys(stage?.params ?? {})).toEqual(['z', 'a', 'm']);
  });

  test('may have anchors and aliases', async () => {
    const [stage] = (await load(`${minimal.replace('hi', '&p hi')}system: *p\n`)).stages;
    expect(stage?.system?.content).toEqual({ kind: 'text', text: 'hi' });
  });

  test('in a folder has paths relative to that folder', async () => {
    expect(await load(minimal, [], 'jobs/eu/a b.job.yaml')).toMatchObject({
      name: 'a-b',
      path: 'jobs/eu/a b.job.yaml',
      dir: 'jobs/eu',
    });
  });

  test('may begin with a byte order mark', async () => {
    expect(await load(`\uFEFF${minimal}`)).toMatchObject({ stages: [{ model: 'm' }] });
  });
});

describe('--set', () => {
  test.each([
    ['max_tokens=700', { stages: [{ maxTokens: 700 }] }],
    ['model=claude-haiku-5-5', { stages: [{ model: 'claude-haiku-5-5' }] }],
    ['params.output_config.effort=low', { stages: [{ params: { output_config: { effort: 'low' } } }] }],
    ['params={a: [1, x]}', { stages: [{ params: { a: [1, 'x'] } }] }],
    ['prompt=Write: a = b', { stages: [{ prompt: { kind: 'text', text: 'Write: a = b' } }] }],
    ['prompt="quoted: 1"', { stages: [{ prompt: { kind: 'text', text: 'quoted: 1' } }] }],
    ['prompt={file: p.md}', { stages: [{ prompt: { kind: 'file', file: 'p.md' } }] }],
    ['private=true', { private: true }],
    ['select.round=01', { select: { round: ['01'] } }],
    ['api_version=2023-06-01', { apiVersion: '2023-06-01' }],
    ['name=-x', { name: '-x' }],
    ['source={jsonl: x.jsonl}', { source: { kind: 'jsonl', paths: ['x.jsonl'] } }],
  ])('%s', async (set, expected) => {
    expect(await load(minimal, [set])).toMatchObject(expected);
  });

  test('wins over the file, a later one over an earlier, and keeps the order of keys', async () => {
    const job = await load(`${minimal}params: {a: 1, b: 2}\n`, ['params.c=3', 'params.a=8', 'params.a=9']);
    expect(JSON.stringify(job.stages[0]?.params)).toBe('{"a":9,"b":2,"c":3}');
  });
});

test('a bare JSONL file is a job named after it, its path relative to the workspace', async () => {
  const root = makeTempDir({ 'in/ready made.jsonl': '' });
  expect(
    await requestsJob(join(root, 'in/ready made.jsonl'), { root, sets: ['private=true'] }),
  ).toMatchObject({
    name: 'ready-made',
    path: 'in/ready made.jsonl',
    dir: '',
    source: { kind: 'requests', from: { kind: 'files', paths: ['in/ready made.jsonl'] } },
    private: true,
  });
});

test('job files are found four folders deep, sorted, and not in folders of tools', async () => {
  const root = makeTempDir({
    'b.job.yaml': '',
    'a/c.job.yml': '',
    '1/2/3/4/d.job.yaml': '',
    '1/2/3/4/5/e.job.yaml': '',
    'node_modules/x/f.job.yaml': '',
    '.git/g.job.yaml': '',
    'batch_results/h.job.yaml': '',
    'a/job.yaml': '',
  });
  expect(await findJobFiles(root)).toEqual(['1/2/3/4/d.job.yaml', 'a/c.job.yml', 'b.job.yaml']);
});
