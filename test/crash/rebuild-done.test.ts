import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  copyResults,
  expectPaidOnce,
  expectRows,
  LOSSES,
  loseAndRebuild,
  onBench,
  RECORDS,
  TWO_STAGES,
} from './rebuild-bench.ts';

describe('a job that was done', () => {
  test.each(Object.keys(LOSSES))(
    'is done again after the database was %s, with the same rows',
    onBench({ job: TWO_STAGES }, async (bench, loss) => {
      await bench.cli(...bench.submit());
      const dir = await bench.results();
      const before = copyResults(dir);
      const shown = (await bench.cli('list', '--all')).stdout;
      const calls = (await bench.truth()).calls;
      writeFileSync(join(bench.dir, 'notes/word3.md'), 'edited by hand');
      const { jobs, moved_to } = await loseAndRebuild(bench, loss);
      expect(jobs).toMatchObject([{ state: 'done', in_doubt: [], reopened: false, remarks: [] }]);
      expect(moved_to.length > 0).toBe(loss !== 'removed');
      for (const path of moved_to) expect(existsSync(join(bench.dir, path))).toBe(true);
      expect((await bench.truth()).calls).toEqual(calls);
      expect(readFileSync(join(bench.dir, 'notes/word3.md'), 'utf8')).toBe('edited by hand');
      expect((await bench.cli('list', '--all')).stdout).toBe(shown);
      for (const name of ['results.jsonl', 'failed.jsonl', 'summary.json']) rmSync(join(dir, name));
      expect((await bench.cli('retrieve', 'latest')).code).toBe(0);
      for (const name of ['results.jsonl', 'failed.jsonl', 'summary.json'])
        expect(readFileSync(join(dir, name), 'utf8')).toBe(readFileSync(join(before, name), 'utf8'));
      await expectPaidOnce(bench, 2 * RECORDS);
    }),
  );

  test(
    'keeps its retries: each attempt, and which of them counts',
    onBench({}, async (bench) => {
      await bench.setFaults('rows-errored=0.4');
      await bench.cli(...bench.submit());
      await bench.setFaults();
      const retried = await bench.cli('retry', 'latest', '--interval', '100ms');
      expect(retried.code, retried.stderr).toBe(0);
      const retriedIds = readFileSync(join(await bench.results(), 'results.jsonl'), 'utf8')
        .split('\n')
        .flatMap((line) => (line.includes('"attempt":2') ? [JSON.parse(line).custom_id as string] : []));
      const shows = async (): Promise<string> => {
        const texts = [];
        for (const id of retriedIds.slice(0, 2))
          texts.push((await bench.cli('show', 'latest', id, '--json')).stdout);
        return texts.join('');
      };
      const before = { shows: await shows(), cost: (await bench.cli('cost', 'latest', '--json')).stdout };
      expect(before.shows).toContain('"attempt": 2');
      await loseAndRebuild(bench);
      expect({ shows: await shows(), cost: (await bench.cli('cost', 'latest', '--json')).stdout }).toEqual(
        before,
      );
      await expectRows(await bench.results());
    }),
  );

  test(
    'whose raw results are gone gets them again, and keeps a copy of its rows until then',
    onBench({}, async (bench) => {
      await bench.cli(...bench.submit());
      const dir = await bench.results();
      const rows = readFileSync(join(dir, 'results.jsonl'), 'utf8');
      rmSync(join(dir, 'main-0001.raw.jsonl'));
      const { jobs, copies } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ state: 'ended', reopened: true }]);
      expect(copies.map((path) => readFileSync(join(bench.dir, path), 'utf8'))[0]).toBe(rows);
      expect((await bench.cli('retrieve', 'latest')).code).toBe(0);
      expect(readFileSync(join(dir, 'results.jsonl'), 'utf8')).toBe(rows);
      await expectPaidOnce(bench);
    }),
  );
});
