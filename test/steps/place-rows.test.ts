import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { foldPath } from '../../src/core/paths.ts';
import { placeRows, toRow } from '../../src/steps/place-rows.ts';
import { openStore } from '../../src/store/open.ts';
import { jobSpec } from '../support/job-spec.ts';
import { runCli } from '../support/run-cli.ts';
import { type Seeded, seeded } from '../support/seeded.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { DATABASE } from '../support/workspace-copy.ts';

/** Ids that are distinct, and whose files are not, with and without the suffix that makes them so. */
function clashingIds(random: Seeded): readonly string[] {
  const ids = new Set<string>();
  const wanted = random.between(2, 14);
  while (ids.size < wanted) {
    const suffixes = Array.from({ length: random.between(0, 2) }, () => `-${random.between(1, wanted)}`);
    ids.add(random.pick(['a', 'A', 'ss', 'ß', 'SS', 'é', 'e\u0301']) + suffixes.join(''));
  }
  return [...ids];
}

function cut<T>(rows: readonly T[], random: Seeded): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  for (let at = 0; at < rows.length; ) {
    const end = at + random.between(1, rows.length);
    chunks.push(rows.slice(at, end));
    at = end;
  }
  return chunks;
}

test('paths that clash come out the same however the rows are cut, and no two are one file', async () => {
  const store = await openStore(join(makeTempDir(), 'state.db'), { programVersion: 'test' });
  onTestFinished(() => store.close());
  const random = seeded(20_261_129);
  for (let round = 0; round < 40; round += 1) {
    const ids = clashingIds(random);
    const pathsOf = async (isWhole: boolean): Promise<readonly string[]> => {
      const job = await store.createJob({ name: 'paths', spec: jobSpec({}), at: new Date(round * 1_000) });
      const [stage] = job.stages;
      if (stage === undefined) throw new Error('no stage');
      const rows = ids.map((customId, index) => {
        const facts = { seq: index + 1, customId, recordOffset: 0, recordLength: 0 };
        return { ...toRow(job, 'main', { ...facts, outputPath: `out/${customId}.md` }), shardId: null };
      });
      for (const chunk of isWhole ? [rows] : cut(rows, random))
        expect(await placeRows(store, job, stage, chunk)).toEqual([]);
      return (await store.rows(job.id, 'main', 0, 100)).map(({ outputPath }) => outputPath ?? '');
    };
    const whole = await pathsOf(true);
    expect(new Set(whole.map(foldPath)).size, ids.join(' ')).toBe(ids.length);
    for (const _ of [1, 2]) expect(await pathsOf(false), ids.join(' ')).toEqual(whole);
  }
});

// The build and the rebuild put rows into the store by chunks of their own; in each of these threes the last two have one file.
test('a database that is made again has every output where the build put it', async () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => {
    const seq = 3 * index + 2;
    return [`x${index}`, `X${index}`, `x${index}-${seq}`];
  }).flat();
  const data = ids.map((id) => `${JSON.stringify({ id })}\n`).join('');
  const yaml =
    'name: paths\nmodel: claude-haiku-5-5\nmax_tokens: 9\nsource: { jsonl: data.jsonl }\nprompt: "{{ id }}"\noutput: "out/{{ id }}.md"\n';
  const dir = makeTempDir({ 'data.jsonl': data, 'paths.job.yaml': yaml });
  const paths = (): unknown[] => {
    const db = new Database(join(dir, '.batchctl/state.db'), { readonly: true });
    try {
      return db.prepare('SELECT output_path FROM requests ORDER BY seq').pluck().all();
    } finally {
      db.close();
    }
  };
  expect((await runCli(['build', '--emulator'], { cwd: dir })).code).toBe(0);
  const built = paths();
  expect(built.slice(0, 3)).toEqual(['out/x0.md', 'out/X0-2.md', 'out/x0-2-3.md']);
  for (const path of DATABASE) rmSync(join(dir, path), { force: true });
  const rebuilt = await runCli(['--yes', 'doctor', '--rebuild', '--emulator'], { cwd: dir });
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  expect(paths()).toEqual(built);
});
