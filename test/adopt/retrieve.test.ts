import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import { createElsewhere, untilEnded } from '../support/colleague.ts';
import { NO_KEY, runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { benchOn, errorOf, makeAdoptBench, numbered } from './bench.ts';

const RAW = 'main-0001.raw.jsonl';
const ID = /^adopted-\d{8}-\d{6}$/;

describe('a batch that was made elsewhere', () => {
  test('becomes a job with one line a request in the natural order of its ids, and nothing is sent', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, ['row-10', 'Row-2', 'row-2', 'row-1']);
    await untilEnded(bench.url, batch);
    const retrieved = await bench.run('retrieve', batch, '--emulator');
    expect(retrieved.code, retrieved.stderr).toBe(0);
    expect(retrieved.stderr).toContain('4 requests, created');
    const job = await bench.json('status', batch);
    expect(job).toMatchObject({ state: 'done', requests: 4, succeeded: 4, adopted: true });
    expect(job['job_id']).toMatch(ID);
    expect(job['cost_microusd']).toBeGreaterThan(0);
    const rows = await bench.lines('results.jsonl');
    expect(rows.map((row) => row['custom_id'])).toEqual(['Row-2', 'row-1', 'row-2', 'row-10']);
    for (const row of rows) expect(row['text']).toContain(`answer-of-${row['custom_id']}-end`);
    // Two ids that some disks take for one keep a file each.
    expect(new Set(rows.map((row) => String(row['output']).toLowerCase())).size).toBe(4);
    for (const row of rows)
      expect(readFileSync(join(bench.dir, String(row['output'])), 'utf8')).toContain(
        `answer-of-${row['custom_id']}-end`,
      );
    expect(await bench.json('verify', batch)).toMatchObject({ ok: true, requests: 4, succeeded: 4 });
    expect((await bench.truth()).posts).toHaveLength(1);
    expect((await bench.truth()).calls).not.toHaveProperty('POST /v1/messages/batches/{id}/cancel');
  });

  test('has its raw results byte for byte as the API gave them', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, numbered(30));
    await untilEnded(bench.url, batch);
    await bench.run('retrieve', batch, '--emulator', '--name', 'theirs');
    const headers = { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2026-10-21' };
    const given = await fetch(`${bench.url}/v1/messages/batches/${batch}/results`, { headers });
    const { output_dir: folder, job_id: jobId } = await bench.json('status', 'theirs');
    expect(jobId).toMatch(/^theirs-/);
    const raw = readFileSync(join(bench.dir, String(folder), RAW));
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(hash(raw)).toBe(hash(new Uint8Array(await given.arrayBuffer())));
  });

  test('that is in progress is a pending job that shows in list, and is taken in once it has ended', async () => {
    const bench = await makeAdoptBench(3);
    const batch = await createElsewhere(bench.url, numbered(5));
    const first = await bench.run('retrieve', batch, '--emulator');
    expect(first.code, first.stderr).toBe(8);
    expect(first.stderr).toContain(`retrieve adopted-`);
    const [listed] = (await bench.json('list')) as unknown as readonly Record<string, unknown>[]; // a list
    expect(listed).toMatchObject({ state: 'in_progress', requests: 5, succeeded: 0 });
    const early = await bench.run('export', batch, '--format', 'csv', '--json', '-o', 'out.csv');
    expect([early.code, errorOf(early)['code']]).toEqual([2, 'rows_unknown']);
    expect((await bench.run('verify', batch)).code).toBe(3);
    const last = await bench.run('retrieve', batch, '--wait', '--interval', '200ms', '-o', 'rows.jsonl');
    expect(last.code, last.stderr).toBe(0);
    expect(readFileSync(join(bench.dir, 'rows.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(5);
  });

  test('is the same job when it is named twice, also by two processes at once', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, numbered(3));
    await untilEnded(bench.url, batch);
    await Promise.all([1, 2, 3].map(() => bench.run('retrieve', batch, '--emulator')));
    const again = await bench.run('retrieve', batch, '--emulator');
    expect(again.code, again.stderr).toBe(0);
    expect(await bench.json('list', '--all')).toHaveLength(1);
  });

  test('can be canceled, and leaves with 3 for the rows that were', async () => {
    const bench = await makeAdoptBench(36_000);
    const batch = await createElsewhere(bench.url, numbered(4));
    expect((await bench.run('retrieve', batch, '--emulator')).code).toBe(8);
    expect((await bench.run('cancel', batch)).code).toBe(0);
    const last = await bench.run('retrieve', batch, '--wait', '--interval', '100ms');
    expect(last.code, last.stderr).toBe(3);
    expect(await bench.json('status', batch)).toMatchObject({ state: 'canceled', canceled: 4 });
  });

  test('with rows that failed leaves with 3, and retry refuses since nobody here knows what was asked', async () => {
    const bench = await makeAdoptBench();
    await bench.setFaults(['rows-errored=0.3', 'rows-expired=0.3']);
    const batch = await createElsewhere(bench.url, numbered(20));
    await untilEnded(bench.url, batch);
    const retrieved = await bench.run('retrieve', batch, '--emulator');
    expect(retrieved.code, retrieved.stderr).toBe(3);
    const job = await bench.json('status', batch);
    expect(Number(job['succeeded']) + Number(job['errored']) + Number(job['expired'])).toBe(20);
    expect(await bench.lines('failed.jsonl')).toHaveLength(20 - Number(job['succeeded']));
    const retried = await bench.run('retry', batch, '--json');
    expect([retried.code, errorOf(retried)['code']]).toEqual([2, 'requests_unknown']);
    expect((await bench.truth()).posts).toHaveLength(1);
    const shown = await bench.run('show', batch, 'doc-3');
    expect(shown.stdout).toContain('made elsewhere');
    expect((await bench.run('resume')).code).toBe(0);
    expect((await bench.run('cost', batch)).code).toBe(0);
    const exported = await bench.run('export', batch, '--format', 'csv');
    expect([exported.code, exported.stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^custom_id,/),
    ]);
  });

  test('whose results are short gets unnamed missing rows, and verify says so', async () => {
    const bench = await makeAdoptBench();
    await bench.setFaults(['results-missing=2']);
    const batch = await createElsewhere(bench.url, numbered(6));
    await untilEnded(bench.url, batch);
    const retrieved = await bench.run('retrieve', batch, '--emulator');
    expect(retrieved.code, retrieved.stderr).toBe(3);
    expect(await bench.json('status', batch)).toMatchObject({ requests: 6, succeeded: 4, missing: 2 });
    const rows = await bench.lines('results.jsonl');
    expect(rows.slice(4).map((row) => [row['custom_id'], row['status']])).toEqual([
      ['(unnamed 1)', 'missing'],
      ['(unnamed 2)', 'missing'],
    ]);
    const verified = await bench.run('verify', batch, '--json');
    expect(verified.code).toBe(3);
    expect(verified.stdout).toContain('no result for 2 of 6 requests');
    // The rows turn up: the raw results are gone here, and the next download has all of them.
    await bench.setFaults([]);
    const { output_dir: folder } = await bench.json('status', batch);
    rmSync(join(bench.dir, String(folder), RAW));
    const again = await bench.run('retrieve', batch);
    expect(again.code, again.stderr).toBe(0);
    expect((await bench.lines('results.jsonl')).map((row) => row['custom_id'])).toEqual(numbered(6));
    expect(await bench.json('verify', batch)).toMatchObject({ ok: true, requests: 6, succeeded: 6 });
  });

  test('gets the same rows in the same order in any workspace, whatever the order of the stream', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, numbered(12));
    await untilEnded(bench.url, batch);
    await bench.run('retrieve', batch, '--emulator');
    await bench.setFaults(['results-reversed@3']);
    const other = benchOn(bench.url, makeTempDir());
    await other.run('retrieve', batch, '--emulator');
    const [raw, otherRaw] = [await bench.lines(RAW), await other.lines(RAW)];
    expect(otherRaw.map((line) => line['custom_id'])).toEqual(raw.map((line) => line['custom_id']).reverse());
    for (const one of [bench, other])
      expect((await one.lines('results.jsonl')).map((row) => row['custom_id'])).toEqual(numbered(12));
  });

  test('with a line that contradicts an earlier one keeps the first, and verify says so', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, numbered(11));
    await untilEnded(bench.url, batch);
    // Two streams are only looked into: whose it is is asked when it is found, and before it is downloaded.
    await bench.setFaults(['results-conflict@3']);
    const retrieved = await bench.run('retrieve', batch, '--emulator');
    expect(retrieved.code).toBe(3);
    expect(retrieved.stderr).toContain('a second, different result');
    expect((await bench.lines('results.jsonl')).map((row) => row['custom_id'])).toEqual(numbered(11));
    expect((await bench.run('verify', batch)).code).toBe(3);
  });
});

