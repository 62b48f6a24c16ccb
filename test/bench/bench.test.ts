import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { COMPARISONS, MOST_MB } from '../../bench/bounds.ts';
import { LONG_WORKS } from '../../bench/long-lines.ts';
import { toolsProblem } from '../../bench/measure.ts';
import { WORKS } from '../../bench/rounds.ts';
import { runCli } from '../support/run-cli.ts';
import { sayLeftOut } from '../support/strace.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const problem = toolsProblem();
if (problem !== null) sayLeftOut('the bench is not tried', problem);

/** A script of the bench, to its end. */
async function runBench(name: string, ...args: readonly string[]): Promise<string> {
  const path = fileURLToPath(new URL(`../../bench/${name}`, import.meta.url));
  const { code, stdout, stderr } = await runCli(args, { cwd: tmpdir(), bin: path });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe.skipIf(problem !== null)(`the bench on a small size${problem ?? ''}`, () => {
  test('measures every piece of work and its alternatives, and no command holds more memory than it may', async () => {
    const out = makeTempDir();
    const table = await runBench('main.ts', '--requests', '300', '--pairs', '1', '--out', out);
    const report = JSON.parse(readFileSync(`${out}/results.json`, 'utf8'));
    expect(Object.keys(report.runs)).toEqual(
      expect.arrayContaining([...WORKS, ...LONG_WORKS, 'list', 'status', '--version']),
    );
    for (const [work, runs] of Object.entries<{ wallMs: number; peakMb: number }[]>(report.runs))
      for (const { wallMs, peakMb } of runs)
        expect([work, wallMs > 0, peakMb > 5]).toEqual([work, true, true]);
    expect(report.peak_mb).toBeLessThanOrEqual(MOST_MB);
    expect(report.compared).toHaveLength(COMPARISONS.length);
    // Whether a bound is held says nothing at this size: what it takes to start is most of it, and a difference may be below 0.
    for (const { work, ratio, beyond } of report.compared)
      expect([work, beyond === undefined ? ratio > 0 : Number.isFinite(ratio)]).toEqual([work, true]);
    expect(table).toContain('retrieve, a file each, beyond retrieve');
    expect(report.machine).toMatchObject({ node: process.versions.node });
  }, 180_000);

  test('sends and retrieves over a slow line that stands still and breaks, and loses no more than what broke', async () => {
    const out = makeTempDir();
    await runBench(
      'slow-network.ts',
      ...['--requests', '200', '--mb-per-second', '4', '--stall-seconds', '0.5', '--out', out],
    );
    const { trips } = JSON.parse(readFileSync(`${out}/slow-network.json`, 'utf8'));
    expect(trips.map(({ what }: { what: string }) => what)).toEqual([
      'submit, slow',
      'retrieve, slow',
      'submit, stalled',
      'retrieve, cut 5 times, rest given',
      'retrieve, cut 5 times, no rest',
    ]);
    for (const { what, wallMs, bytesMs, lostMs, peakMb } of trips)
      expect([what, wallMs > bytesMs + lostMs, peakMb <= MOST_MB]).toEqual([what, true, true]);
  }, 180_000);

  test('draws the growth of each command, and no command holds more memory than it may', async () => {
    const out = makeTempDir();
    expect(await runBench('growth.ts', '--sizes', '50,200', '--out', out)).toContain(
      `no command held more than ${MOST_MB} MB`,
    );
    const { points } = JSON.parse(readFileSync(`${out}/growth.json`, 'utf8'));
    expect(
      points.map(({ requests }: { requests: number }) => requests).filter((size: number) => size === 200),
    ).toHaveLength(10);
    expect(existsSync(`${out}/growth.svg`)).toBe(true);
    expect(readFileSync(`${out}/growth.svg`, 'utf8')).toMatch(/^<svg [\s\S]*retrieve[\s\S]*<\/svg>$/);
  }, 180_000);
});
