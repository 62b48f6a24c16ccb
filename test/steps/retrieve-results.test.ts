import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readAppliedReports } from '../../src/core/applied-report.ts';
import { AuthError, ProviderError } from '../../src/core/errors.ts';
import { type Retrieval, retrieveJob } from '../../src/steps/retrieve-results.ts';
import { searchAndRemove } from '../support/canary.ts';
import {
  batchId,
  batchOf,
  customId,
  type Fixture,
  type FixtureOptions,
  makeFixture,
  notFound,
  resultLine,
  tree,
} from './results-fixture.ts';

let fixture: Fixture;
afterEach(() => fixture.close());
const signal = new AbortController().signal;

async function start(options: FixtureOptions = {}): Promise<Fixture> {
  fixture = await makeFixture(options);
  return fixture;
}

const retrieve = (): Promise<Retrieval> => retrieveJob(fixture.run, signal);
const dir = (): string => `batch_results/${fixture.job.jobId}`;
const read = (name: string): string => readFileSync(join(fixture.root, dir(), name), 'utf8');
const names = (): string[] =>
  readdirSync(join(fixture.root, dir()), { recursive: true, encoding: 'utf8' }).sort();
const rowsIn = (name: string): Record<string, unknown>[] =>
  read(name)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const column = (name: string, file = 'results.jsonl'): unknown[] => rowsIn(file).map((row) => row[name]);
const state = async (): Promise<string> => (await fixture.store.jobById(fixture.job.id)).state;
const report = async () => readAppliedReports(await fixture.store.events(fixture.job.id))[0];
const good = (...seqs: number[]): string => seqs.map((seq) => `${resultLine(seq)}\n`).join('');
const broken = (): never => {
  throw new Error('socket hang up');
};

