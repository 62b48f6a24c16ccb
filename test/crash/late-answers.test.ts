import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { onBench, RECORDS, type RebuildBench, SAMPLE_JOB, TWO_STAGES } from './rebuild-bench.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '100ms', '--settle', '300ms'];
const WITH_COMMAND = `${SAMPLE_JOB}on_end: [sh, -c, 'echo "$BATCHCTL_FAILED" >> ends.log']\n`;

const ends = ({ dir }: RebuildBench): readonly number[] =>
  readFileSync(join(dir, 'ends.log'), 'utf8').trimEnd().split('\n').map(Number);

test(
  'what comes after the run is done again by the very resume that gives a final job its late answers',
  onBench({ batchSeconds: 0.5, job: WITH_COMMAND }, async (bench) => {
    await bench.setFaults('list-lag=8', 'lost-reply', 'rows-errored=0.6');
    expect((await bench.cli(...SUBMIT)).code).toBe(3);
    const [failed = 0] = ends(bench);
    expect(failed).toBeGreaterThan(0);
    await bench.setFaults();
    // The first batch has ended by then.
    await delay(1_000);
    const resumed = await bench.cli('resume', '--interval', '100ms');
    expect(resumed.stderr).toContain('of an earlier attempt that came late');
    expect(ends(bench)).toEqual([failed, 0]);
    // And once only.
    await bench.cli('resume', '--interval', '100ms');
    expect(ends(bench)).toEqual([failed, 0]);
  }),
);

test(
  'a later stage that goes on with late answers is carried on by the resume that brought them',
  onBench({ batchSeconds: 0.5, job: TWO_STAGES }, async (bench) => {
    await bench.setFaults('list-lag=10', 'lost-reply', 'rows-errored=0.6');
    expect((await bench.cli(...SUBMIT)).code).toBe(3);
    expect((await bench.status()).state).toBe('done');
    await bench.setFaults();
    await delay(1_000);
    const resumed = await bench.cli('resume', '--interval', '100ms', '--json');
    expect(resumed.stderr).toContain('has turned up although');
    expect((await bench.status()).state).toBe('done');
    // And it is told of.
    const [document, ...others] = JSON.parse(resumed.stdout);
    expect(others).toEqual([]);
    expect(document).toMatchObject({ state: 'done', requests: 2 * RECORDS });
    expect(document.failures).not.toHaveProperty('held');
  }),
);
