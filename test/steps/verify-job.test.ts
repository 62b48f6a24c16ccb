import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VerifyDocument } from '../../src/core/verify-document.ts';
import { retrieveJob } from '../../src/steps/retrieve-results.ts';
import { showRequest } from '../../src/steps/show-request.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { batchId, type Fixture, makeFixture, resultLine } from './results-fixture.ts';

let fixture: Fixture;
const signal = new AbortController().signal;
const good = (...seqs: number[]): string => seqs.map((seq) => `${resultLine(seq)}\n`).join('');
const verify = async (): Promise<VerifyDocument> =>
  verifyJob(await fixture.store.jobById(fixture.job.id), fixture.run.deps, signal);
const path = (name: string): string => join(fixture.root, 'batch_results', fixture.job.jobId, name);
const change = (name: string, edit: (text: string) => string): void =>
  writeFileSync(path(name), edit(readFileSync(path(name), 'utf8')));

async function start(
  lines: string,
  options: Parameters<typeof makeFixture>[0] = { shards: [4] },
): Promise<void> {
  fixture = await makeFixture(options);
  fixture.answer([lines]);
  await retrieveJob(fixture.run, signal);
}

afterEach(() => fixture.close());

describe('verify', () => {
  test('of a whole job is ok, in exactly the documented keys', async () => {
    await start(good(4, 2, 3, 1));
    expect(await verify()).toEqual({
      job_id: fixture.job.jobId,
      ok: true,
      requests: 4,
      succeeded: 4,
      errored: 0,
      canceled: 0,
      expired: 0,
      missing: 0,
      held: 0,
      unknown: 0,
      duplicate: 0,
      late_duplicates: 0,
      problems: [],
    });
  });

  test('counts each status, and sums to the requests', async () => {
    const expired = resultLine(2, { result: { type: 'expired' } });
    await start(`${good(1)}${expired}\n${resultLine(3, { result: { type: 'canceled' } })}\n`);
    expect(await verify()).toMatchObject({
      requests: 4,
      succeeded: 1,
      expired: 1,
      canceled: 1,
      missing: 1,
      errored: 0,
    });
  });

  test('names missing, conflicting, unknown and malformed lines', async () => {
    const conflict = resultLine(1, { text: 'other' });
    await start(`${good(1, 2, 2)}${conflict}\nnot json\n${resultLine(77)}\n`);
    const document = await verify();
    expect(document).toMatchObject({ ok: false, unknown: 1, duplicate: 2, missing: 2 });
    expect(document.problems).toEqual([
      expect.stringContaining('a second, different result for row-1--'),
      expect.stringContaining('a line that is not a result'),
      expect.stringContaining('a result for "row-77--'),
      expect.stringContaining('no result for 2 of 4 requests'),
    ]);
  });

  test('of a job that is not final says how far it is', async () => {
    await start(resultLine(3, { shard: 2 }), { shards: [2, 1], open: [1] });
    expect(await verify()).toMatchObject({
      ok: false,
      requests: 3,
      succeeded: 1,
      problems: ['the job is in_progress, not final: 2 of 3 requests have no outcome yet'],
    });
  });

  test('says at most 100 problems and how many more there are', async () => {
    await start(`${good(1, 2, 3, 4)}${'x\n'.repeat(150)}`);
    const { problems } = await verify();
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toBe('and 50 more');
  });
});

describe('verify finds', () => {
  beforeEach(() => start(good(4, 2, 3, 1)));

  test.each<readonly [string, () => void, string]>([
    [
      'a raw file that is gone',
      () => rmSync(path('main-0001.raw.jsonl')),
      'main-0001.raw.jsonl is not there',
    ],
    [
      'a byte of the raw file that was changed',
      () => change('main-0001.raw.jsonl', (text) => text.replace('answer 3', 'answer 8')),
      'is not the file that was downloaded',
    ],
    [
      'a raw line that now says something else',
      () => change('main-0001.raw.jsonl', (text) => text.replace('end_turn', 'refusal!')),
      'is not the file that was downloaded',
    ],
    [
      'a row that is not what its raw line says',
      () => change('main-0001.raw.jsonl', (text) => text.replace('"end_turn"', '"refusal"')),
      'is not recorded as this line says',
    ],
    ['results.jsonl that is gone', () => rmSync(path('results.jsonl')), 'results.jsonl is not there'],
    [
      'a line taken out of results.jsonl',
      () => change('results.jsonl', (text) => text.split('\n').toSpliced(1, 1).join('\n')),
      'line 2 is not the row of row-2',
    ],
    [
      'a last line taken out of results.jsonl',
      () => change('results.jsonl', (text) => text.split('\n').toSpliced(3, 1).join('\n')),
      'it ends before the row of row-4',
    ],
    [
      'lines too many in results.jsonl',
      () => change('results.jsonl', (text) => text + text),
      'has 4 lines too many',
    ],
    [
      'two lines of results.jsonl in the wrong order',
      () => change('results.jsonl', (text) => text.split('\n').slice(0, 4).reverse().join('\n')),
      'line 1 is not the row of row-1',
    ],
    [
      'an outcome changed in results.jsonl',
      () => change('results.jsonl', (text) => text.replace('"failure":null', '"failure":"refused"')),
      'line 1 is not the row of row-1',
    ],
    [
      'an answer that is not at its path',
      () => rmSync(path('out/main/row-3.md')),
      'the answer of row-3 is not at',
    ],
    [
      'a shard file that is gone',
      () => rmSync(join(fixture.root, 'batch_requests'), { recursive: true }),
      'main-0001.jsonl is not there',
    ],
  ])('%s', async (_name, damage, sentence) => {
    damage();
    const document = await verify();
    expect(document.ok).toBe(false);
    expect(document.problems.join('\n')).toContain(sentence);
  });
});

describe('one request', () => {
  test('is shown with its params, answer, attempt and path', async () => {
    await start(`${good(1, 2, 3)}${resultLine(4, { result: { type: 'expired' } })}\n`);
    const details = await showRequest(fixture.job, 'row-2', null, fixture.run.deps);
    expect(details).toMatchObject({
      customId: 'row-2',
      status: 'succeeded',
      failure: null,
      wireId: 'row-2--abcdefga-2',
      attempts: [{ number: 1, shard: 1, batchId: batchId(1), status: 'succeeded', failure: null }],
      outputPath: `batch_results/${fixture.job.jobId}/out/main/row-2.md`,
      isWritten: true,
    });
    expect(JSON.parse(details?.paramsJson ?? '')).toMatchObject({
      messages: [{ role: 'user', content: 'q2' }],
    });
    expect(JSON.parse(details?.rowJson ?? '')).toMatchObject({ custom_id: 'row-2', text: 'answer 2' });
    expect(await showRequest(fixture.job, 'row-4', null, fixture.run.deps)).toMatchObject({
      failure: 'expired',
      isWritten: false,
    });
  });

  test('without an outcome is shown as far as it is', async () => {
    await start('', { shards: [1], open: [1] });
    expect(await showRequest(fixture.job, 'row-1', null, fixture.run.deps)).toMatchObject({
      status: null,
      rowJson: null,
      wireId: 'row-1--abcdefga-1',
    });
  });

  test('that the job does not have is null', async () => {
    await start('', { shards: [1], open: [1] });
    expect(await showRequest(fixture.job, 'row-9', null, fixture.run.deps)).toBeNull();
  });
});
