import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.ts';
import { seeded } from '../support/seeded.ts';
import { sayLeftOut, straceProblem } from '../support/strace.ts';
import { makeChainJob } from './chain-job.ts';
import { runPoint, tracePlaces } from './syscall-case.ts';
import { nameOf, type Place, type Point, pointsOf, samplePoints } from './syscall-points.ts';

/** `npm run crash` runs all of them; here are one of each call and fault, and others by chance. */
const SAMPLE = 64;
const SEED = 5;

const problem = straceProblem();
if (problem !== null) sayLeftOut('no system call is killed at or made to fail', problem);

describe.skipIf(problem !== null)('a run that is killed at a system call, or in which one fails', () => {
  let scratch: string;
  let nodeCache: string;
  let emulator: EmulatorProcess;
  let places: readonly Place[];
  let sample: readonly Point[];
  let struck = 0;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'batchctl-syscalls-'));
    nodeCache = join(scratch, 'cache');
    emulator = await startEmulatorProcess(scratch, ['--batch-seconds', '0.2']);
    // Twice: the first run fills Node's compile cache, and makes calls that no later one makes.
    for (let run = 1; run <= 2; run += 1) {
      const job = makeChainJob(emulator.url, nodeCache);
      places = await tracePlaces(job).finally(() => job.remove());
    }
    sample = samplePoints(pointsOf(places), SAMPLE, seeded(SEED));
  }, 180_000);

  afterAll(async () => {
    await emulator?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each(Array.from({ length: SAMPLE }, (_, index) => index))(
    `point %i of seed ${SEED} is carried on to one batch a shard and one answer a row`,
    async (index) => {
      const point = sample[index];
      if (point === undefined) throw new RangeError(`a run has only ${sample.length} points`);
      const job = makeChainJob(emulator.url, nodeCache);
      try {
        const outcome = await runPoint(point, job, emulator.truth);
        if (outcome.struck !== null && outcome.struck.target !== 'wake') struck += 1;
        const where = `${nameOf(point)} struck ${outcome.struck?.path ?? 'nothing'} and ended with ${outcome.ended}`;
        expect(outcome.problems, `${where}; again: npm run crash -- --only ${nameOf(point)}`).toEqual([]);
      } finally {
        job.remove();
      }
    },
    180_000,
  );

  it('nearly every point was really struck', () => {
    // A run may take a turn that the clean one did not take, and end before it comes to the call.
    expect(struck).toBeGreaterThanOrEqual(SAMPLE * 0.9);
  });

  it('a run makes every kind of call that the sample is drawn from, some hundreds in all', () => {
    const kinds = new Set(places.map(({ call, target }) => `${call} ${target}`));
    for (const kind of [
      'fsync file',
      'rename file',
      'pwrite64 file',
      'write file',
      'write socket',
      'connect socket',
    ])
      expect(kinds).toContain(kind);
    expect(places.length).toBeGreaterThan(500);
  });
});
