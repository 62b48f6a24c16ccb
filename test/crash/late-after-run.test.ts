import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { onBench, type RebuildBench, SAMPLE_JOB } from './rebuild-bench.ts';

const WITH_COMMAND = `${SAMPLE_JOB}on_end: [sh, -c, 'echo "$BATCHCTL_FAILED" >> ends.log']\n`;

const ends = ({ dir }: RebuildBench): readonly number[] =>
  readFileSync(join(dir, 'ends.log'), 'utf8').trimEnd().split('\n').map(Number);

test(
  'what comes after the run is done again by the very resume that gives a final job its late answers',
  onBench({ batchSeconds: 0.5, job: WITH_COMMAND }, async (bench) => {
    await bench.setFaults('list-lag=8', 'lost-reply', 'rows-errored=0.6');
    const submit = ['submit', '--use-batch', '--emulator', '--interval', '100ms', '--settle', '300ms'];
    expect((await bench.cli(...submit)).code).toBe(3);
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
