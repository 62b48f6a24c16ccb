import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatVerdict } from '../../src/cli/print-pilot.ts';
import type { PilotVerdict } from '../../src/core/pilot.ts';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const NOTHING = { low: 0, likely: 0, high: 0 };

function verdictWith(text: string): PilotVerdict {
  const part = {
    requests: 40,
    inputTokens: NOTHING,
    outputTokens: NOTHING,
    batch: NOTHING,
    realTime: NOTHING,
  };
  return {
    jobId: 'reviews-1',
    requests: 20,
    good: 20,
    failures: {},
    successRate: 1,
    minSuccess: null,
    tokens: null,
    cost: 0,
    rest: 0,
    sample: { customId: 'a', text },
    estimate: { madeAt: '2026-11-20T00:00:00Z', stages: [], total: part, groups: [], unpriced: [] },
    holds: false,
    overBudget: false,
  };
}

function sampleLines(text: string): readonly string[] {
  const lines = formatVerdict(verdictWith(text));
  const first = lines.indexOf('the answer to a:') + 1;
  return lines.slice(first, lines.indexOf('the rest, 40 requests:') - 1);
}

test('a sample answer of one long line is broken between words, and none of it is left out', () => {
  const text = 'seven letters '.repeat(20).trim();
  const lines = sampleLines(text);
  expect(lines.length).toBeGreaterThan(1);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78);
  expect(lines.map((line) => line.trim()).join(' ')).toBe(text);
});

test('a word that fills more than a line is broken too', () => {
  expect(sampleLines('x'.repeat(100))).toEqual([`  ${'x'.repeat(76)}`, `  ${'x'.repeat(24)}`]);
});

test('a sample answer leaves a question in view: ten lines are shown', () => {
  const lines = sampleLines(Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n\n'));
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toBe('  …');
  expect(lines[1]).toBe('');
});

test('a share is never rounded up to what was asked for, nor below itself', () => {
  const shown = (successRate: number): string =>
    formatVerdict({ ...verdictWith('a'), successRate, minSuccess: 0.95 })[0] ?? '';
  expect(shown(0.9499)).toContain('94.9 %, 95 % asked for');
  // 0.57 * 1000 is 569.9999999999999
  expect(shown(0.57)).toContain('57 %, 95 %');
});

test('with --json the verdict is one line of JSON on stderr', async () => {
  const dir = makeTempDir();
  const rows = Array.from({ length: 30 }, (_, index) => `r${index}\n`).join('');
  writeFile(join(dir, 'rows.csv'), `id\n${rows}`);
  writeFile(
    join(dir, 'words.job.yaml'),
    'name: words\nmodel: claude-haiku-5-5\nmax_tokens: 500\nsource: { csv: rows.csv }\nprompt: "about {{id}}"\n',
  );
  const { code, stderr } = await runCli(
    ['submit', '--use-batch', '--emulator', '--pilot', '5', '--json', '--interval', '100ms'],
    { cwd: dir, env: { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' } },
  );
  expect(code).toBe(7);
  const [first, last] = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first.pilot).toMatchObject({ requests: 5, good: 5, success_rate: 1, min_success: null });
  expect(first.pilot.rest.total.requests).toBe(25);
  expect(first.pilot.sample.text).toContain('about');
  expect(last.error.code).toBe('pilot_undecided');
});
