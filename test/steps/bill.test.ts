import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { readAppliedReports } from '../../src/core/applied-report.ts';
import { NO_SPENDING_RULES } from '../../src/core/spending-rules.ts';
import { priceShard } from '../../src/steps/price-shard.ts';
import { retrieveJob } from '../../src/steps/retrieve-results.ts';
import { makeWorkbench } from '../support/workbench.ts';
import { realTime, rowsOf } from './real-time-fixture.ts';
import { type Fixture, makeFixture, resultLine } from './results-fixture.ts';

const signal = new AbortController().signal;
const opened: Fixture[] = [];
afterEach(() => {
  for (const fixture of opened.splice(0)) fixture.close();
});

async function start(shards: readonly number[]): Promise<Fixture> {
  const fixture = await makeFixture({ shards });
  opened.push(fixture);
  return fixture;
}

/** A line of results whose answer used 1,000 tokens in and 100 out, unless said otherwise. */
function line(seq: number, more: { model?: string; stop_reason?: string; usage?: object } = {}): string {
  const message = {
    model: 'claude-haiku-5-5',
    content: [{ type: 'text', text: 'yes' }],
    stop_reason: 'end_turn',
    ...more,
    usage: { input_tokens: 1_000, output_tokens: 100, service_tier: 'batch', ...more.usage },
  };
  return `${resultLine(seq, { result: { type: 'succeeded', message } })}\n`;
}

const expired = (seq: number): string => `${resultLine(seq, { result: { type: 'expired' } })}\n`;

async function retrieve(fixture: Fixture, ...lines: readonly string[]): Promise<void> {
  fixture.answer(lines);
  expect((await retrieveJob(fixture.run, signal)).state).toBe('done');
}

function read(fixture: Fixture, name: string): string {
  return readFileSync(join(fixture.root, 'batch_results', fixture.job.jobId, name), 'utf8');
}

const costs = (fixture: Fixture): unknown[] =>
  read(fixture, 'results.jsonl')
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row).cost_microusd);
const summary = (fixture: Fixture) => JSON.parse(read(fixture, 'summary.json'));
const linesOf = async ({ store, job }: Fixture) => (await store.spentOf(job.id)).map(({ lines }) => lines);

describe('results that are applied', () => {
  test('are priced by row and in all, and what was not answered costs nothing', async () => {
    const fixture = await start([4]);
    await retrieve(
      fixture,
      line(1),
      expired(2),
      line(3, { usage: { input_tokens: 100_001 } }),
      line(4, { stop_reason: 'max_tokens', usage: { output_tokens: 9 } }),
    );
    // 1,000 × 0.05 + 100 × 0.25 = 75; 100,001 × 0.25 + 100 × 1.25 = 25,125.25; 1,000 × 0.05 + 9 × 0.25 = 52.25
    expect(costs(fixture)).toEqual([75, null, 25_125, 52]);
    expect(summary(fixture).cost_microusd).toBe(25_252);
    expect((await fixture.views())[0]?.cost).toBe(25_252);
    expect(await linesOf(fixture)).toMatchObject([
      [
        { band: 0, failure: null, answers: 1, cost: 75, realTime: 150 },
        { band: 1, failure: null, answers: 1, cost: 25_125, realTime: 50_251 },
        { band: 0, failure: 'truncated', answers: 1, cost: 52, realTime: 105 },
      ],
    ]);
  });

  test('find the price of a model that names itself with its date, or asks for it by the job', async () => {
    const fixture = await start([2]);
    await retrieve(
      fixture,
      line(1, { model: 'claude-haiku-4-5-20251001' }),
      // The job asked for Haiku 5.5.
      line(2, { model: 'claude-haiku-5-5-20270101' }),
    );
    // 1,000 × 0.50 + 100 × 2.50 = 750
    expect(costs(fixture)).toEqual([750, 75]);
  });

  test('tell of answers that were not billed as batch, and count them in full', async () => {
    const fixture = await start([2]);
    await retrieve(fixture, line(1), line(2, { usage: { service_tier: 'standard' } }));
    expect(costs(fixture)).toEqual([75, 150]);
    const sentence = expect.stringContaining(
      '1 answer of batch msgbatch_1 was not billed as batch (service_tier standard)',
    );
    expect(readAppliedReports(await fixture.store.events(fixture.job.id))[0]?.problems).toEqual([sentence]);
    expect(fixture.progress).toContainEqual({ kind: 'problem', text: sentence });
  });

  test('cost what nobody knows when one answer has no price', async () => {
    const fixture = await start([1, 1]);
    fixture.answer(
      [line(1)],
      [
        `${resultLine(2, { shard: 2, result: { type: 'succeeded', message: { model: 'claude-haiku-5-5', content: [] } } })}\n`,
      ],
    );
    await retrieveJob(fixture.run, signal);
    expect(costs(fixture)).toEqual([75, null]);
    expect(summary(fixture).cost_microusd).toBeNull();
  });
});

