import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  buildRequests,
  InputError,
  type Job,
  type JobDefinition,
  listJobs,
  UsageError,
} from '../../src/index.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { MODEL, openEmulated, rejection } from './open-emulated.ts';

const base = { name: 'books', model: MODEL, max_tokens: 400, prompt: 'Praise {{ title }}.' };

/** What would go out: the lines of the only shard. */
function built({ workspace, jobId }: Job): { params: Record<string, unknown> }[] {
  const text = readFileSync(join(workspace.dir, 'batch_requests', jobId, 'main-0001.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const prompts = (job: Job): unknown[] =>
  built(job).map(({ params }) => (params['messages'] as { content: unknown }[])[0]?.content);

async function* slowly<T>(...values: T[]): AsyncGenerator<T> {
  for (const value of values) {
    await Promise.resolve();
    yield value;
  }
}

describe('requests are built from', () => {
  test('the path of a job file, relative to the workspace', async () => {
    const dir = makeTempDir({
      'jobs/books.job.yaml': `model: ${MODEL}\nmax_tokens: 400\nsource: {csv: data.csv}\nprompt: "Praise {{ title }}."\n`,
      'jobs/data.csv': 'title\nstone\nwater\n',
    });
    const job = await buildRequests(await openEmulated({ dir }), 'jobs/books.job.yaml');
    expect(job.jobId).toMatch(/^books-\d{8}-\d{6}$/);
    expect(prompts(job)).toEqual(['Praise stone.', 'Praise water.']);
  });

  test('a job in the form of a job file, with its paths relative to the workspace', async () => {
    const dir = makeTempDir({ 'data.csv': 'title\nstone\n' });
    const job = await buildRequests(await openEmulated({ dir }), { ...base, source: { csv: 'data.csv' } });
    expect(prompts(job)).toEqual(['Praise stone.']);
  });

  test('records in a list', async () => {
    const records = [{ title: 'stone' }, { title: 'water' }];
    expect(prompts(await buildRequests(await openEmulated(), { ...base, records }))).toEqual([
      'Praise stone.',
      'Praise water.',
    ]);
  });

  test('records that come one after another', async () => {
    const records = slowly({ title: 'stone' }, { title: 'water' });
    expect(prompts(await buildRequests(await openEmulated(), { ...base, records }))).toHaveLength(2);
  });

  test('ready-made requests, in which nothing is a template', async () => {
    const params = { model: MODEL, max_tokens: 9, messages: [{ role: 'user', content: '{{ title }}' }] };
    const job = await buildRequests(await openEmulated(), {
      name: 'ready',
      requests: slowly({ custom_id: 'mine', params }),
    });
    expect(built(job).map((line) => line.params)).toEqual([params]);
  });
});

describe('what cannot be built is refused, and nothing is left', () => {
  test('records of which some are bad: each is named by its number', async () => {
    const workspace = await openEmulated();
    const records = [{ title: 'stone' }, { titel: 'water' }, { title: () => 'wind' }];
    const error = await rejection(buildRequests(workspace, { ...base, records }));
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({
      count: 2,
      problems: [{ file: 'records (item 2)' }, { file: 'records (item 3)' }],
    });
    expect(await listJobs(workspace)).toEqual([]);
  });

  test('no records at all', async () => {
    const error = await rejection(buildRequests(await openEmulated(), { ...base, records: [] }));
    expect(error).toMatchObject({ code: 'no_records' });
  });

  test('an error of the program that gives the records comes out as it is', async () => {
    const own = new RangeError('mine');
    const records = (function* () {
      yield { title: 'stone' };
      throw own;
    })();
    const workspace = await openEmulated();
    expect(await rejection(buildRequests(workspace, { ...base, records }))).toBe(own);
    expect(await listJobs(workspace)).toEqual([]);
  });

  // Callers without types.
  test.each([
    ['no records', base],
    ['records and a source', { ...base, records: [], source: { csv: 'a.csv' } }],
    ['records that are a text', { ...base, records: 'stone' }],
    ['a key that there is not', { ...base, records: [], maxTokens: 4 }],
    ['a prompt beside requests', { ...base, requests: [] }],
    ['a name that is a number', { ...base, name: 7, records: [] }],
  ])('%s', async (_what, definition) => {
    const error = await rejection(
      buildRequests(await openEmulated(), definition as unknown as JobDefinition),
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: 'job_file_invalid' });
  });
});

test('an unfinished job of the same content is found again, unless another is wanted', async () => {
  const workspace = await openEmulated();
  const definition = () => ({ ...base, records: [{ title: 'stone' }] });
  const first = await buildRequests(workspace, definition());
  expect((await buildRequests(workspace, definition())).jobId).toBe(first.jobId);
  expect((await buildRequests(workspace, definition(), { new: true })).jobId).not.toBe(first.jobId);
});

test('shards are cut where the caller wants them', async () => {
  const records = [{ title: 'stone' }, { title: 'water' }];
  const job = await buildRequests(await openEmulated(), { ...base, records }, { maxShardRequests: 1 });
  expect(built(job)).toHaveLength(1);
});