describe('a job whose batches have ended', () => {
  test('is done in one call, with a row for every request in input order', async () => {
    const { answer } = await start({ shards: [3] });
    answer([good(3, 1), good(2)]);
    expect(await retrieve()).toEqual({
      applied: 1,
      pending: [],
      unavailable: [],
      isAdvanced: false,
      state: 'done',
    });
    expect(await state()).toBe('done');
    expect(rowsIn('results.jsonl')).toEqual(
      [1, 2, 3].map((seq) => ({
        custom_id: customId(seq),
        stage: 'main',
        group: null,
        status: 'succeeded',
        failure: null,
        text: `answer ${seq}`,
        json: null,
        stop_reason: 'end_turn',
        model: 'claude-haiku-5-5',
        usage: {
          input_tokens: 2,
          output_tokens: 3,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 1,
        },
        // 2 × 0.05 + 3 × 0.25 + 1 × 0.005 = 0.855
        cost_microusd: 1,
        error: null,
        attempt: 1,
        reused: false,
        batch_id: batchId(1),
        output: `${dir()}/out/main/${customId(seq)}.md`,
      })),
    );
    expect(read('out/main/row-2.md')).toBe('answer 2\n');
    expect(read('failed.jsonl')).toBe('');
    expect(JSON.parse(read('summary.json'))).toMatchObject({
      state: 'done',
      requests: 3,
      succeeded: 3,
      usage: { input_tokens: 6, output_tokens: 9 },
      batches: [{ batch_id: batchId(1), ended_at: '2026-11-20T11:59:59.000Z' }],
      problems: [],
    });
    expect(JSON.parse(read(`batch_${batchId(1)}_info.json`))).toMatchObject({ processing_status: 'ended' });
  });

  test('keeps what the API sent byte for byte', async () => {
    const { answer } = await start({ shards: [2] });
    const sent = `${resultLine(2)}\r\n\n  \n\n${resultLine(1)}`;
    answer([...sent]);
    expect((await retrieve()).state).toBe('done');
    expect(read('main-0001.raw.jsonl')).toBe(sent);
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
  });

  test('leaves private files to their owner alone', async () => {
    const { answer, root } = await start({ shards: [1], private: true });
    answer([good(1)]);
    await retrieve();
    for (const name of names())
      expect([name, statSync(join(root, dir(), name)).mode & 0o077]).toEqual([name, 0]);
  });

  test('shows the rows known so far while another batch is open', async () => {
    const { answer, store } = await start({ shards: [2, 2], open: [1] });
    answer([resultLine(3, { shard: 2 }), '\n', resultLine(4, { shard: 2 })]);
    const first = await retrieve();
    expect([first.applied, first.state, first.pending.map((view) => view.shard.number)]).toEqual([
      1,
      null,
      [1],
    ]);
    expect(column('custom_id', 'results.partial.jsonl')).toEqual([customId(3), customId(4)]);
    expect(names()).not.toContain('results.jsonl');

    await store.recordSeen(batchOf(1, 2));
    answer([good(1, 2)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('custom_id')).toEqual([1, 2, 3, 4].map(customId));
    expect(names()).not.toContain('results.partial.jsonl');
  });

  test('costs neither a download nor a write when nothing is new', async () => {
    const { answer, downloads, root } = await start({ shards: [1, 1], open: [1] });
    answer([resultLine(2, { shard: 2 })]);
    await retrieve();
    const before = statSync(join(root, dir(), 'results.partial.jsonl'));
    await retrieve();
    expect(downloads()).toBe(1);
    expect(statSync(join(root, dir(), 'results.partial.jsonl')).ino).toBe(before.ino);
  });
});

describe('an answer that is no good', () => {
  const stopped = (stop_reason: string): object => ({
    type: 'succeeded',
    message: { content: [{ type: 'text', text: 'half' }], stop_reason, model: 'm' },
  });

  test('is a row of its class and is not written to its path, where an older file stays', async () => {
    const results = [
      stopped('max_tokens'),
      stopped('refusal'),
      stopped('pause_turn'),
      {
        type: 'errored',
        error: { type: 'error', error: { type: 'overloaded_error', message: 'busy' }, request_id: 'req_9' },
      },
      { type: 'expired' },
      { type: 'canceled' },
      { type: 'from_the_future' },
    ];
    const { answer, root } = await start({ shards: [8], outputPath: (seq) => `reports/${seq}.md` });
    mkdirSync(join(root, 'reports'));
    for (const seq of [1, 2]) writeFileSync(join(root, `reports/${seq}.md`), `older ${seq}`);
    answer([...results.map((result, index) => `${resultLine(index + 1, { result })}\n`), good(8)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('status')).toEqual([
      'succeeded',
      'succeeded',
      'succeeded',
      'errored',
      'expired',
      'canceled',
      'errored',
      'succeeded',
    ]);
    expect(column('failure')).toEqual([
      'truncated',
      'refused',
      'paused',
      'overloaded',
      'expired',
      'canceled',
      'api_error',
      null,
    ]);
    expect(column('output')).toEqual([...Array(7).fill(null), 'reports/8.md']);
    expect(column('text').slice(0, 4)).toEqual(['half', 'half', 'half', null]);
    expect(rowsIn('results.jsonl')[3]?.['error']).toEqual({
      type: 'overloaded_error',
      message: 'busy',
      request_id: 'req_9',
    });
    expect(tree(root, 'reports')).toEqual({ '1.md': 'older 1', '2.md': 'older 2', '8.md': 'answer 8\n' });
    expect(column('custom_id', 'failed.jsonl')).toEqual([1, 2, 3, 4, 5, 6, 7].map(customId));
    expect(JSON.parse(read('summary.json')).failures).toEqual({
      truncated: 1,
      refused: 1,
      paused: 1,
      overloaded: 1,
      expired: 1,
      canceled: 1,
      api_error: 1,
    });
  });
});

describe('what the model said', () => {
  test('goes to its file unchanged but for a last newline', async () => {
    const { answer } = await start({ shards: [3] });
    const texts = ['', 'ends\n', '\ud800 | \u2028 | é | <b>\r\nx'];
    answer(texts.map((text, index) => `${resultLine(index + 1, { text })}\n`));
    await retrieve();
    expect([1, 2, 3].map((seq) => read(`out/main/row-${seq}.md`))).toEqual([
      '',
      'ends\n',
      '\ufffd | \u2028 | é | <b>\r\nx\n',
    ]);
    expect(column('text')).toEqual(texts);
  });

  test('keeps its numbers as they came in the input of a tool', async () => {
    const { answer } = await start({ shards: [1] });
    const content =
      '[{"type":"tool_use","id":"t","name":"n","input":{"id":12345678901234567890, "f":1.10,"e":1e400}}]';
    const result = { type: 'succeeded', message: { content: 'HERE', stop_reason: 'tool_use' } };
    answer([resultLine(1, { result }).replace('"HERE"', content)]);
    await retrieve();
    expect(read('results.jsonl')).toContain(`"json":null,"content":${content},"stop_reason":"tool_use"`);
    expect(read('out/main/row-1.md')).toBe(`${content}\n`);
  });
});

describe('a stream that is not whole', () => {
  test.each([
    ['breaks in a line', [good(1), resultLine(2).slice(0, 50), broken]],
    ['breaks at a line end', [good(1), broken]],
    ['breaks after the headers', [broken]],
    ['breaks after the last line', [good(1, 2, 3), broken]],
    ['ends cleanly at a line end', [good(1, 2)]],
    ['ends cleanly in the last line', [good(1, 2), resultLine(3).slice(0, -5)]],
    ['is empty', []],
  ])('because it %s is downloaded again from zero', async (_name, stream) => {
    const { answer, downloads, waits } = await start({ shards: [3] });
    answer(stream, [good(3, 2, 1)]);
    expect((await retrieve()).state).toBe('done');
    expect(downloads()).toBe(2);
    expect(waits).toHaveLength(1);
    expect(read('main-0001.raw.jsonl')).toBe(good(3, 2, 1));
    expect(names().filter((name) => name.includes('.partial'))).toEqual([]);
  });

  test('three times alike leaves the rest missing, named and counted', async () => {
    const { answer, downloads } = await start({ shards: [3] });
    answer([good(3, 1)]);
    expect((await retrieve()).state).toBe('done');
    expect(downloads()).toBe(3);
    expect(column('status')).toEqual(['succeeded', 'missing', 'succeeded']);
    expect(column('failure')).toEqual([null, 'missing', null]);
    expect(rowsIn('results.jsonl')[1]).toMatchObject({ text: null, usage: null, error: null, output: null });
    expect(JSON.parse(read('summary.json'))).toMatchObject({
      succeeded: 2,
      missing: 1,
      failures: { missing: 1 },
      problem_count: 1,
    });
  });

  test('each time at another place is worth coming back for, and loses nothing', async () => {
    const { answer } = await start({ shards: [3] });
    answer([good(1)], [], [good(1, 2)]);
    const first = await retrieve();
    expect([first.state, first.unavailable]).toEqual([
      null,
      [{ batchId: batchId(1), why: '2 of 3 rows came' }],
    ]);
    answer([good(1, 2, 3)]);
    expect((await retrieve()).state).toBe('done');
  });

  test('because it is empty three times leaves every row missing', async () => {
    const { answer, downloads } = await start({ shards: [3] });
    answer([]);
    expect((await retrieve()).state).toBe('done');
    expect(downloads()).toBe(3);
    expect(column('failure')).toEqual(['missing', 'missing', 'missing']);
    expect(names()).toContain('main-0001.raw.jsonl');
  });

  test.each([
    ['once, with a broken one', [[], [broken], []]],
    ['and once not', [[], [good(1)], []]],
    ['but for lines of someone else', [['{"custom_id":"x","result":{"type":"canceled"}}\n'], [], []]],
    ['but for lines that are not results', [[], [], ['<html>\n']]],
  ])('because it is empty %s makes no row missing', async (_name, streams) => {
    const { answer } = await start({ shards: [3] });
    answer(...streams);
    expect((await retrieve()).state).toBeNull();
    expect((await fixture.views())[0]?.shard.state).toBe('live');
  });

  test('because it is empty proves nothing for a batch that the user named', async () => {
    const { answer } = await start({ shards: [3], adopted: true });
    answer([]);
    expect(await retrieve()).toMatchObject({ state: null, unavailable: [{ why: '0 of 3 rows came' }] });
  });

  test('because the connection always breaks makes no row missing', async () => {
    const { answer } = await start({ shards: [3] });
    answer([good(1, 2), broken]);
    const first = await retrieve();
    expect(first.unavailable[0]?.why).toMatch(/^the connection broke after \d+ bytes$/);
    expect((await fixture.views())[0]?.shard.state).toBe('live');
    expect(names()).toEqual([]);
  });
});

describe('lines that should not be there', () => {
  test('repeated with the same content are counted and ignored', async () => {
    const { answer } = await start({ shards: [2] });
    answer([good(1, 2, 2), `${resultLine(1).replace('":', '": ')}\n`]);
    await retrieve();
    expect(await report()).toMatchObject({ duplicate: 2, conflicting: 0, problems: [], distinct: 2 });
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
  });

  test('with different content for one request leave the first, and are told', async () => {
    const { answer } = await start({ shards: [2] });
    answer([good(1), `${resultLine(1, { text: 'other' })}\n`, good(2)]);
    await retrieve();
    expect(column('text')).toEqual(['answer 1', 'answer 2']);
    expect(read('out/main/row-1.md')).toBe('answer 1\n');
    expect(await report()).toMatchObject({ duplicate: 1, conflicting: 1, problemCount: 1 });
    expect(JSON.parse(read('summary.json')).problems[0]).toContain('a second, different result for row-1--');
  });

  test('unknown or malformed are problems with their place, and the rest is taken', async () => {
    const { answer } = await start({ shards: [2] });
    const stranger = '{"custom_id":"someone-else","result":{"type":"canceled"}}\n';
    answer([stranger, good(1), 'not json\n', `${resultLine(99)}\n`, '[]\n', good(2)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('status')).toEqual(['succeeded', 'succeeded']);
    const problems = (await report())?.problems ?? [];
    expect(await report()).toMatchObject({ unknown: 2, malformed: 2, problemCount: 4 });
    expect(problems[0]).toBe(
      `${dir()}/main-0001.raw.jsonl, byte 0: a result for "someone-else", which was not sent`,
    );
    expect(problems[1]).toBe(
      `${dir()}/main-0001.raw.jsonl, byte ${stranger.length + good(1).length}: a line that is not a result`,
    );
  });
});

describe('whose a batch is', () => {
  const foreign = Array.from(
    { length: 30 },
    (_, index) => `{"custom_id":"x--zzzzzzzz-${index + 1}","result":{"type":"canceled"}}\n`,
  );

  test('named by the user is told by its results: a stranger goes, and the shard is in doubt again', async () => {
    const { answer, store, job } = await start({ shards: [30], adopted: true });
    let sent = 0;
    answer([
      ...foreign.map((line) => line),
      () => {
        sent += 1;
      },
    ]);
    const retrieval = await retrieve();
    expect(retrieval).toMatchObject({ applied: 0, unavailable: [], isAdvanced: false, state: null });
    expect(sent).toBe(0);
    expect(await state()).toBe('in_doubt');
    expect((await store.doubts(job.id))[0]?.state).toBe('in_doubt');
    expect((await fixture.views())[0]?.batch).toBeNull();
    expect(names()).toEqual([]);
  });

  test('named by the user is ours although a strange line comes first', async () => {
    const { answer } = await start({ shards: [2], adopted: true });
    answer([foreign[0] ?? '', good(1, 2)]);
    expect((await retrieve()).state).toBe('done');
  });

  test('answered to our own create is never given up, whatever lines it has', async () => {
    const { answer, allowListing } = await start({ shards: [30] });
    answer([...foreign]);
    // The account is searched for another batch that bears the nonce; where there is none, nothing is given up.
    allowListing();
    expect(await retrieve()).toMatchObject({ state: null, unavailable: [{ why: '0 of 30 rows came' }] });
    expect((await fixture.views())[0]?.batch?.id).toBe(batchId(1));
  });
});

describe('results that are not found', () => {
  test('for a while are had in the same call', async () => {
    const { answer } = await start({ shards: [1] });
    answer(notFound(), notFound(), [good(1)]);
    expect((await retrieve()).state).toBe('done');
  });

  test('all the time stay pending, with nothing missing', async () => {
    const { answer } = await start({ shards: [1] });
    answer(notFound());
    expect(await retrieve()).toMatchObject({
      state: null,
      unavailable: [{ batchId: batchId(1), why: 'not found' }],
    });
    expect((await fixture.views())[0]?.shard.state).toBe('live');
  });

  test.each([
    ['the API says that they were removed', { archivedAt: '2026-11-20T11:00:00Z' }],
    ['29 days are over', { createdAt: '2026-10-20T11:00:00Z' }],
  ])('once %s make the rows missing and the job failed', async (_name, more) => {
    const { answer, store } = await start({ shards: [2] });
    await store.recordSeen(batchOf(1, 2, more));
    answer(notFound());
    expect((await retrieve()).state).toBe('failed');
    expect(column('status')).toEqual(['missing', 'missing']);
    expect(JSON.parse(read('summary.json'))).toMatchObject({ state: 'failed', missing: 2 });
  });

  test('are no reason to wait when the key is refused', async () => {
    const { answer } = await start({ shards: [1] });
    answer(new AuthError('no', { code: 'key_refused', next: 'again' }));
    await expect(retrieve()).rejects.toMatchObject({ code: 'key_refused' });
  });

  test('because the API is busy stay pending', async () => {
    const { answer } = await start({ shards: [1] });
    answer(new ProviderError('busy', { code: 'overloaded', next: 'again', status: 529, retryable: true }));
    expect(await retrieve()).toMatchObject({ state: null, unavailable: [{ why: 'busy' }] });
  });
});

describe('a path that cannot be written', () => {
  test('costs its row the file and nothing else', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'batchctl-elsewhere-'));
    const paths = ['reports/1.md', 'linked/2.md', 'taken/3.md', 'reports/4.md'];
    const { answer, root } = await start({ shards: [4], outputPath: (seq) => paths[seq - 1] ?? null });
    symlinkSync(elsewhere, join(root, 'linked'));
    mkdirSync(join(root, 'taken/3.md'), { recursive: true });
    answer([good(1, 2, 3, 4)]);
    expect((await retrieve()).state).toBe('done');
    expect(column('output')).toEqual(['reports/1.md', null, null, 'reports/4.md']);
    expect(column('text')).toEqual([1, 2, 3, 4].map((seq) => `answer ${seq}`));
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(await report()).toMatchObject({ refusedOutputs: [[2, 3]], problemCount: 2 });
    searchAndRemove(elsewhere);
  });
});

