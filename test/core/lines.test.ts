import { describe, expect, test } from 'vitest';
import { type ByteLine, createLineSplitter } from '../../src/core/lines.ts';

/** The lines as text when the bytes arrive in chunks of `size`. */
function split(
  bytes: Buffer,
  size: number,
  maxLineBytes = 1000,
): readonly (readonly [number, number, string | null])[] {
  const kept = createLineSplitter(maxLineBytes);
  const reused = createLineSplitter(maxLineBytes, { reuse: true });
  const lines: ByteLine[] = [];
  const shown: (readonly [number, number, string | null])[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const chunk = bytes.subarray(start, start + size);
    lines.push(...kept.push(Buffer.from(chunk)));
    shown.push(...reused.push(Buffer.from(chunk)).map(show));
  }
  lines.push(...kept.end());
  shown.push(...reused.end().map(show));
  // Lines that are kept stay as they were, also when others have come.
  expect(lines.map(show)).toEqual(shown);
  return shown;
}

function show({ number, offset, bytes }: ByteLine) {
  return [number, offset, bytes?.toString() ?? null] as const;
}

const corpus: readonly (readonly [string, readonly (readonly [number, number, string])[]])[] = [
  ['', []],
  ['a', [[1, 0, 'a']]],
  ['a\n', [[1, 0, 'a']]],
  [
    'a\n\nb',
    [
      [1, 0, 'a'],
      [2, 2, ''],
      [3, 3, 'b'],
    ],
  ],
  ['\n', [[1, 0, '']]],
  [
    'a\r\nb\r\n',
    [
      [1, 0, 'a\r'],
      [2, 3, 'b\r'],
    ],
  ],
  [
    'a\u2028b\nc\u0085d\rx\n',
    [
      [1, 0, 'a\u2028b'],
      [2, 6, 'c\u0085d\rx'],
    ],
  ],
  [
    '€uro\n€\n',
    [
      [1, 0, '€uro'],
      [2, 7, '€'],
    ],
  ],
];

describe.each([1, 2, 3, 7, 1000])('in chunks of %i bytes', (size) => {
  test.each(corpus)('%j is cut at LF only', (text, lines) => {
    expect(split(Buffer.from(text), size)).toEqual(lines);
  });

  test('a line over the limit is counted, not held, and the next one is whole', () => {
    expect(
      split(Buffer.from(`ab\n${'x'.repeat(11)}\ncd\n${'y'.repeat(10)}\n${'z'.repeat(12)}`), size, 10),
    ).toEqual([
      [1, 0, 'ab'],
      [2, 3, null],
      [3, 15, 'cd'],
      [4, 18, 'y'.repeat(10)],
      [5, 29, null],
    ]);
  });
});

test('a line of 40 MB in small chunks takes linear time', () => {
  const splitter = createLineSplitter(50_000_000);
  const chunk = Buffer.alloc(16_384, 'x');
  const startedAt = performance.now();
  for (let index = 0; index < 2_500; index += 1) splitter.push(chunk);
  expect(splitter.end()[0]?.sizeBytes).toBe(2_500 * 16_384);
  // Joining the pieces at each chunk would copy 50 GB.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('an endless line is not held', () => {
  const splitter = createLineSplitter(1_000_000);
  const before = process.memoryUsage().arrayBuffers;
  for (let index = 0; index < 300; index += 1) splitter.push(Buffer.alloc(1_000_000, 'x'));
  global.gc?.();
  expect(splitter.end()).toEqual([{ number: 1, offset: 0, sizeBytes: 300_000_000, bytes: null }]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000_000);
});
