import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { makeTalk } from '../../src/cli/progress.ts';
import type { Progress } from '../../src/core/ports/progress.ts';
import { makeManualClock } from '../support/manual-clock.ts';

/** The lines that are printed where nobody watches a terminal. */
function linesOf(told: readonly Progress[], verbose = false): readonly string[] {
  const stream = new PassThrough();
  const terminal = { isTTY: false, width: 80, color: false };
  const options = { terminal, quiet: false, verbose, json: false, clock: makeManualClock() };
  // The stream is written to, and asked for nothing that only standard error has.
  const talk = makeTalk(stream as unknown as NodeJS.WriteStream, options);
  for (const progress of told) talk.report(progress);
  return String(stream.read() ?? '')
    .split('\n')
    .filter((line) => line !== '');
}

const waiting = (why: string, ms = 300_000): Progress => ({ kind: 'waiting', why, ms });
const polled: Progress = {
  kind: 'polled',
  pending: 1,
  ended: 0,
  doubts: 0,
  requests: 12,
  elapsedMs: 0,
  nextLookMs: 0,
};

describe('an outage', () => {
  const tries = [1, 2, 3].map((n) =>
    waiting(`the list of batches: HTTP 500 (request req_${n}); the batches go on`),
  );

  it('is said once, however often it is tried again', () => {
    expect(linesOf(tries)).toEqual([
      'the list of batches: HTTP 500 (request req_1); the batches go on; waiting 5 min',
    ]);
  });

  it('is said again when it has another cause, or comes back', () => {
    expect(linesOf([...tries, waiting('no such host'), ...tries, polled, ...tries])).toHaveLength(5);
  });

  it('is told with each try under -v', () => {
    expect(linesOf(tries, true)).toHaveLength(3);
  });
});
