import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasEnded } from '../../src/core/batch.ts';
import { rawPath } from '../../src/core/ports/files.ts';
import type { BatchProvider, ResultsStream } from '../../src/core/ports/provider.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { type Download, downloadResults } from '../../src/steps/download-results.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;
const ROWS = 200;

interface Scene {
  readonly bench: Workbench;
  /** The whole text, as a line without faults brings it. */
  readonly text: Buffer;
  readonly path: string;
  readonly sleeps: readonly number[];
  /** Bytes that came, those that came for nothing among them. */
  readonly came: () => number;
  download(provider?: Partial<BatchProvider>, time?: Pick<Deps['clock'], 'monotonicMs'>): Promise<Download>;
}

/** A job whose batch has ended, and no results here yet. */
async function endedBatch(): Promise<Scene> {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await bench.build(ROWS);
  await bench.run(job, { until: 'submitted' });
  const view = await expect
    .poll(async () => {
      const { deps } = bench;
      for (const { batch } of await deps.store.shards(job.id))
        if (batch !== null)
          await deps.store.recordSeen((await deps.provider.retrieveBatch(batch.id, signal)).batch);
      return (await deps.store.shards(job.id)).find(({ batch }) => batch !== null && hasEnded(batch));
    })
    .toBeDefined()
    .then(async () => (await bench.deps.store.shards(job.id))[0]);
  if (view?.batch == null) throw new Error('no batch');
  const { shard, batch } = view;
  const text = await readAll(await bench.deps.provider.openResults(batch, signal));
  const sleeps: number[] = [];
  let came = 0;
  const counted: BatchProvider = {
    ...bench.deps.provider,
    async openResults(...args) {
      const stream = await bench.deps.provider.openResults(...args);
      return { ...stream, bytes: counting(stream.bytes, (bytes) => (came += bytes)) };
    },
  };
  const clock: Deps['clock'] = {
    ...bench.deps.clock,
    sleep: async (ms) => {
      sleeps.push(ms);
    },
  };
  return {
    bench,
    text,
    path: join(bench.dir, rawPath(bench.deps.files.resultsDir(job.jobId), shard.stage, shard.number)),
    sleeps,
    came: () => came,
    download: (provider = {}, time = clock) =>
      downloadResults(
        { job, shard, batch, isProven: true },
        {
          ...bench.deps,
          clock: { ...clock, monotonicMs: () => time.monotonicMs() },
          provider: { ...counted, ...provider },
        },
        signal,
      ),
  };
}

it('a download that is cut five times costs only the parts that are missing, where the server gives the rest', async () => {
  const { bench, text, path, sleeps, came, download } = await endedBatch();
  const cuts = [0.15, 0.3, 0.5, 0.7, 0.9].map((share) => `results-cut=${share}@1`);
  await bench.setFaults('results-ranges', ...cuts);
  expect(await download()).toMatchObject({ kind: 'downloaded', counts: { distinct: ROWS } });
  expect(readFileSync(path).equals(text)).toBe(true);
  expect(came()).toBe(text.length);
  expect(sleeps).toHaveLength(5);
  expect(Math.max(...sleeps)).toBeLessThanOrEqual(500);
});

it('a download that is cut five times begins five times, where the server gives no rest', async () => {
  const { bench, text, path, came, download } = await endedBatch();
  await bench.setFaults('results-cut=0.5@5');
  expect(await download()).toMatchObject({ kind: 'downloaded', counts: { distinct: ROWS } });
  expect(readFileSync(path).equals(text)).toBe(true);
  expect(came()).toBeGreaterThan(text.length * 3);
});

it('a line that brings nothing is left for later', async () => {
  const { bench, text, came, download } = await endedBatch();
  await bench.setFaults('results-ranges', 'results-cut=0.5@99');
  expect(await download()).toMatchObject({ kind: 'not_available' });
  // Six downloads, each with three answers that add nothing to its half.
  expect(came()).toBeLessThan(text.length * 3.5);
});

it.each([
  ['another text', (text: Buffer): ResultsStream => ({ bytes: once(text), startsAt: 0, etag: '"b"' })],
  ['the same text from its beginning', (text: Buffer) => ({ bytes: once(text), startsAt: 0, etag: '"a"' })],
])('where the rest is %s, the download begins anew', async (_what, answer) => {
  const { text, path, download } = await endedBatch();
  let opened = 0;
  const found = await download({
    async openResults(_batch, _signal, rest) {
      opened += 1;
      if (rest !== undefined || opened > 1) return answer(text);
      return { bytes: broken(text.subarray(0, 5_000)), startsAt: 0, etag: '"a"' };
    },
  });
  expect(found).toMatchObject({ kind: 'downloaded', counts: { distinct: ROWS, malformed: 0, duplicate: 0 } });
  expect(readFileSync(path).equals(text)).toBe(true);
  expect(opened).toBe(3);
});

it('a download tells of itself before its first byte, and each second where few come', async () => {
  const { bench, text, download } = await endedBatch();
  const told = () => bench.told.flatMap((one) => (one.kind === 'downloading' ? [one.bytes] : []));
  const piece = Math.ceil(text.length / 6);
  let nowMs = 0;
  async function* slow() {
    expect(told()).toEqual([0]);
    for (let at = 0; at < text.length; at += piece) {
      nowMs += 600;
      yield text.subarray(at, at + piece);
    }
  }
  await download(
    { openResults: async () => ({ bytes: slow(), startsAt: 0, etag: null }) },
    { monotonicMs: () => nowMs },
  );
  expect(told()).toEqual([0, 2 * piece, 4 * piece, text.length, text.length]);
});

async function readAll({ bytes }: ResultsStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function* counting(bytes: AsyncIterable<Uint8Array>, count: (bytes: number) => void) {
  for await (const chunk of bytes) {
    count(chunk.length);
    yield chunk;
  }
}

async function* once(text: Buffer) {
  yield text;
}

async function* broken(text: Buffer) {
  yield text;
  throw new Error('the connection broke');
}
