import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jobIdOf } from '../support/workspace-copy.ts';
import { expectPaidOnce, LOSSES, loseAndRebuild, onBench, type RebuildBench } from './rebuild-bench.ts';

/** Damages all of the journal that says that a shard was sent. */
function tearSeals({ dir }: RebuildBench): void {
  const path = join(dir, 'batch_requests', jobIdOf(dir), 'journal.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.some((line) => line.includes('"state":"live"'))).toBe(true);
  writeFileSync(path, lines.map((line) => (line.includes('"state":"live"') ? 'torn' : line)).join('\n'));
}

describe('what a rebuild cannot know it does not guess', () => {
  test(
    'an unreadable line puts what may have been sent in doubt, and receipts take it out again',
    onBench({ batchSeconds: 2 }, async (bench) => {
      await bench.cli(...bench.submit('--submit-only'));
      tearSeals(bench);
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
    }),
  );

  test(
    'a job without its journal is no job: nothing is changed',
    onBench({ batchSeconds: 1 }, async (bench) => {
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
    }),
  );

  test(
    'a database that is sound is replaced by the user’s word alone',
    onBench({}, async (bench) => {
      await bench.cli('build', '--emulator');
      const refused = await bench.cli('doctor', '--rebuild', '--json');
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('store_sound');
      expect((await bench.cli('doctor', '--rebuild', '--yes')).code).toBe(0);
      expect((await bench.status()).state).toBe('built');
      expect(
        readdirSync(join(bench.dir, '.batchctl')).some((name) => name.startsWith('state.db.damaged-')),
      ).toBe(true);
    }),
  );
});
