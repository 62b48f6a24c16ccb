import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createElsewhere } from '../support/colleague.ts';
import { runCli } from '../support/run-cli.ts';
import { jobIdOf } from '../support/workspace-copy.ts';
import {
  expectPaidOnce,
  LOSSES,
  loseAndRebuild,
  onBench,
  RECORDS,
  type RebuildBench,
  type RebuildDocument,
} from './rebuild-bench.ts';

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

describe('what nothing but the log of seals tells', () => {
  test(
    'is the number of an attempt, so that the rebuilt database knows each seal of the log',
    onBench({ batchSeconds: 2 }, async (bench) => {
      // The first upload breaks, before its seal or before its tail: the one that makes a batch is the second.
      await bench.setFaults('cut-upload=0.5@1');
      await bench.cli(...bench.submit('--submit-only'));
      const log = readFileSync(join(bench.dir, 'batch_requests/sent.jsonl'), 'utf8').trimEnd().split('\n');
      expect(Math.max(...log.map((line) => JSON.parse(line).number))).toBe(2);
      tearSeals(bench);
      const { jobs } = await loseAndRebuild(bench, 'removed', '--offline');
      expect(jobs).toMatchObject([{ state: 'in_progress', in_doubt: [] }]);
      expect(jobs[0]?.remarks.join()).not.toContain('attempt');
      // It would stop at a seal of the log that it does not know.
      const resumed = await bench.cli('resume', '--settle', '1s', '--interval', '100ms');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    }),
  );

  test(
    'is missing too: the doubt of a job whose workspace no file names is settled by its key',
    onBench({}, async (bench) => {
      await bench.setFaults('create-500@1');
      const running = bench.start(...bench.submit('--max-shard-requests', '12'));
      await running.waitFor('in doubt');
      running.child.kill('SIGKILL');
      await running.finished;
      tearSeals(bench);
      rmSync(join(bench.dir, 'batch_requests/sent.jsonl'));
      const { jobs } = await loseAndRebuild(bench, 'removed', '--offline');
      expect(jobs).toMatchObject([{ state: 'in_doubt' }]);
      const resumed = await bench.cli('resume', '--settle', '1s', '--interval', '100ms', '--max-wait', '30s');
      expect(resumed.code, resumed.stderr).toBe(0);
      await expectPaidOnce(bench);
    }),
  );
});

test(
  'a key of another workspace adds no batch to a doubt, though nothing names the workspace that it is of',
  onBench({ batchSeconds: 600 }, async ({ dir, emulator, setFaults }) => {
    const run = (key: string, ...args: readonly string[]) =>
      runCli(['--yes', ...args], {
        cwd: dir,
        env: { ANTHROPIC_BASE_URL: emulator.url, ANTHROPIC_API_KEY: key },
      });
    await setFaults('no-workspace', 'lost-reply@1');
    await run('sk-emu-home', 'submit', '--use-batch', '--submit-only', '--max-wait', '0s');
    await setFaults();
    const ids = Array.from({ length: RECORDS }, (_, n) => `theirs-${n}`);
    await createElsewhere(emulator.url, ids, { key: 'sk-emu-away' });
    LOSSES['removed']?.(dir);
    const rebuilt = await run('sk-emu-away', 'doctor', '--rebuild', '--json');
    expect(rebuilt.code, rebuilt.stderr).toBe(0);
    const { jobs } = JSON.parse(rebuilt.stdout) as RebuildDocument; // docs/json.md
    expect(jobs).toMatchObject([
      { state: 'in_doubt', in_doubt: [{ candidates: [] }], not_asked: expect.stringContaining('this key') },
    ]);
  }),
);

