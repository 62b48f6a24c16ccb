import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seeded } from '../support/seeded.ts';
import {
  copyResults,
  expectPaidOnce,
  expectRows,
  killAt,
  LOSSES,
  loseAndRebuild,
  makeRebuildBench,
  RECORDS,
  TWO_STAGES,
  untilPosted,
} from './rebuild-bench.ts';

const PATIENCE_MS = 60_000;

describe('a database that was lost is made again from the files, and the job goes on', () => {
  test(
    'built and never sent: it is sent once',
    async () => {
      const bench = await makeRebuildBench();
      await bench.cli('build', '--emulator', '--max-shard-requests', '5');
      const { jobs } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ state: 'built', batches: [], in_doubt: [] }]);
      expect((await bench.truth()).posts).toEqual([]);
      expect(await bench.cli(...bench.submit())).toMatchObject({ code: 0 });
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test(
    'one shard of three sent: only the others go out',
    async () => {
      const bench = await makeRebuildBench({ batchSeconds: 2 });
      await bench.setFaults('queue=6');
      await killAt(bench.start(...bench.submit()), 'no more batches');
      await bench.setFaults();
      const { jobs } = await loseAndRebuild(bench, 'overwritten with noise');
      expect(jobs).toMatchObject([{ state: 'submitting', in_doubt: [] }]);
      expect(jobs[0]?.batches).toHaveLength(1);
      expect((await bench.cli('resume', '--interval', '100ms')).code).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test.each([
    ['create-hang@1', 'killed before any answer, its batch is found again'],
    ['lost-reply@1', 'its batch is found again'],
    ['create-500@1', 'its absence is proven before it goes out again'],
  ])(
    'in doubt after %s: %s',
    async (fault) => {
      const bench = await makeRebuildBench({ batchSeconds: 2 });
      await bench.setFaults(fault);
      const running = bench.start(...bench.submit());
      if (fault.startsWith('create-hang')) await untilPosted(bench);
      else await running.waitFor('in doubt');
      running.child.kill('SIGKILL');
      await running.finished;
      const posts = (await bench.truth()).posts.length;
      const { jobs } = await loseAndRebuild(bench, 'cut in the middle');
      // The account was asked: what the lost answer made is a candidate, or proven already where it has ended.
      const found = jobs.flatMap((job) => [
        ...job.batches,
        ...job.in_doubt.flatMap((doubt) => doubt.candidates),
      ]);
      const { batches } = await bench.truth();
      expect([...new Set(found)].sort()).toEqual(batches.map(({ id }) => id).sort());
      if (fault.startsWith('create-500')) expect(jobs[0]?.in_doubt).toHaveLength(1);
      expect((await bench.truth()).posts).toHaveLength(posts);
      const resumed = await bench.cli('resume', '--settle', '1s', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test(
    'all batches in progress: they are waited for',
    async () => {
      const bench = await makeRebuildBench({ batchSeconds: 1 });
      await bench.cli(...bench.submit('--submit-only'));
      const { jobs } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ state: 'in_progress', in_doubt: [] }]);
      expect((await bench.cli('retrieve', 'latest', '--wait', '--interval', '100ms')).code).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test(
    'killed while results were read: the rest is read',
    async () => {
      const bench = await makeRebuildBench();
      await killAt(bench.start(...bench.submit()), 'reading the results');
      await loseAndRebuild(bench);
      const resumed = await bench.cli('resume', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test(
    'canceled with shards unsent: those stay unsent',
    async () => {
      const bench = await makeRebuildBench({ batchSeconds: 1 });
      await bench.setFaults('queue=6');
      await killAt(bench.start(...bench.submit()), 'no more batches');
      await bench.setFaults();
      await bench.cli('cancel', 'latest');
      await loseAndRebuild(bench);
      await bench.cli('resume', '--interval', '100ms');
      expect((await bench.status()).state).toBe('canceled');
      expect((await bench.truth()).batches).toHaveLength(1);
      expect(JSON.parse((await bench.cli('verify', 'latest', '--json')).stdout)).toMatchObject({
        ok: true,
        requests: RECORDS,
        missing: 0,
      });
    },
    PATIENCE_MS,
  );

  test(
    'two stages, lost between them: the second is made from the first',
    async () => {
      const bench = await makeRebuildBench({ job: TWO_STAGES });
      await killAt(bench.start(...bench.submit()), 'stage report');
      await loseAndRebuild(bench);
      const resumed = await bench.cli('resume', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench, 2 * RECORDS);
    },
    PATIENCE_MS,
  );

  test(
    'in real time, half of it answered: nothing that has an answer is asked again',
    async () => {
      const bench = await makeRebuildBench();
      await bench.setFaults('message-slow=0.2@1000');
      const running = bench.start('submit', '--emulator', '--yes', '--concurrency', '1');
      for (let tries = 0; tries < 400 && (await bench.truth()).messages.length < 5; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 25));
      running.child.kill('SIGKILL');
      await running.finished;
      await bench.setFaults();
      const { jobs } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ state: 'submitting', batches: [], in_doubt: [] }]);
      const resumed = await bench.cli('resume');
      expect(resumed.code, resumed.stderr).toBe(0);
      // The one call that the kill cut off may be asked again.
      expect((await bench.truth()).messages.length).toBeLessThanOrEqual(RECORDS + 1);
      await expectRows(await bench.results());
    },
    PATIENCE_MS,
  );
});

test.each([
  ['is cut', (lines: readonly string[]) => lines.slice(0, 7), 'wrong after line 7'],
  [
    'has a record twice',
    (lines: readonly string[]) => [...lines.slice(0, -1), lines[0] ?? ''],
    'built of 12',
  ],
] as const)(
  'from a records.jsonl that %s no database is made, and once it is put back one is',
  async (_how, damage, why) => {
    const bench = await makeRebuildBench();
    await bench.cli('build', '--emulator');
    const [jobId = ''] = readdirSync(join(bench.dir, 'batch_requests')).filter(
      (name) => name !== 'sent.jsonl',
    );
    const path = join(bench.dir, 'batch_requests', jobId, 'records.jsonl');
    const records = readFileSync(path, 'utf8');
    writeFileSync(path, `${damage(records.trimEnd().split('\n')).join('\n')}\n`);
    LOSSES['removed']?.(bench.dir);
    const refused = await bench.cli('doctor', '--rebuild', '--json');
    expect(refused.code, refused.stderr).toBe(6);
    expect(refused.stderr).toContain('"code":"records_damaged"');
    expect(refused.stderr).toContain(why);
    expect(readdirSync(join(bench.dir, '.batchctl')).filter((name) => name.startsWith('state.db'))).toEqual(
      [],
    );
    writeFileSync(path, records);
    const { jobs } = await loseAndRebuild(bench);
    expect(jobs).toMatchObject([{ state: 'built' }]);
  },
  PATIENCE_MS,
);

describe('a job that was done', () => {
  test.each(Object.keys(LOSSES))(
    'is done again after the database was %s, with the same rows',
    async (loss) => {
      const bench = await makeRebuildBench({ job: TWO_STAGES });
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
    },
    PATIENCE_MS,
  );

  test(
    'keeps its retries: each attempt, and which of them counts',
    async () => {
      const bench = await makeRebuildBench();
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
    },
    PATIENCE_MS,
  );

  test(
    'whose raw results are gone gets them again, and keeps a copy of its rows until then',
    async () => {
      const bench = await makeRebuildBench();
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
    },
    PATIENCE_MS,
  );
});

describe('a rebuild that is killed', () => {
  test(
    'at any moment leaves the old database or the new one, and the next one ends it',
    async () => {
      const bench = await makeRebuildBench({ job: TWO_STAGES });
      await bench.cli(...bench.submit());
      LOSSES['overwritten with noise']?.(bench.dir);
      const random = seeded(7);
      let kills = 0;
      for (let round = 0; round < 8; round += 1) {
        const running = bench.start('doctor', '--rebuild', '--yes');
        const timer = setTimeout(() => running.child.kill('SIGKILL'), random.between(250, 1_200));
        const { signal, code, stderr } = await running.finished;
        clearTimeout(timer);
        if (signal === 'SIGKILL') kills += 1;
        else expect(code, stderr).toBe(0);
        const look = await bench.cli('list', '--all', '--json');
        // Old: damaged. Between: cut off. New: the job is there.
        if (look.code === 0) expect(JSON.parse(look.stdout)).toMatchObject([{ state: 'done' }]);
        else expect(look.code, look.stderr).toBe(6);
      }
      expect(kills).toBeGreaterThan(0);
      expect((await bench.cli('doctor', '--rebuild', '--yes')).code).toBe(0);
      await expectPaidOnce(bench, 2 * RECORDS);
      const noise = readdirSync(join(bench.dir, '.batchctl')).filter(
        (name) =>
          name.startsWith('state.db') &&
          readFileSync(join(bench.dir, '.batchctl', name), 'utf8').includes('noise'),
      );
      expect(noise).toHaveLength(1);
    },
    PATIENCE_MS,
  );

  test(
    'while it moves the files lets nothing else take what is there for the store',
    async () => {
      const bench = await makeRebuildBench();
      await bench.cli(...bench.submit());
      renameSync(join(bench.dir, '.batchctl/state.db'), join(bench.dir, '.batchctl/state.db.damaged-1'));
      writeFileSync(join(bench.dir, '.batchctl/rebuild-under-way'), '');
      for (const args of [bench.submit('--new'), ['list', '--all'], ['resume']]) {
        const refused = await bench.cli(...args);
        expect(refused.code).toBe(6);
        expect(refused.stderr).toContain('doctor --rebuild');
      }
      expect((await bench.cli('doctor', '--rebuild')).code).toBe(0);
      expect(existsSync(join(bench.dir, '.batchctl/rebuild-under-way'))).toBe(false);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );
});

describe('shards that were cut anew', () => {
  test(
    'a shard that the API found too large is not sent beside its halves',
    async () => {
      const bench = await makeRebuildBench({ batchSeconds: 1 });
      await bench.setFaults('limit-requests=3');
      await bench.cli(...bench.submit('--submit-only'));
      await bench.setFaults();
      await loseAndRebuild(bench);
      const resumed = await bench.cli('resume', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test(
    'a pilot stays a pilot: the rest waits for the word',
    async () => {
      const bench = await makeRebuildBench();
      expect((await bench.cli(...bench.submit('--pilot', '4'))).code).toBe(7);
      await loseAndRebuild(bench);
      const waits = await bench.cli('resume', '--interval', '100ms');
      expect(waits.code, waits.stderr).toBe(7);
      expect((await bench.truth()).batches.map(({ requests }) => requests)).toEqual([4]);
      const resumed = await bench.cli('resume', '--yes', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );
});

describe('what a rebuild cannot know it does not guess', () => {
  test(
    'an unreadable line puts what may have been sent in doubt, and receipts take it out again',
    async () => {
      const bench = await makeRebuildBench({ batchSeconds: 2 });
      await bench.cli(...bench.submit('--submit-only'));
      const [jobId = ''] = readdirSync(join(bench.dir, 'batch_requests')).filter(
        (name) => name !== 'sent.jsonl',
      );
      const path = join(bench.dir, 'batch_requests', jobId, 'journal.jsonl');
      // All that says that a shard was sent.
      const lines = readFileSync(path, 'utf8').split('\n');
      writeFileSync(path, lines.map((line) => (line.includes('"state":"live"') ? 'torn' : line)).join('\n'));
      const receipts = join(bench.dir, '.batchctl/receipts.jsonl');
      const [first = ''] = readFileSync(receipts, 'utf8').split('\n');
      writeFileSync(receipts, `${first}\n`);
      const { jobs } = await loseAndRebuild(bench, 'removed', '--offline');
      expect(jobs).toMatchObject([{ state: 'in_doubt' }]);
      expect(jobs[0]?.batches).toHaveLength(1);
      expect(jobs[0]?.in_doubt).toHaveLength(2);
      const resumed = await bench.cli('resume', '--settle', '1s', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    },
    PATIENCE_MS,
  );

  test(
    'a job without its journal is no job: nothing is changed',
    async () => {
      const bench = await makeRebuildBench({ batchSeconds: 1 });
      await bench.cli(...bench.submit('--submit-only'));
      const { job_id } = await bench.status();
      rmSync(join(bench.dir, 'batch_requests', job_id, 'journal.jsonl'));
      LOSSES['overwritten with noise']?.(bench.dir);
      const rebuilt = await bench.cli('doctor', '--rebuild', '--json');
      expect(rebuilt.code).toBe(6);
      expect(JSON.parse(rebuilt.stderr.split('\n').at(-2) ?? '')).toMatchObject({
        error: { code: 'journal_gone' },
      });
      expect(readFileSync(join(bench.dir, '.batchctl/state.db'), 'utf8')).toContain('noise');
    },
    PATIENCE_MS,
  );

  test(
    'a database that is sound is replaced by the user’s word alone',
    async () => {
      const bench = await makeRebuildBench();
      await bench.cli('build', '--emulator');
      const refused = await bench.cli('doctor', '--rebuild', '--json');
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('store_sound');
      expect((await bench.cli('doctor', '--rebuild', '--yes')).code).toBe(0);
      expect((await bench.status()).state).toBe('built');
      expect(
        readdirSync(join(bench.dir, '.batchctl')).some((name) => name.startsWith('state.db.damaged-')),
      ).toBe(true);
    },
    PATIENCE_MS,
  );
});
