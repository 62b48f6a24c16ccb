import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seeded } from '../support/seeded.ts';
import {
  expectPaidOnce,
  expectRows,
  killAt,
  LOSSES,
  loseAndRebuild,
  onBench,
  RECORDS,
  TWO_STAGES,
  untilPosted,
} from './rebuild-bench.ts';

describe('a database that was lost is made again from the files, and the job goes on', () => {
  test(
    'built and never sent: it is sent once',
    onBench({}, async (bench) => {
      await bench.cli('build', '--emulator', '--max-shard-requests', '5');
      const { jobs } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ state: 'built', batches: [], in_doubt: [] }]);
      expect((await bench.truth()).posts).toEqual([]);
      expect(await bench.cli(...bench.submit())).toMatchObject({ code: 0 });
      await expectPaidOnce(bench);
    }),
  );

  test(
    'one shard of three sent: only the others go out',
    onBench({ batchSeconds: 2 }, async (bench) => {
      await bench.setFaults('queue=5');
      await killAt(bench.start(...bench.submit()), 'waiting for queue room');
      await bench.setFaults();
      const { jobs } = await loseAndRebuild(bench, 'overwritten with noise');
      expect(jobs).toMatchObject([{ state: 'submitting', in_doubt: [] }]);
      expect(jobs[0]?.batches).toHaveLength(1);
      expect((await bench.cli('resume', '--interval', '100ms')).code).toBe(0);
      await expectPaidOnce(bench);
    }),
  );

  test.each([
    ['create-hang@1', 'killed before any answer, its batch is found again'],
    ['lost-reply@1', 'its batch is found again'],
    ['create-500@1', 'its absence is proven before it goes out again'],
  ])(
    'in doubt after %s: %s',
    onBench({ batchSeconds: 2 }, async (bench, fault) => {
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
    }),
  );

  test(
    'all batches in progress: they are waited for',
    onBench({ batchSeconds: 1 }, async (bench) => {
      await bench.cli(...bench.submit('--submit-only'));
      const { jobs } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ state: 'in_progress', in_doubt: [] }]);
      expect((await bench.cli('retrieve', 'latest', '--wait', '--interval', '100ms')).code).toBe(0);
      await expectPaidOnce(bench);
    }),
  );

  test(
    'killed while results were read: the rest is read',
    onBench({}, async (bench) => {
      await killAt(bench.start(...bench.submit()), 'reading the results');
      await loseAndRebuild(bench);
      const resumed = await bench.cli('resume', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    }),
  );

  test(
    'canceled with shards unsent: those stay unsent',
    onBench({ batchSeconds: 1 }, async (bench) => {
      await bench.setFaults('queue=5');
      await killAt(bench.start(...bench.submit()), 'waiting for queue room');
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
    }),
  );

  test(
    'two stages, lost between them: the second is made from the first',
    onBench({ job: TWO_STAGES }, async (bench) => {
      await killAt(bench.start(...bench.submit()), 'stage report');
      await loseAndRebuild(bench);
      const resumed = await bench.cli('resume', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench, 2 * RECORDS);
    }),
  );

  test(
    'in real time, half of it answered: nothing that has an answer is asked again',
    onBench({}, async (bench) => {
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
    }),
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
  onBench({}, async (bench, _how, damage, why) => {
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
  }),
);

describe('a rebuild that is killed', () => {
  test(
    'at any moment leaves the old database or the new one, and the next one ends it',
    onBench({ job: TWO_STAGES }, async (bench) => {
      await bench.cli(...bench.submit());
      LOSSES['overwritten with noise']?.(bench.dir);
      const random = seeded(7);
      let kills = 0;
      let mostMs = 1_200;
      for (let round = 0; round < 8; round += 1) {
        const running = bench.start('doctor', '--rebuild', '--yes');
        const timer = setTimeout(() => running.child.kill('SIGKILL'), random.between(mostMs / 4, mostMs));
        const { signal, code, stderr } = await running.finished;
        clearTimeout(timer);
        if (signal === 'SIGKILL') kills += 1;
        else expect(code, stderr).toBe(0);
        // A machine that is done sooner is to be struck sooner.
        if (signal !== 'SIGKILL') mostMs /= 2;
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
    }),
  );

  test(
    'while it moves the files lets nothing else take what is there for the store',
    onBench({}, async (bench) => {
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
    }),
  );
});

describe('shards that were cut anew', () => {
  test(
    'a shard that the API found too large is not sent beside its halves',
    onBench({ batchSeconds: 1 }, async (bench) => {
      await bench.setFaults('limit-requests=3');
      await bench.cli(...bench.submit('--submit-only'));
      await bench.setFaults();
      await loseAndRebuild(bench);
      const resumed = await bench.cli('resume', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    }),
  );

  test(
    'a pilot stays a pilot: the rest waits for the word',
    onBench({}, async (bench) => {
      expect((await bench.cli(...bench.submit('--pilot', '4'))).code).toBe(7);
      await loseAndRebuild(bench);
      const waits = await bench.cli('resume', '--interval', '100ms');
      expect(waits.code, waits.stderr).toBe(7);
      expect((await bench.truth()).batches.map(({ requests }) => requests)).toEqual([4]);
      const resumed = await bench.cli('resume', '--yes', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    }),
  );
});
