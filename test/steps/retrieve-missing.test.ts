import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/cli/system-clock.ts';
import type { Batch } from '../../src/core/batch.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { findMissing } from '../../src/steps/retrieve-missing.ts';
import { type Retrieval, retrieveJob } from '../../src/steps/retrieve-results.ts';
import { retryJob } from '../../src/steps/retry-job.ts';
import { type RunOptions, runJob } from '../../src/steps/run-job.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom } from '../support/build-job.ts';
import { FAST, makeWorkbench } from '../support/workbench.ts';
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

const good = (...seqs: number[]): string => seqs.map((seq) => `${resultLine(seq)}\n`).join('');
const retrieve = (): Promise<Retrieval> => retrieveJob(fixture.run, signal);
const job = () => fixture.store.jobById(fixture.job.id);
const read = (name: string): string =>
  readFileSync(join(fixture.root, 'batch_results', fixture.job.jobId, name), 'utf8');
const column = (name: string): unknown[] =>
  read('results.jsonl')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line)[name]);

/** A final job of which only these rows came; what is answered next is told then. */
async function endWith(options: FixtureOptions, ...streams: readonly Stream[]): Promise<void> {
  fixture = await makeFixture(options);
  fixture.answer(...streams);
  expect((await retrieve()).state).toBe('done');
}