describe('a second call', () => {
  test('puts back what was removed of a final job, and leaves alone what is there', async () => {
    const { answer, root, downloads } = await start({ shards: [3] });
    answer([good(1, 2, 3)]);
    await retrieve();
    const before = tree(root, dir());
    for (const name of ['out/main/row-2.md', 'results.jsonl', 'summary.json'])
      rmSync(join(root, dir(), name));
    writeFileSync(join(root, dir(), 'out/main/row-1.md'), 'edited');
    await retrieve();
    expect(tree(root, dir())).toEqual({ ...before, 'out/main/row-1.md': 'edited' });
    expect(downloads()).toBe(1);
  });

  test('after raw results were recorded and then damaged downloads them again', async () => {
    const { answer, store, files, downloads } = await start({ shards: [2] });
    const [view] = await fixture.views();
    await store.recordDownload(view?.shard.id ?? 0, { bytes: 5, sha256: 'ab'.repeat(32) });
    files.replace(`${dir()}/main-0001.raw.jsonl`, 'other', { private: false, durable: false });
    answer([good(1, 2)]);
    expect((await retrieve()).state).toBe('done');
    expect(downloads()).toBe(1);
  });

  test('after the raw results were recorded applies them without the API', async () => {
    const { answer, store, files, downloads } = await start({ shards: [2] });
    const [view] = await fixture.views();
    const raw = files.createHashed(`${dir()}/main-0001.raw.jsonl`, { private: false });
    raw.write(good(2, 1));
    await store.recordDownload(view?.shard.id ?? 0, raw.finish());
    answer(new Error('must not be asked'));
    expect((await retrieve()).state).toBe('done');
    expect(downloads()).toBe(0);
  });
});

test('a job asked to cancel is canceled when rows were', async () => {
  const { answer, store, job } = await start({ shards: [2] });
  await store.requestCancel(job.id, new Date());
  answer([good(1), `${resultLine(2, { result: { type: 'canceled' } })}\n`]);
  expect((await retrieve()).state).toBe('canceled');
});

test('a job asked to cancel too late is done', async () => {
  const { answer, store, job } = await start({ shards: [2] });
  await store.requestCancel(job.id, new Date());
  answer([good(1, 2)]);
  expect((await retrieve()).state).toBe('done');
});

test('an interrupted download leaves nothing behind', async () => {
  const { answer, run } = await start({ shards: [2] });
  const controller = new AbortController();
  answer([good(1), () => controller.abort(new Error('stop')), good(2)]);
  await expect(retrieveJob(run, controller.signal)).rejects.toThrow('stop');
  expect(names()).toEqual([]);
});
