import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseShare, parseUsd } from '../../src/cli/money-flags.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { openTerminalBench as open } from '../support/terminal-bench.ts';

test.each([
  ['25', 25_000_000],
  ['0.5', 500_000],
  ['0', 0],
  ['0.000001', 1],
])('%s dollars are %d micro-dollars', (text, micro) => {
  expect(parseUsd(text)).toBe(micro);
});

test.each(['', '-1', '5$', '1e3', '.5', '0.0000001', '1,000', 'Infinity'])('%j is no amount', (text) => {
  expect(() => parseUsd(text)).toThrow(/US dollars with at most 6 decimals/);
});

test.each([
  ['0.95', 0.95],
  ['95%', 0.95],
  ['1', 1],
  ['0', 0],
  ['100%', 1],
])('%s is the share %d', (text, share) => {
  expect(parseShare(text)).toBe(share);
});

test.each(['95', '101%', '1.01', '-0.1', 'most', '%', ''])('%j is no share', (text) => {
  expect(() => parseShare(text)).toThrow(/a share from 0 to 1/);
});

describe('wrong usage, of which nothing is built:', () => {
  test.each([
    [['submit', '--use-batch', '--max-usd', 'much'], '--max-usd'],
    [['submit', '--use-batch', '--pilot', '0'], '--pilot'],
    [['submit', '--use-batch', '--pilot-min-success', '0.9'], '--pilot-min-success needs --pilot'],
    [['submit', '--prime'], '--prime needs --use-batch'],
    [['resume', '--max-usd', '5'], '--max-usd needs the job it is about'],
  ])('%j', async (args, message) => {
    const { dir, cli } = await open(3);
    await expect(cli(...args).finished).rejects.toThrow(message);
    expect(existsSync(join(dir, '.batchctl'))).toBe(false);
  });
});

test.each([
  [['--pilot', '2'], /--pilot cannot be used with job words-\S+, which was submitted already/],
  [['--prime', '--use-batch'], /--prime cannot be used with job words-\S+, which was submitted already/],
])('%j comes too late for a job that was submitted', async (flags, message) => {
  const { cli } = await open(3);
  expect(await cli('submit', '--use-batch', '--submit-only').finished).toBe('done');
  await expect(cli('submit', '--use-batch', '--submit-only', ...flags).finished).rejects.toThrow(message);
});

test('--rest-in-real-time takes none of what goes first', async () => {
  const { cli } = await open(3);
  expect(await cli('submit', '--use-batch').finished).toBe('done');
  const again = cli('submit', '--rest-in-real-time', 'latest', '--pilot', '2').finished;
  await expect(again).rejects.toThrow(/--pilot cannot be used with a job that is built already/);
});

describe('the limit of a job', () => {
  async function openLimited(more: string, batchSeconds = 0.1) {
    const bench = await open(3, more, batchSeconds);
    const limit = () => bench.look(async (store) => store.limitOf((await store.findJob('latest')).id));
    return { ...bench, limit };
  }

  test('is kept before anything is sent, whichever command says it', async () => {
    // A final job has nothing left to pay, and so no use for a limit.
    const { cli, limit } = await openLimited('', 600);
    expect(await cli('submit', '--use-batch', '--submit-only', '--max-usd', '0.50').finished).toBe('done');
    expect(await limit()).toBe(500_000);
    await cli('resume', 'latest', '--once', '--max-usd', '3').finished;
    expect(await limit()).toBe(3_000_000);
    await cli('retrieve', 'latest', '--max-usd', '2').finished;
    expect(await limit()).toBe(2_000_000);
  });

  test('follows the budget of the job file where an unfinished job is carried on', async () => {
    const { dir, cli, limit } = await openLimited('budget: { max_usd: 5 }\n');
    expect(await cli('build').finished).toBe('done');
    writeSampleJob(dir, 3, 'budget: { max_usd: 10 }\n');
    const raised = cli('submit', '--use-batch', '--submit-only');
    expect(await raised.finished).toBe('done');
    expect(raised.shown()).toContain('has a budget of $10.00 now, as its job file says; it was $5.00');
    expect(await limit()).toBe(10_000_000);
  });

  test('that was said stays where the budget of the job file has not changed', async () => {
    const { cli, limit } = await openLimited('budget: { max_usd: 5 }\n');
    expect(await cli('submit', '--use-batch', '--submit-only', '--max-usd', '8').finished).toBe('done');
    const again = cli('submit', '--use-batch', '--submit-only');
    expect(await again.finished).toBe('done');
    expect(await limit()).toBe(8_000_000);
    expect(again.shown()).not.toContain('budget');
  });

  test('stays where the job file no longer names one', async () => {
    const { dir, cli, limit } = await openLimited('budget: { max_usd: 5 }\n');
    expect(await cli('build').finished).toBe('done');
    writeSampleJob(dir, 3);
    const again = cli('build');
    expect(await again.finished).toBe('done');
    expect(again.shown()).toContain('keeps its budget of $5.00, which its job file no longer names');
    expect(await limit()).toBe(null);
  });

  test('can be said with --set, and a job without one is not spoken of', async () => {
    const { cli, look } = await openLimited('');
    const built = cli('build', '--set', 'budget.max_usd=0.25');
    expect(await built.finished).toBe('done');
    const job = await look((store) => store.findJob('latest'));
    expect(job.spec.spending.maxMicroUsd).toBe(250_000);
    expect(built.shown()).not.toContain('budget');
  });
});
