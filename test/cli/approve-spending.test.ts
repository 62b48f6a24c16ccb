import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { openTerminalBench as open } from '../support/terminal-bench.ts';

const UP = '\u001b[A';
const DOWN = '\u001b[B';
const CTRL_C = '\u0003';

describe('a submission at a terminal', () => {
  test('below the amount that is asked about goes by itself, with its estimate shown', async () => {
    const { cli, sent } = await open(3);
    const { finished, shown } = cli('submit', '--use-batch');
    expect(await finished).toBe('done');
    expect(shown()).toMatch(/3 requests, about \d+ tokens in, \d+ out: <?\$\S+ – \$0\.0004, likely \$/);
    expect(shown()).toContain('a rehearsal: nothing is charged');
    expect(shown()).not.toContain('(y/N)');
    expect(await sent()).toEqual([1, 0]);
  });

  test('above it asks, and a yes sends it', async () => {
    const { cli, sent } = await open(3, 'budget: { ask_above_usd: 0.0001 }\n');
    const { answer, finished, shown } = cli('submit', '--use-batch');
    await answer('(y/N)', 'y\r');
    expect(await finished).toBe('done');
    // 3 answers of at most 500 tokens at 0.50 USD a million, halved: 0.000375 USD, and a little for the prompts.
    expect(shown()).toMatch(/Send 3 requests of words-\S+ as a batch for up to \$0\.0004\s/);
    expect(await sent()).toEqual([1, 0]);
  });

  test('that is answered with Enter sends nothing, leaves with 7, and can be asked again', async () => {
    const { cli, sent, look } = await open(3, 'budget: { ask_above_usd: 0 }\n');
    const first = cli('submit', '--use-batch');
    await first.answer('(y/N)', '\r');
    await expect(first.finished).rejects.toMatchObject({ name: 'DecisionError', code: 'not_approved' });
    expect(await sent()).toEqual([0, 0]);
    const [job] = await look((store) => store.listJobs({ pendingOnly: true, limit: null }));
    expect(job).toMatchObject({ state: 'built', submitRequestedAt: null });
    const second = cli('submit', '--use-batch');
    await second.answer('(y/N)', 'y\r');
    expect(await second.finished).toBe('done');
    expect(await sent()).toEqual([1, 0]);
  });

  test('with --yes is not asked about', async () => {
    const { cli, sent } = await open(3, 'budget: { ask_above_usd: 0 }\n');
    expect(await cli('--yes', 'submit', '--use-batch').finished).toBe('done');
    expect(await sent()).toEqual([1, 0]);
  });

  test('at a price that is not known asks', async () => {
    const { cli, sent } = await open(3);
    const { answer, finished, shown } = cli('submit', '--use-batch', '--set', 'model=claude-haiku-4-5-test');
    await answer('(y/N)', 'n\r');
    await expect(finished).rejects.toMatchObject({ code: 'not_approved' });
    expect(shown()).toContain('for an unknown price');
    expect(await sent()).toEqual([0, 0]);
  });

  test('is interrupted by Ctrl-C at the question, and by a signal', async () => {
    const { cli, sent } = await open(3, 'budget: { ask_above_usd: 0 }\n');
    const typed = cli('submit', '--use-batch');
    await typed.answer('(y/N)', CTRL_C);
    await expect(typed.finished).rejects.toMatchObject({ name: 'InterruptedError', signal: 'SIGINT' });
    const stopped = cli('submit', '--use-batch');
    await stopped.answer('(y/N)', '');
    stopped.stop(
      new InterruptedError('interrupted', { code: 'interrupted', next: 'again', signal: 'SIGTERM' }),
    );
    await expect(stopped.finished).rejects.toMatchObject({
      name: 'InterruptedError',
      signal: 'SIGTERM',
      next: expect.stringContaining('batchctl --yes submit'),
    });
    expect(await sent()).toEqual([0, 0]);
  });

  test('keeps the estimate with which it was sent', async () => {
    const { cli, look } = await open(3);
    expect(await cli('submit', '--use-batch').finished).toBe('done');
    const kept = await look(async (store) => store.estimateOf((await store.findJob('latest')).id));
    expect(kept?.total).toMatchObject({ requests: 3, outputTokens: { high: 1500 } });
    expect(kept?.stages[0]?.calibration.counted).toBe(3);
  });
});