test('prices of the job file are those of the bill', async () => {
  const fixture = await start([1]);
  const cacheRates = { cacheWrite5m: null, cacheWrite1h: null, cacheRead: null, batchPercent: 60 };
  const prices = [{ model: 'claude-haiku-5-5', input: 10_000_000, output: 20_000_000, ...cacheRates }];
  const spec = { ...fixture.job.spec, spending: { ...NO_SPENDING_RULES, prices } };
  const database = new Database(join(fixture.root, '.batchctl/state.db'));
  database.prepare('UPDATE jobs SET spec_json = ?').run(JSON.stringify(spec));
  database.close();
  await retrieve(fixture, line(1));
  // (1,000 × 10 + 100 × 20) × 0.6
  expect(costs(fixture)).toEqual([7_200]);
});

describe('a shard that was applied by a version without prices', () => {
  /** As such a version left it. */
  function forgetPrices({ root }: Fixture): void {
    const database = new Database(join(root, '.batchctl/state.db'));
    database.exec('UPDATE shards SET spent_json = NULL, cost_microusd = NULL');
    database.close();
  }

  const price = async ({ store, job, run }: Fixture) => {
    const [shard] = await store.spentOf(job.id);
    if (shard === undefined) throw new Error('nothing was applied');
    return priceShard(shard, run.deps, signal);
  };

  test('gets the bill that it would have got, and keeps it', async () => {
    const fixture = await start([3]);
    await retrieve(fixture, line(1), line(1), line(2, { stop_reason: 'max_tokens' }), expired(3));
    const before = await linesOf(fixture);
    forgetPrices(fixture);
    expect(await linesOf(fixture)).toEqual([null]);
    expect(await price(fixture)).toEqual(before[0]);
    expect(await linesOf(fixture)).toEqual(before);
    expect((await fixture.views())[0]?.cost).toBe(150);
  });

  test('has none once its raw results are gone', async () => {
    const fixture = await start([1]);
    await retrieve(fixture, line(1));
    forgetPrices(fixture);
    rmSync(join(fixture.root, 'batch_results', fixture.job.jobId, 'main-0001.raw.jsonl'));
    expect(await price(fixture)).toBeNull();
    expect(await linesOf(fixture)).toEqual([null]);
  });
});

test('answers in real time are billed at the full price, as rows and in all', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(3);
  await bench.run(job, realTime());
  const rows = rowsOf(bench, job).map((row) => Object(row)) as readonly Record<string, number>[];
  const [spent] = await bench.deps.store.spentOf(job.id);
  const sum = (key: 'input' | 'output') => (spent?.lines ?? []).reduce((all, one) => all + one[key], 0);
  // Haiku 5.5 in real time: 0.10 in, 0.50 out. Each row is rounded by itself.
  const exact = sum('input') * 0.1 + sum('output') * 0.5;
  expect(spent?.lines?.every(({ serviceTier }) => serviceTier === 'standard')).toBe(true);
  expect(Math.abs((spent?.lines?.[0]?.cost ?? 0) - exact)).toBeLessThanOrEqual(0.5);
  expect(
    Math.abs(rows.reduce((all, row) => all + (row['cost_microusd'] ?? 0), 0) - exact),
  ).toBeLessThanOrEqual(1.5);
});
