import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import type { VerifyDocument } from '../../src/core/verify-document.ts';
import { type Retrieval, retrieveJob } from '../../src/steps/retrieve-results.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { makeWorkbench } from '../support/workbench.ts';
import {
  batchOf,
  type Fixture,
  type FixtureOptions,
  makeFixture,
  notFound,
  resultLine,
  type Stream,
  tree,
} from './results-fixture.ts';

let fixture: Fixture;
afterEach(() => fixture?.close());
const signal = new AbortController().signal;

/** Streams by the number of the shard, as long as the test does not say otherwise. */
async function start(options: FixtureOptions, ...streams: readonly (Stream | Error)[]): Promise<Fixture> {
  fixture = await makeFixture(options);
  fixture.answer(...streams);
  return fixture;
}

const retrieve = (): Promise<Retrieval> => retrieveJob(fixture.run, signal);
const job = () => fixture.store.jobById(fixture.job.id);
const verify = async (): Promise<VerifyDocument> => verifyJob(await job(), fixture.run.deps, signal);
const dir = (): string => join(fixture.root, 'batch_results', fixture.job.jobId);
const read = (name: string): string => readFileSync(join(dir(), name), 'utf8');
const column = (name: string, file = 'results.jsonl'): unknown[] =>
  read(file)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line)[name]);
const good = (shard: number, ...seqs: number[]): string =>
  seqs.map((seq) => `${resultLine(seq, { shard })}\n`).join('');
const rows = () => fixture.store.rows(fixture.job.id, 'main', 0, 100);
const shardState = async (index = 0): Promise<string | undefined> =>
  (await fixture.views())[index]?.shard.state;
const RAW = 'main-0001.raw.jsonl';
const archived: Partial<Batch> = { archivedAt: '2026-11-20T11:00:00Z' };

describe('retrieve of a final job whose raw results are gone', () => {
  test('downloads them again and ends as it was, in whatever order the lines come', async () => {
    const { answer, root } = await start({ shards: [3] }, [good(1, 1, 2, 3)]);
    await retrieve();
    const [before, finalAt] = [tree(root, 'batch_results'), (await job()).finalAt];
    rmSync(dir(), { recursive: true });
    answer([good(1, 3, 1, 2)]);
    expect((await retrieve()).state).toBe('done');
    const after = tree(root, 'batch_results');
    expect(after).toEqual({ ...before, [`${fixture.job.jobId}/${RAW}`]: good(1, 3, 1, 2) });
    expect((await job()).finalAt).toBe(finalAt);
    expect((await verify()).problems).toEqual([]);
  });

  test('does so when they are damaged, though as long as before, and writes the rows anew', async () => {
    const { answer } = await start({ shards: [2] }, [good(1, 1, 2)]);
    await retrieve();
    for (const name of [RAW, 'results.jsonl', 'failed.jsonl'])
      writeFileSync(join(dir(), name), read(name).replace('answer 1', 'answer 7'));
    answer([good(1, 1, 2)]);
    await retrieve();
    expect(read(RAW)).toBe(good(1, 1, 2));
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
    expect((await verify()).problems).toEqual([]);
  });

  test('leaves answers that are there alone, edited or not', async () => {
    const { answer, root } = await start({ shards: [2], outputPath: (seq) => `reports/${seq}.md` }, [
      good(1, 1, 2),
    ]);
    await retrieve();
    rmSync(dir(), { recursive: true });
    rmSync(join(root, 'reports/2.md'));
    writeFileSync(join(root, 'reports/1.md'), 'edited');
    answer([good(1, 2, 1)]);
    await retrieve();
    expect(tree(root, 'reports')).toEqual({ '1.md': 'edited', '2.md': 'answer 2\n' });
  });

  test('never takes fewer rows for the truth than it had', async () => {
    const { answer } = await start({ shards: [3] }, [good(1, 1, 2, 3)]);
    await retrieve();
    const before = await rows();
    rmSync(join(dir(), RAW));
    answer([good(1, 1, 2)]);
    await expect(retrieve()).rejects.toMatchObject({ code: 'results_unavailable', retryable: true });
    expect(await rows()).toEqual(before);
    expect(await shardState()).toBe('applied');
    answer([good(1, 1, 2, 3)]);
    expect((await retrieve()).state).toBe('done');
  });

  test('says what is left when the API has removed them, and puts back all that needs them not', async () => {
    const { answer, store } = await start({ shards: [2, 1] }, [good(1, 1, 2)], [good(2, 3)]);
    await retrieve();
    const results = read('results.jsonl');
    await store.recordSeen(batchOf(1, 2, archived));
    rmSync(join(dir(), RAW));
    rmSync(join(dir(), 'out'), { recursive: true });
    rmSync(join(dir(), 'summary.json'));
    answer(new Error('must not be asked'));
    const refusal = await retrieve().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'ProviderError', code: 'results_gone', retryable: false });
    expect(refusal).toHaveProperty('why', expect.stringContaining('results.jsonl'));
    expect(refusal).toHaveProperty('why', expect.stringContaining('raw results of 1 of 2 shards'));
    expect(read('results.jsonl')).toBe(results);
    expect(readdirSync(join(dir(), 'out/main'))).toEqual(['row-3.md']);
    expect(JSON.parse(read('summary.json'))).toMatchObject({ state: 'done', succeeded: 3 });
    expect((await job()).state).toBe('done');
  });

  test('goes on after a kill between the download and the rows', async () => {
    const { answer, files, store } = await start({ shards: [2] }, [good(1, 1, 2)]);
    await retrieve();
    rmSync(dir(), { recursive: true });
    const raw = files.createHashed(`batch_results/${fixture.job.jobId}/${RAW}`, { private: false });
    raw.write(good(1, 2, 1));
    const [view] = await fixture.views();
    await store.recordDownload(view?.shard.id ?? 0, raw.finish());
    expect((await rows()).map((row) => row.status)).toEqual([null, null]);
    answer(new Error('must not be asked'));
    expect((await retrieve()).state).toBe('done');
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
    expect((await verify()).problems).toEqual([]);
  });
});

