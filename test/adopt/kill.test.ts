import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createElsewhere, untilEnded } from '../support/colleague.ts';
import type { RunningCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { type AdoptBench, benchOn, makeAdoptBench, numbered } from './bench.ts';

const ROWS = 3_000;

/** Each is a moment in the way of one retrieve; a run that is over before it was seen counts as not killed. */
const MOMENTS: Readonly<Record<string, (bench: AdoptBench) => boolean>> = {
  'once the job is there': (bench) => count(bench, 'jobs', 'true') > 0,
  'while the results come in': (bench) => hasPartial(bench, 'main-0001.raw.jsonl'),
  'once the results are recorded': (bench) => count(bench, 'shards', "state = 'downloaded'") > 0,
  'between two chunks of rows': (bench) => {
    const rows = count(bench, 'requests', 'true');
    return rows > 0 && rows < ROWS;
  },
  'while the rows are judged': (bench) => count(bench, 'requests', 'status IS NOT NULL') > 0,
  'while results.jsonl is written': (bench) => hasPartial(bench, 'results.jsonl'),
};

test('a retrieve of another’s batch that is killed at any of its steps is carried on by the next one', async () => {
  const bench = await makeAdoptBench();
  const batch = await createElsewhere(bench.url, numbered(ROWS));
  await untilEnded(bench.url, batch);
  let kills = 0;
  for (const [moment, isThere] of Object.entries(MOMENTS)) {
    const one = benchOn(bench.url, makeTempDir());
    kills += (await killAt(one.start(['retrieve', batch, '--emulator']), () => isThere(one))) ? 1 : 0;
    const last = await one.run('retrieve', batch, '--emulator');
    expect(last.code, `${moment}: ${last.stderr}`).toBe(0);
    expect((await one.lines('results.jsonl')).map((row) => row['custom_id'])).toEqual(numbered(ROWS));
    expect(await one.json('verify', batch)).toMatchObject({ ok: true, requests: ROWS, succeeded: ROWS });
    expect(await one.json('list', '--all')).toHaveLength(1);
  }
  expect(kills).toBeGreaterThanOrEqual(4);
  expect((await bench.truth()).posts).toHaveLength(1);
}, 600_000);

async function killAt(running: RunningCli, isThere: () => boolean): Promise<boolean> {
  let isOver = false;
  void running.finished.then(() => {
    isOver = true;
  });
  while (!isOver && !isThere()) await new Promise((resolve) => setTimeout(resolve, 1));
  running.child.kill('SIGKILL');
  return (await running.finished).signal === 'SIGKILL';
}

function count({ dir }: AdoptBench, table: string, where: string): number {
  const path = join(dir, '.batchctl/state.db');
  if (!existsSync(path)) return 0;
  try {
    const db = new Database(path, { readonly: true });
    try {
      return Number(db.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get());
    } finally {
      db.close();
    }
  } catch {
    // Not made yet.
    return 0;
  }
}

function hasPartial({ dir }: AdoptBench, name: string): boolean {
  const results = join(dir, 'batch_results');
  if (!existsSync(results)) return false;
  return readdirSync(results).some((job) => existsSync(join(results, job, `.${name}.partial`)));
}