describe('retrieve of a final job with rows that are missing', () => {
  test('takes in what the batch has by now, and becomes final anew', async () => {
    await endWith({ shards: [4] }, [good(1, 3)]);
    const before = await job();
    expect(column('status')).toEqual(['succeeded', 'missing', 'succeeded', 'missing']);
    fixture.answer([good(4, 3, 2, 1)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('status')).toEqual(Array(4).fill('succeeded'));
    expect(column('text')).toEqual([1, 2, 3, 4].map((seq) => `answer ${seq}`));
    expect(read('failed.jsonl')).toBe('');
    expect(JSON.parse(read('summary.json'))).toMatchObject({ succeeded: 4, missing: 0, problem_count: 0 });
    expect(await verifyJob(await job(), fixture.run.deps, signal)).toMatchObject({ ok: true });
    // What comes after a run is due for each time that a job becomes final.
    const finished = (await fixture.store.events(before.id)).filter(({ kind }) => kind === 'job_finished');
    expect(finished).toHaveLength(2);
    fixture.answer(new Error('must not be asked'));
    await retrieve();
    expect(fixture.downloads()).toBe(0);
  });

  test('takes a part of them, and asks for the rest the next time', async () => {
    await endWith({ shards: [4] }, [good(1, 3)]);
    fixture.answer([good(1, 2, 3)]);
    await retrieve();
    expect([fixture.downloads(), column('status')]).toEqual([
      1,
      ['succeeded', 'succeeded', 'succeeded', 'missing'],
    ]);
    fixture.answer([good(1, 2, 3, 4)]);
    await retrieve();
    expect(column('status')).toEqual(Array(4).fill('succeeded'));
  });

  test.each<[string, Stream | Error]>([
    ['nothing new', [good(3, 1)]],
    ['fewer rows than are here', [good(1)]],
    ['others in the place of those that are here', [good(1, 2, 4)]],
    ['another answer for one that is here', [`${resultLine(1, { text: 'other' })}\n`, good(2, 3, 4)]],
    ['nothing', []],
    ['a refusal', notFound()],
  ])('asks once and leaves everything as it is when it gets %s', async (_what, answer) => {
    await endWith({ shards: [4] }, [good(1, 3)]);
    const [files, finalAt] = [tree(fixture.root, 'batch_results'), (await job()).finalAt];
    fixture.answer(answer);
    expect((await retrieve()).state).toBe('done');
    expect(tree(fixture.root, 'batch_results')).toEqual(files);
    expect((await job()).finalAt).toBe(finalAt);
    // A refusal may pass, and costs no bytes.
    expect(fixture.downloads()).toBe(answer instanceof Error ? 3 : 1);
  });

  test('writes their outputs over what stood there before the job, and no other', async () => {
    fixture = await makeFixture({ shards: [2], outputPath: (seq) => `reports/${seq}.md` });
    fixture.files.replace('reports/2.md', 'of last year', { private: false, durable: false });
    fixture.answer([good(1)]);
    await retrieve();
    expect(tree(fixture.root, 'reports')).toEqual({ '1.md': 'answer 1\n', '2.md': 'of last year' });
    writeFileSync(join(fixture.root, 'reports/1.md'), 'edited');
    fixture.answer([good(1, 2)]);
    await retrieve();
    expect(tree(fixture.root, 'reports')).toEqual({ '1.md': 'edited', '2.md': 'answer 2\n' });
  });

  test('goes on after a kill between the download and the rows', async () => {
    await endWith({ shards: [2], outputPath: (seq) => `reports/${seq}.md` }, [good(1)]);
    writeFileSync(join(fixture.root, 'reports/1.md'), 'edited');
    fixture.answer([good(1, 2)]);
    const cut = new Error('cut off');
    const store = { ...fixture.store, applyOutcomes: () => Promise.reject(cut) };
    const run = { ...fixture.run, deps: { ...fixture.run.deps, store } };
    await expect(retrieveJob(run, signal)).rejects.toBe(cut);
    expect((await job()).state).toBe('ended');
    fixture.answer(new Error('must not be asked'));
    expect((await retrieve()).state).toBe('done');
    expect(column('status')).toEqual(['succeeded', 'succeeded']);
    expect(tree(fixture.root, 'reports')).toEqual({ '1.md': 'edited', '2.md': 'answer 2\n' });
  });

  test.each<[string, Partial<Batch>]>([
    ['were removed', { archivedAt: '2026-11-20T11:00:00Z' }],
    ['are older than 29 days', { createdAt: '2026-10-22T11:00:00Z' }],
  ])('is not asked for results that %s', async (_what, more) => {
    await endWith({ shards: [2] }, [good(1)]);
    const [view] = await fixture.views();
    expect(await findMissing(await job(), fixture.run.deps)).toHaveLength(1);
    await fixture.store.recordSeen(batchOf(1, 2, more));
    const deps: Deps = {
      ...fixture.run.deps,
      store: {
        ...fixture.store,
        shards: async () =>
          view?.batch === null || view === undefined ? [] : [{ ...view, batch: { ...view.batch, ...more } }],
      },
    };
    expect(await findMissing(await job(), deps)).toEqual([]);
  });
});

/** Downloads that disagree are repeated after seconds. */
const hurriedClock: Deps['clock'] = {
  ...systemClock,
  sleep: (ms, stop) => systemClock.sleep(Math.min(ms, 50), stop),
};

describe('rows that were missing and have gone out again', () => {
  async function missingTwo() {
    const bench = await makeWorkbench({ batchSeconds: 0.2 });
    const deps = { ...bench.deps, clock: hurriedClock };
    await bench.setFaults('results-missing=2');
    const built = await bench.build(8);
    const run = async (more: Partial<RunOptions> = {}) => {
      const before = await deps.store.jobById(built.id);
      return (await runJob(before, { ...FAST, ...more }, deps, signal)).job;
    };
    await run();
    const retryMissing = () =>
      retryJob(built, { classes: ['missing'], force: false, stage: null, route: null }, deps, signal);
    return { bench, built, run, retryMissing };
  }

  test('keep the answer of that attempt, and what came late beside it is paid for and counted once', async () => {
    const { bench, run, retryMissing } = await missingTwo();
    await retryMissing();
    // The second batch answers one of the two.
    await bench.setFaults('results-missing=1');
    const again = await run();
    const rows = await bench.deps.store.rows(again.id, 'main', 0, 10);
    expect(rows.filter(({ attempt, status }) => attempt === 2 && status === 'succeeded')).toHaveLength(1);
    expect(rows.filter(({ status }) => status === 'missing')).toHaveLength(1);
    await bench.setFaults();
    await run({ submit: false, until: 'once' });
    const after = await bench.deps.store.rows(again.id, 'main', 0, 10);
    expect(after.map(({ status }) => status)).toEqual(Array(8).fill('succeeded'));
    const kept = rows.find(({ attempt, status }) => attempt === 2 && status === 'succeeded');
    expect(after.find(({ seq }) => seq === kept?.seq)).toMatchObject({ attempt: 2, shardId: kept?.shardId });
    const done = await bench.deps.store.jobById(again.id);
    expect(await verifyJob(done, bench.deps, signal)).toMatchObject({
      requests: 8,
      succeeded: 8,
      missing: 0,
    });
    expect((await bench.ownBatches()).map(({ requests }) => requests)).toEqual([8, 2]);
    // Ten answers came of two batches, each of them paid.
    const spent = await bench.deps.store.spentOf(done.id);
    expect(spent.flatMap(({ lines }) => lines ?? []).reduce((sum, { answers }) => sum + answers, 0)).toBe(10);
  });

  test('retry asks for them first, and sends only what is still missing', async () => {
    const { bench, run, retryMissing } = await missingTwo();
    await bench.setFaults('results-missing=1');
    expect((await retryMissing()).requests).toBe(1);
    await bench.setFaults();
    const done = await run();
    expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([8, 1]);
    expect(await verifyJob(done, bench.deps, signal)).toMatchObject({ ok: true, succeeded: 8 });
    // For what is still missing of the first batch stands the good answer of the second.
    expect(await findMissing(done, bench.deps)).toEqual([]);
  });
});

test('a row of a later stage that was held for one that was missing goes out once that one has come', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const deps = { ...bench.deps, clock: hurriedClock };
  const { id } = await buildFrom(
    bench,
    `name: two
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { id: 1-4 } }
stages:
  - { name: notes, prompt: "Note {{ id }}" }
  - { name: report, needs: notes, prompt: "Report {{ notes.text }}" }
`,
  );
  const run = async (more: Partial<RunOptions> = {}) =>
    (await runJob(await deps.store.jobById(id), { ...FAST, ...more }, deps, signal)).job;
  await bench.setFaults('results-missing=1');
  expect(await run()).toMatchObject({ state: 'done', stages: [{ held: 0 }, { held: 1 }] });
  await bench.setFaults();
  expect(await run({ submit: false, until: 'once' })).toMatchObject({ state: 'submitting' });
  expect(await verifyJob(await run(), deps, signal)).toMatchObject({ ok: true, requests: 8, succeeded: 8 });
  expect((await bench.ownBatches()).map(({ requests }) => requests)).toEqual([4, 3, 1]);
});
