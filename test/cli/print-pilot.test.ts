import { expect, test } from 'vitest';
import { formatVerdict } from '../../src/cli/print-pilot.ts';
import type { PilotVerdict } from '../../src/core/pilot.ts';

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
