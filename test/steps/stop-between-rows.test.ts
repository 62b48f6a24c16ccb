import { expect, test } from 'vitest';
import type { Deps } from '../../src/steps/deps.ts';
import { retryJob } from '../../src/steps/retry-job.ts';
import { makeWorkbench } from '../support/workbench.ts';

const ROWS = 1_100;

/** A finished job of which every row failed, and a signal that stops what is done with it. */
async function allFailed() {
  const bench = await makeWorkbench({ batchSeconds: 0.1 });
  await bench.setFaults('rows-errored=1');
  const { job } = await bench.run(await bench.build(ROWS));
  await bench.setFaults();
  const { store } = bench.deps;
  const stop = new AbortController();
  const before = await store.rows(job.id, 'main', 0, ROWS);
  const wishes = { classes: ['api_error' as const], force: false, stage: null, route: null };
  const retry = (deps: Partial<Deps>) => retryJob(job, wishes, { ...bench.deps, ...deps }, stop.signal);
  const expectAsBefore = async () => {
    await store.settleAfterCrash(job.id);
    expect(await store.rows(job.id, 'main', 0, ROWS)).toEqual(before);
  };
  return { bench, store, stop, retry, expectAsBefore };
}

// Chunks of 500 rows: three are looked at for answers that came late, then as many are to go out again.
test.each([
  ['while it looks for late answers', 1, [0, 0]],
  ['while it makes requests', 4, [0, 0, 500, 1_000, 1_100, 0]],
])(
  'a retry that is stopped %s ends after the rows it is at, and leaves each as it was',
  async (_when, at, expected) => {
    const { bench, store, stop, retry, expectAsBefore } = await allFailed();
    const reason = new Error('stopped');
    const reads: number[] = [];
    const failedRows: typeof store.failedRows = (...args) => {
      reads.push(args[2]);
      return store.failedRows(...args);
    };
    let moments = 0;
    // As a signal comes in: in the moment that is left for it.
    const sleep = async (): Promise<void> => {
      moments += 1;
      if (moments === at) stop.abort(reason);
    };
    const stopped = retry({ store: { ...store, failedRows }, clock: { ...bench.deps.clock, sleep } });
    await expect(stopped).rejects.toBe(reason);
    expect(reads).toEqual(expected);
    await expectAsBefore();
  },
);

test('a retry that is stopped while it reads through a shard does not read to its end', async () => {
  const { bench, stop, retry, expectAsBefore } = await allFailed();
  const { files } = bench.deps;
  const reason = new Error('stopped');
  let read = 0;
  const lines: typeof files.lines = async function* (path) {
    for await (const chunk of files.lines(path)) {
      // As if it were a large file.
      for (const line of path.endsWith('main-0001.jsonl') ? chunk : []) {
        read += 1;
        stop.abort(reason);
        yield [line];
      }
      if (!path.endsWith('main-0001.jsonl')) yield chunk;
    }
  };
  await expect(retry({ files: { ...files, lines } })).rejects.toBe(reason);
  expect(read).toBe(1);
  await expectAsBefore();
});
