import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCode, makeBench, SUBMIT } from '../faults/bench.ts';

describe('a database that is gone, beside files that tell of batches', () => {
  it.each([
    ['receipts', ['.batchctl/state.db']],
    ['the log of seals', ['.batchctl']],
    ['a journal', ['.batchctl', 'batch_requests/sent.jsonl']],
  ])('is told by %s to every command, and nothing is sent again', async (_trace, gone) => {
    const bench = await makeBench();
    await bench.run([...SUBMIT, '--submit-only']);
    const before = (await bench.truth()).posts.length;
    expect(before).toBeGreaterThan(0);
    for (const path of gone) rmSync(join(bench.dir, path), { recursive: true });
    for (const args of [SUBMIT, ['build', '--emulator'], ['list'], ['resume'], ['status', 'latest']]) {
      const { code, stderr } = await bench.run([...args, '--json']);
      expect([args[0], code, errorCode(stderr)]).toEqual([args[0], 6, 'store_gone']);
    }
    expect((await bench.truth()).posts).toHaveLength(before);
    expect((await bench.run(['doctor', '--rebuild', '--emulator'])).code).toBe(0);
    const carried = await bench.run(['resume', '--interval', '100ms']);
    expect(carried.code, carried.stderr).toBe(0);
    expect((await bench.truth()).posts).toHaveLength(before);
  });

  it('is no loss where nothing was ever sent', async () => {
    const bench = await makeBench();
    await bench.run(['build', '--emulator']);
    rmSync(join(bench.dir, '.batchctl'), { recursive: true });
    expect((await bench.run(SUBMIT)).code).toBe(0);
  });
});

describe('a database whose first page is garbage', () => {
  it('is told as damaged, with the rebuild at once where the journals of jobs are', async () => {
    const bench = await makeBench();
    await bench.run([...SUBMIT, '--submit-only']);
    const before = (await bench.truth()).posts.length;
    const path = join(bench.dir, '.batchctl/state.db');
    for (const side of ['-wal', '-shm']) rmSync(`${path}${side}`, { force: true });
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(4_096, 'garbage '), 0, 4_096, 0);
    closeSync(fd);
    for (const args of [['list'], SUBMIT]) {
      const { code, stderr } = await bench.run([...args, '--json']);
      expect([args[0], code, errorCode(stderr)]).toEqual([args[0], 6, 'store_damaged']);
      expect(stderr).toContain('doctor --rebuild');
      expect(stderr).toContain('the journals of job');
    }
    expect((await bench.run(['doctor', '--rebuild', '--emulator'])).code).toBe(0);
    expect((await bench.run(['resume', '--interval', '100ms'])).code).toBe(0);
    expect((await bench.truth()).posts).toHaveLength(before);
  });

  it('may be another file where no job was built', async () => {
    const bench = await makeBench();
    mkdirSync(join(bench.dir, '.batchctl'));
    writeFileSync(join(bench.dir, '.batchctl/state.db'), 'garbage '.repeat(600));
    const { code, stderr } = await bench.run(['list', '--json']);
    expect([code, errorCode(stderr)]).toEqual([6, 'store_foreign']);
    expect(stderr).toContain('damaged, or not one of batchctl');
  });
});
