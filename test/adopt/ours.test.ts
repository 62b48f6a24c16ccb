import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createElsewhere, endNow } from '../support/colleague.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { type AdoptBench, benchOn, errorOf, makeAdoptBench, numbered } from './bench.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '200ms'];

/** A job of five rows whose create call was answered by nothing, and whose run was killed. */
async function leaveInDoubt(bench: AdoptBench): Promise<string> {
  writeSampleJob(bench.dir, 5);
  await bench.setFaults(['lost-reply', 'list-lag=36000']);
  const running = bench.start([...SUBMIT, '--submit-only']);
  await running.waitFor('sent again');
  running.child.kill('SIGKILL');
  await running.finished;
  const [batch] = (await bench.truth()).batches;
  return batch?.id ?? '';
}

describe('a batch of our own is not taken in as another’s', () => {
  test('while a submission is in doubt: by its nonce once it has ended, by its number of requests before', async () => {
    const bench = await makeAdoptBench(36_000);
    const batch = await leaveInDoubt(bench);
    const early = await bench.run('retrieve', batch, '--emulator', '--json');
    expect([early.code, errorOf(early)['code']]).toEqual([7, 'batch_in_doubt']);
    expect(errorOf(early)['next']).toMatch(/resume words-\d+-\d+/);
    await endNow(bench.url, batch);
    const late = await bench.run('retrieve', batch, '--emulator', '--json');
    expect([late.code, errorOf(late)['code']]).toEqual([7, 'batch_is_ours']);
    expect(errorOf(late)['next']).toMatch(new RegExp(`resume words-\\d+-\\d+ --adopt ${batch}`));
    // A colleague's of the same size speaks for itself once it has ended.
    const theirs = await createElsewhere(bench.url, numbered(5));
    await endNow(bench.url, theirs);
    expect((await bench.run('retrieve', theirs, '--emulator')).code).toBe(3);
    await bench.setFaults([]);
    const adopted = await bench.run('resume', 'words', '--adopt', batch, '--interval', '200ms');
    expect(adopted.code, adopted.stderr).toBe(3);
    expect((await bench.truth()).posts).toHaveLength(2);
  }, 60_000);

  test('when only the receipts remember it, beside a database that was put in place of the lost one', async () => {
    const bench = await makeAdoptBench();
    writeSampleJob(bench.dir, 3);
    expect((await bench.run(...SUBMIT)).code).toBe(0);
    const [batch] = (await bench.truth()).batches;
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(bench.dir, `.batchctl/state.db${end}`), { force: true });
    const lost = await bench.run('retrieve', batch?.id ?? '', '--emulator', '--json');
    expect([lost.code, errorOf(lost)['code']]).toEqual([6, 'store_gone']);
    const other = await makeAdoptBench();
    writeSampleJob(other.dir, 1);
    await other.run('build', '--emulator');
    cpSync(join(other.dir, '.batchctl/state.db'), join(bench.dir, '.batchctl/state.db'));
    const refused = await bench.run('retrieve', batch?.id ?? '', '--emulator', '--json');
    expect([refused.code, errorOf(refused)['code']]).toEqual([7, 'batch_is_ours']);
    expect(errorOf(refused)['why']).toContain('receipts.jsonl names it for job words-');
    expect(await bench.json('list', '--all')).toHaveLength(1);
  });

  test('when an older copy of the database learns it from the results: the job made for it is let go', async () => {
    const bench = await makeAdoptBench(36_000);
    writeSampleJob(bench.dir, 4);
    expect((await bench.run('build', '--emulator')).code).toBe(0);
    const copy = benchOn(bench.url, makeTempDir());
    cpSync(bench.dir, copy.dir, { recursive: true });
    expect((await bench.run(...SUBMIT, '--submit-only')).code).toBe(0);
    const batch = (await bench.truth()).batches[0]?.id ?? '';
    const first = await copy.run('retrieve', batch, '--emulator');
    expect(first.code, first.stderr).toBe(8);
    await endNow(bench.url, batch);
    const second = await copy.run('retrieve', batch, '--json');
    expect([second.code, errorOf(second)['code']]).toEqual([7, 'batch_is_ours']);
    const jobs = (await copy.json('list', '--all')) as unknown as readonly { readonly name: string }[]; // a list
    expect(jobs.map((job) => job.name)).toEqual(['words']);
    // And the batch is free for the job that it belongs to.
    const third = await copy.run('retrieve', batch, '--emulator', '--json');
    expect([third.code, errorOf(third)['code']]).toEqual([7, 'batch_is_ours']);
  }, 60_000);
});