describe('raw results that vanish before the job is final', () => {
  /** A run that was cut off after it had applied some rows. */
  async function cutOff(): Promise<void> {
    const { files, store } = await start({ shards: [2] });
    const raw = files.createHashed(`batch_results/${fixture.job.jobId}/${RAW}`, { private: false });
    raw.write(good(1, 1, 2));
    const [view] = await fixture.views();
    const id = view?.shard.id ?? 0;
    await store.recordDownload(id, raw.finish());
    const row = { status: 'succeeded', failure: null, rawOffset: 0, rawLength: 9 } as const;
    await store.applyOutcomes(id, [{ seq: 1, ...row }]);
    rmSync(dir(), { recursive: true });
  }

  test('are downloaded again, and no row keeps its old place', async () => {
    await cutOff();
    fixture.answer(notFound());
    expect((await retrieve()).state).toBeNull();
    expect([await shardState(), (await rows()).map((row) => row.rawOffset)]).toEqual(['live', [null, null]]);
    fixture.answer([good(1, 2, 1)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
  });

  test('leave their rows missing, without a place, once the API has removed them', async () => {
    await cutOff();
    await fixture.store.recordSeen(batchOf(1, 2, archived));
    expect((await retrieve()).state).toBe('failed');
    expect(await shardState()).toBe('lost');
    expect((await rows()).map(({ status, rawOffset }) => [status, rawOffset])).toEqual([
      ['missing', null],
      ['missing', null],
    ]);
    expect((await verify()).problems).toEqual([]);
  });

  test('are downloaded again for a shard that was applied, while another batch is open', async () => {
    const { answer, store } = await start({ shards: [2, 1], open: [2] }, [good(1, 1, 2)]);
    await retrieve();
    rmSync(dir(), { recursive: true });
    answer([good(1, 2, 1)]);
    expect((await retrieve()).state).toBeNull();
    expect(column('text', 'results.partial.jsonl')).toEqual(['answer 1', 'answer 2']);
    await store.recordSeen(batchOf(2, 1));
    answer([good(2, 3)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('text')).toEqual(['answer 1', 'answer 2', 'answer 3']);
  });
});

describe('retrieve of a job that failed because a batch was gone', () => {
  /** Of a batch that is older than 29 days, a «not found» is believed. */
  async function lose(options: FixtureOptions, ...others: readonly Stream[]): Promise<void> {
    const { store } = await start(options, notFound(), ...others);
    await store.recordSeen(batchOf(1, options.shards?.[0] ?? 0, { createdAt: '2026-10-20T11:00:00Z' }));
    expect((await retrieve()).state).toBe('failed');
    expect(await shardState()).toBe('lost');
  }

  test('asks once more, takes what answers, and the job is done', async () => {
    await lose({ shards: [2], outputPath: (seq) => `reports/${seq}.md` });
    mkdirSync(join(fixture.root, 'reports'));
    writeFileSync(join(fixture.root, 'reports/1.md'), 'older');
    fixture.answer([good(1, 2, 1)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
    expect(read('failed.jsonl')).toBe('');
    expect(JSON.parse(read('summary.json'))).toMatchObject({ state: 'done', succeeded: 2, missing: 0 });
    expect(tree(fixture.root, 'reports')).toEqual({ '1.md': 'answer 1\n', '2.md': 'answer 2\n' });
    expect((await verify()).problems).toEqual([]);
  });

  test('changes nothing as long as it stays away', async () => {
    await lose({ shards: [2, 1] }, [good(2, 3)]);
    const before = tree(fixture.root, 'batch_results');
    fixture.answer(notFound());
    expect((await retrieve()).state).toBe('failed');
    expect(tree(fixture.root, 'batch_results')).toEqual(before);
    expect(await shardState()).toBe('lost');
  });

  test('does not take an empty stream for its results', async () => {
    await lose({ shards: [2] });
    fixture.answer([]);
    expect((await retrieve()).state).toBe('failed');
    expect(await shardState()).toBe('lost');
  });

  test('ends it also after a kill between the rows and the files', async () => {
    await lose({ shards: [2] });
    const { files, store } = fixture;
    const raw = files.createHashed(`batch_results/${fixture.job.jobId}/${RAW}`, { private: false });
    raw.write(good(1, 2, 1));
    const [view] = await fixture.views();
    await store.recordDownload(view?.shard.id ?? 0, raw.finish());
    expect((await retrieve()).state).toBe('done');
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
  });
});

test('a batch of which every row is missing ends its job, with each row named', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('results-missing=4');
  const built = await bench.build(4);
  expect((await bench.run(built)).job.state).toBe('done');
  const [view] = await bench.deps.store.shards(built.id);
  expect(view?.tally).toMatchObject({ requests: 4, missing: 4 });
});

test('retrieve of a final job with its results removed asks the API and sends nothing', async () => {
  const bench = await makeWorkbench();
  const built = await bench.build(5, { maxRequests: 3 });
  await bench.run(built);
  const before = tree(bench.dir, 'batch_results');
  rmSync(join(bench.dir, 'batch_results', built.jobId), { recursive: true });
  await bench.run(built, { submit: false, until: 'once' });
  expect(tree(bench.dir, 'batch_results')).toEqual(before);
  expect((await bench.truth()).posts).toHaveLength(2);
});