describe('what is not taken in', () => {
  test('an id that the API does not know leaves nothing behind, and says whose batches a key can see', async () => {
    const bench = await makeAdoptBench();
    const unknown = await bench.run('retrieve', 'msgbatch_01Nowhere', '--emulator', '--json');
    expect([unknown.code, errorOf(unknown)['code']]).toEqual([5, 'batch_not_found']);
    expect(errorOf(unknown)['why']).toContain('may not be found yet');
    expect(readdirSync(bench.dir)).toEqual([]);
    const mistyped = await bench.run('retrieve', 'reviews', '--emulator', '--json');
    expect([mistyped.code, errorOf(mistyped)['code']]).toEqual([2, 'job_not_found']);
    expect((await bench.truth()).calls['GET /v1/messages/batches/{id}']).toBe(3);
  }, 30_000);

  test('a batch of another workspace is not found', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, numbered(2), { key: 'sk-emu-others' });
    const refused = await bench.run('retrieve', batch, '--emulator', '--json');
    expect([refused.code, errorOf(refused)['code']]).toEqual([5, 'batch_not_found']);
    expect(existsSync(join(bench.dir, '.batchctl'))).toBe(false);
  }, 30_000);

  test('a batch that is not found for a moment is asked for again', async () => {
    const bench = await makeAdoptBench();
    const batch = await createElsewhere(bench.url, numbered(2));
    await untilEnded(bench.url, batch);
    await bench.setFaults(['get-404@2', 'get-500@1']);
    const found = await bench.run('retrieve', batch, '--emulator');
    expect(found.code, found.stderr).toBe(0);
  }, 30_000);

  test('a batch whose results were removed is refused, and no job is made', async () => {
    // 29 days in a second.
    const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 1, clockRate: 2_600_000 });
    onTestFinished(() => emulator.close());
    const bench = benchOn(emulator.url, makeTempDir());
    const batch = await createElsewhere(bench.url, numbered(2));
    await expect
      .poll(async () => JSON.stringify(await bench.json('list', '--remote', '--emulator')), {
        timeout: 20_000,
      })
      .toMatch(/"archived_at":"/);
    const refused = await bench.run('retrieve', batch, '--emulator', '--json');
    expect([refused.code, errorOf(refused)['code']]).toEqual([5, 'results_gone']);
    expect(await bench.json('list', '--all')).toEqual([]);
  }, 40_000);

  test('without a key it is said that one is missing', async () => {
    const bench = await makeAdoptBench();
    const args = ['retrieve', 'msgbatch_01Nowhere', '--json'];
    const refused = await runCli(args, { cwd: bench.dir, env: NO_KEY });
    expect([refused.code, errorOf(refused)['code']]).toEqual([4, 'key_missing']);
  });
});
