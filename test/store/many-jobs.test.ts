import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/cli/system-clock.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { openJobFiles } from '../../src/files/job-files.ts';
import { findCostOfJob } from '../../src/steps/cost-of-job.ts';
import type { LocalDeps } from '../../src/steps/deps.ts';
import { describeJob } from '../../src/steps/describe-job.ts';
import { showRequest } from '../../src/steps/show-request.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { assembleJobStore } from '../../src/store/job-store.ts';
import { type Db, openDatabase } from '../../src/store/open.ts';
import { fillStore } from '../support/many-jobs.ts';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const { signal } = new AbortController();

interface Traced {
  readonly deps: LocalDeps;
  /** How often a statement was run, and how many rows came, since the last call. */
  counted(): { readonly calls: number; readonly rows: number };
  /** Every statement of the store, with what SQLite says of how it goes about it. */
  plans(): readonly { readonly sql: string; readonly steps: readonly string[] }[];
}

/** The real store with a count at each statement, in the place of a stopwatch. */
async function openTraced(root: string): Promise<Traced> {
  const db = await openDatabase(join(root, '.batchctl/state.db'), { programVersion: 'test' });
  const count = { calls: 0, rows: 0 };
  const prepare = db.prepare.bind(db);
  const prepared: string[] = [];
  const countedPrepare = (sql: string): Statement => {
    prepared.push(sql);
    return countingStatement(prepare(sql), count);
  };
  db.prepare = countedPrepare as Db['prepare']; // the same, and it counts
  const store = assembleJobStore(db, () => new Date());
  const deps = { store, files: openJobFiles(root), clock: systemClock, report: () => undefined };
  return {
    deps,
    counted() {
      const counted = { ...count };
      Object.assign(count, { calls: 0, rows: 0 });
      return counted;
    },
    plans: () =>
      prepared
        .filter((sql) => !sql.startsWith('PRAGMA'))
        .map((sql) => {
          const names = [...sql.matchAll(/:([a-zA-Z]\w*)/g)].map(([, name]) => [name, null]);
          const unnamed = [...sql.matchAll(/\?/g)].map(() => null);
          const values = unnamed.length > 0 ? unnamed : [Object.fromEntries(names)];
          const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
          return { sql, steps: plan.map((step) => (step as { readonly detail: string }).detail) }; // SQLite's own table
        }),
  };
}

type Statement = ReturnType<Db['prepare']>;

function countingStatement(statement: Statement, count: { calls: number; rows: number }): Statement {
  const { all, get, run } = statement;
  statement.all = (...args: unknown[]) => {
    const rows = Reflect.apply(all, statement, args);
    count.calls += 1;
    count.rows += rows.length;
    return rows;
  };
  statement.get = (...args: unknown[]) => {
    count.calls += 1;
    count.rows += 1;
    return Reflect.apply(get, statement, args);
  };
  statement.run = (...args: unknown[]) => {
    count.calls += 1;
    return Reflect.apply(run, statement, args);
  };
  return statement;
}

/** Tables with a row for each request. */
const LARGE = /^SCAN (?:requests|records|past_attempts|holds|contents)\b/;

/** To drop a shard, or a job's rows, is rare; the index that it would take of `contents` would cost 11 bytes a request. */
const MAY_SCAN = /^\s*DELETE FROM (?:shards|contents)\b/;

/** What the commands of that name read. */
const COMMANDS: Readonly<Record<string, (deps: LocalDeps) => Promise<unknown>>> = {
  'list of what is pending': ({ store }) => store.listJobs({ pendingOnly: true, limit: null }),
  'status and show of a job': async (deps) => describeJob(await deps.store.findJob('words'), deps),
  'show of a request': async (deps) => showRequest(await deps.store.findJob('words'), 'r7', null, deps),
  verify: async (deps) => verifyJob(await deps.store.findJob('words'), deps, signal),
  cost: async (deps) => findCostOfJob(await deps.store.findJob('words'), deps, signal),
};

test('what a command on one job reads is the same among 200 jobs of 100 requests', async () => {
  const [alone, among] = [makeTempDir(), makeTempDir()];
  writeSampleJob(alone, 20);
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 0.1 });
  onTestFinished(() => emulator.close());
  const env = { BATCHCTL_EMULATOR_URL: emulator.url };
  const args = ['submit', '--use-batch', '--emulator', '--interval', '100ms'];
  expect((await runCli(args, { cwd: alone, env })).code).toBe(0);
  cpSync(alone, among, { recursive: true });
  await fillStore(among, { jobs: 200, requestsPerJob: 100, pendingEvery: null });

  const [few, many] = [await openTraced(alone), await openTraced(among)];
  onTestFinished(() => few.deps.store.close());
  onTestFinished(() => many.deps.store.close());
  for (const [name, read] of Object.entries(COMMANDS)) {
    expect(await read(many.deps), name).toEqual(await read(few.deps));
    const counted = few.counted();
    expect(counted.calls, name).toBeGreaterThan(0);
    expect(many.counted(), name).toEqual(counted);
  }
  expect(await many.deps.store.listJobs({ pendingOnly: false, limit: null })).toHaveLength(201);
  expect(
    many.plans().filter(({ sql, steps }) => steps.some((step) => LARGE.test(step)) && !MAY_SCAN.test(sql)),
  ).toEqual([]);
});
