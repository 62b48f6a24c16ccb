import { rmSync } from 'node:fs';
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