describe('the question which way', () => {
  test('has both prices in view, and is not followed by another one', async () => {
    const { cli, sent } = await open(6, 'budget: { ask_above_usd: 0 }\n');
    const { answer, finished, shown } = cli('submit');
    // 6 answers of at most 500 tokens at 0.50 USD a million are 0.0015 USD in real time, and half of that as a batch.
    await answer('in real time', '\r');
    expect(await finished).toBe('done');
    expect(shown()).toMatch(/as a batch: <?\$\S+ – \$0\.0008, likely/);
    expect(shown()).toMatch(/in real time: <?\$\S+ – \$0\.0015, likely/);
    expect(shown()).not.toContain('(y/N)');
    expect(await sent()).toEqual([1, 0]);
  });

  test('sends as it is answered', async () => {
    const { cli, sent } = await open(6);
    const { answer, finished } = cli('submit');
    await answer('in real time', `${UP}${DOWN}${DOWN}\r`);
    expect(await finished).toBe('done');
    expect(await sent()).toEqual([0, 6]);
  });
});

describe('a retry at a terminal', () => {
  const EXPENSIVE = 'budget: { ask_above_usd: 0 }\n';

  async function openFailed(change: (yaml: string) => string = (yaml) => yaml) {
    const bench = await open(24, EXPENSIVE);
    const path = join(bench.dir, 'words.job.yaml');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    await fetch(`${bench.emulator.url}/_emulator/faults`, {
      method: 'POST',
      body: JSON.stringify({ faults: ['rows-errored=0.5'] }),
    });
    expect(await bench.cli('--yes', 'submit', '--use-batch').finished).toBe('failed_rows');
    await fetch(`${bench.emulator.url}/_emulator/faults`, {
      method: 'POST',
      body: JSON.stringify({ faults: [] }),
    });
    const tallies = () =>
      bench.look(async (store) => {
        const { id, state, finalAt } = await store.findJob('latest');
        return { state, finalAt, tallies: (await store.shards(id)).map(({ tally }) => tally) };
      });
    return { ...bench, tallies, before: await tallies() };
  }

  test('asks with what it may cost, and a no leaves each row as it was', async () => {
    const { cli, sent, tallies, before } = await openFailed();
    const { answer, finished, shown } = cli('retry', 'latest');
    await answer('(y/N)', 'n\r');
    await expect(finished).rejects.toMatchObject({ code: 'not_approved' });
    expect(shown()).toMatch(/Send \d+ requests of words-\S+ again for up to \$/);
    expect(before.state).toBe('done');
    expect(await tallies()).toEqual(before);
    expect(await sent()).toEqual([1, 0]);
  });

  test('of two stages of which one is not approved leaves the rows of that one as they were', async () => {
    const two = 'stages: [{ name: one, prompt: "{{id}} one" }, { name: two, prompt: "{{id}} two" }]';
    const bench = await openFailed((yaml) => yaml.replace(/^prompt: .*$/m, two));
    const { answer, finished } = bench.cli('retry', 'latest');
    await answer('(y/N)', 'y\r');
    await answer('Yes', '');
    await answer('(y/N)', 'n\r');
    await expect(finished).rejects.toMatchObject({ code: 'not_approved' });
    const shards = await bench.look(async (store) => store.shards((await store.findJob('latest')).id));
    expect(shards.map(({ shard }) => [shard.stage, shard.state])).toEqual([
      ['one', 'applied'],
      ['one', 'built'],
      ['two', 'applied'],
    ]);
    expect(shards[2]?.tally?.requests).toBe(24);
    expect(await bench.sent()).toEqual([2, 0]);
  });

  test('is sent after a yes', async () => {
    const { cli, sent } = await openFailed();
    const { answer, finished } = cli('retry', 'latest');
    await answer('(y/N)', 'y\r');
    expect(await finished).toBe('done');
    expect(await sent()).toEqual([2, 0]);
  });
});

describe('the pilot of a job at a terminal', () => {
  const PILOT = ['submit', '--use-batch', '--pilot', '2'];

  test('is shown before the rest is asked about, and a yes sends it', async () => {
    const { cli, sent } = await open(6);
    const { answer, finished, shown } = cli(...PILOT);
    await answer('(y/N)', 'y\r');
    expect(await finished).toBe('done');
    expect(shown()).toContain('2 of 2 good');
    expect(shown()).toMatch(/Send the rest of words-\S+ Yes/);
    expect(await sent()).toEqual([2, 0]);
  });

  test('that is answered with no keeps its answers, and the same command asks again', async () => {
    const { cli, sent } = await open(6);
    const first = cli(...PILOT);
    await first.answer('(y/N)', '\r');
    await expect(first.finished).rejects.toMatchObject({ name: 'DecisionError', code: 'pilot_undecided' });
    expect(await sent()).toEqual([1, 0]);
    const second = cli(...PILOT);
    await second.answer('(y/N)', 'y\r');
    expect(await second.finished).toBe('done');
    expect(await sent()).toEqual([2, 0]);
  });

  test('goes on by itself with --yes', async () => {
    const { cli, sent } = await open(6);
    expect(await cli('--yes', ...PILOT).finished).toBe('done');
    expect(await sent()).toEqual([2, 0]);
  });
});