describe('a job that cannot be made again', () => {
  const SECOND =
    'name: more\nmodel: claude-haiku-5-5\nmax_tokens: 400\nsource: { csv: words.csv }\nprompt: "more of marker-{{id}}-end"\n';

  /** Two jobs that were sent; the first is spoilt, and a rebuild makes the second again. */
  async function rebuildWithout(
    bench: RebuildBench,
    spoil: (requestsDir: string) => void,
  ): Promise<{ readonly lost: string; readonly document: LeftOutDocument }> {
    await bench.cli(...bench.submit('--submit-only'));
    const lost = jobIdOf(bench.dir);
    writeFileSync(join(bench.dir, 'more.job.yaml'), SECOND);
    const sent = await bench.cli(
      'submit',
      'more.job.yaml',
      ...bench.submit('--submit-only', '--json').slice(1),
    );
    expect(sent.code, sent.stderr).toBe(0);
    const kept = JSON.parse(sent.stdout).job_id as string; // docs/json.md
    spoil(join(bench.dir, 'batch_requests', lost));
    LOSSES['removed']?.(bench.dir);
    const rebuilt = await bench.cli('doctor', '--rebuild', '--json');
    expect(rebuilt.code, rebuilt.stderr).toBe(6);
    expect(rebuilt.stderr).toContain('"code":"jobs_left_out"');
    const document = JSON.parse(rebuilt.stdout) as LeftOutDocument; // docs/json.md
    expect(document.jobs).toMatchObject([{ job_id: kept, in_doubt: [] }]);
    return { lost, document };
  }

  interface LeftOutDocument extends RebuildDocument {
    readonly left_out: readonly {
      readonly job_id: string;
      readonly code: string;
      readonly batches: readonly { readonly batch_id: string; readonly requests: number }[];
      readonly next: readonly string[];
    }[];
  }

  test.each([
    ['its journal is gone', (dir: string) => rmSync(join(dir, 'journal.jsonl')), 'journal_gone'],
    ['its folder was deleted', (dir: string) => rmSync(dir, { recursive: true }), 'journal_gone'],
    [
      'its records are cut',
      (dir: string) => writeFileSync(join(dir, 'records.jsonl'), ''),
      'records_damaged',
    ],
  ] as const)(
    'because %s is named with its batches, the others come back, and nothing is paid again without a decision',
    onBench({ batchSeconds: 0.1 }, async (bench, _how, spoil, code) => {
      const { lost, document } = await rebuildWithout(bench, spoil);
      const posts = (await bench.truth()).posts.length;
      const [left] = document.left_out;
      expect(left).toMatchObject({ job_id: lost, code });
      const paid = left?.batches.map(({ batch_id }) => batch_id) ?? [];
      expect(paid).toHaveLength(3);
      for (const id of paid) expect(left?.next.join('\n')).toContain(`retrieve ${id}`);
      const again = await bench.cli('submit', 'words.job.yaml', ...bench.submit('--json').slice(1));
      expect([again.code, again.stderr.includes('"code":"store_older"')]).toEqual([7, true]);
      expect((await bench.truth()).posts).toHaveLength(posts);
      // What is left of it is not cleared away as a build that was cut off.
      if (code === 'records_damaged')
        expect(existsSync(join(bench.dir, 'batch_requests', lost, 'journal.jsonl'))).toBe(true);
      if (code === 'journal_gone') {
        const taken = await bench.cli(
          'retrieve',
          paid[0] ?? '',
          '--emulator',
          '--interval',
          '100ms',
          '--json',
        );
        expect([0, 3], taken.stderr).toContain(taken.code);
      }
      expect((await bench.truth()).posts).toHaveLength(posts);
    }),
  );

  test(
    'only as far as its answers can be checked is there with its batches, and is whole once its file is back',
    onBench({ batchSeconds: 0.1 }, async (bench) => {
      expect((await bench.cli(...bench.submit())).code).toBe(0);
      const posts = (await bench.truth()).posts.length;
      const lost = jobIdOf(bench.dir);
      const path = join(bench.dir, 'batch_requests', lost, 'job.json');
      const frozen = readFileSync(path, 'utf8');
      const damaged = JSON.parse(frozen);
      damaged.stages[0].schema = { kind: 'inline', schema: { type: 'nonsense' } };
      writeFileSync(path, JSON.stringify(damaged));
      const { jobs } = await loseAndRebuild(bench);
      expect(jobs).toMatchObject([{ job_id: lost, state: 'ended', in_doubt: [], reopened: true }]);
      expect(jobs[0]?.batches).toHaveLength(3);
      expect(jobs[0]?.remarks.join()).toContain('job.json is damaged');
      const stopped = await bench.cli('resume', lost, '--json');
      expect([stopped.code, stopped.stderr.includes('"code":"frozen_job_damaged"')]).toEqual([6, true]);
      writeFileSync(path, frozen);
      expect((await bench.cli('resume', lost)).code).toBe(0);
      await expectPaidOnce(bench);
      expect((await bench.truth()).posts).toHaveLength(posts);
    }),
  );

  test(
    'of a workspace that kept no log of seals holds back a job of the same name until the user has decided',
    onBench({ batchSeconds: 0.1 }, async (bench) => {
      const { lost } = await rebuildWithout(bench, (dir) => {
        rmSync(dir, { recursive: true });
        rmSync(join(bench.dir, 'batch_requests/sent.jsonl'));
      });
      const posts = (await bench.truth()).posts.length;
      const submit = ['submit', 'words.job.yaml', ...bench.submit('--json').slice(1)];
      const again = await bench.cli(...submit);
      expect(again.code, again.stderr).toBe(7);
      expect(again.stderr).toContain('"code":"store_older_than_receipts"');
      expect(again.stderr).toContain(lost);
      expect((await bench.truth()).posts).toHaveLength(posts);
      // A job of another name is nobody's twin.
      writeFileSync(join(bench.dir, 'third.job.yaml'), SECOND.replace('more', 'third'));
      const other = await bench.cli('submit', 'third.job.yaml', ...bench.submit().slice(1));
      expect(other.code, other.stderr).toBe(0);
      const held = jobIdOf(bench.dir);
      expect(held).toMatch(/^words-/);
      const accepted = await bench.cli('resume', held, '--accept-store', '--emulator', '--interval', '100ms');
      expect(accepted.code, accepted.stderr).toBe(0);
    }),
  );
});
