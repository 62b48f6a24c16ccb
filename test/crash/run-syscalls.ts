import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import build from '../support/build.ts';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.ts';
import { seeded } from '../support/seeded.ts';
import { straceProblem } from '../support/strace.ts';
import { makeChainJob } from './chain-job.ts';
import { type PointOutcome, runPoint, tracePlaces } from './syscall-case.ts';
import {
  FAULTS,
  nameOf,
  type Place,
  type Point,
  parsePoint,
  pointsOf,
  samplePoints,
} from './syscall-points.ts';

// `npm run crash`: every call of a small job that changes anything is killed at, and fails, each in turn.
const USAGE = `npm run crash -- [options]
  --only fsync:12:kill   one point, again; may be repeated
  --calls fsync,rename   only these system calls
  --faults kill,EIO      only these faults (${FAULTS.join(', ')})
  --sample N --seed S    N points, chosen by the seed
  --skip N               without the first N points: carries on a run that was stopped
  --jobs N               so many at a time (1)
`;

/** The emulator's truth has every batch since it started: a new one now and then keeps the question cheap. */
const POINTS_AN_EMULATOR = 120;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    calls: { type: 'string' },
    faults: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string' },
    skip: { type: 'string' },
    jobs: { type: 'string' },
    help: { type: 'boolean' },
  },
});

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const scratch = mkdtempSync(join(tmpdir(), 'batchctl-crash-'));
const nodeCache = join(scratch, 'cache');
let emulators = 0;

if (values.help === true) process.stdout.write(USAGE);
else process.exitCode = await main().finally(() => rmSync(scratch, { recursive: true, force: true }));

async function main(): Promise<number> {
  const problem = straceProblem();
  if (problem !== null) {
    say(`LEFT OUT: the enumeration needs strace: ${problem}`);
    return 1;
  }
  build();
  const places = await cleanPlaces();
  const points = choosePoints(places).slice(Number(values.skip ?? '0'));
  say(`${places.length} calls of a clean run: ${countBy(places.map(({ call }) => call))}`);
  say(`${points.length} points`);
  const began = Date.now();
  const tally: PointOutcome[] = [];
  const failed: string[] = [];
  for (let from = 0; from < points.length; from += POINTS_AN_EMULATOR) {
    const emulator = await startAnEmulator();
    const queue = points.slice(from, from + POINTS_AN_EMULATOR);
    const work = async (): Promise<void> => {
      for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
        const outcome = await runOne(point, emulator);
        tally.push(outcome);
        if (outcome.problems.length > 0) failed.push(nameOf(point));
      }
    };
    await Promise.all(Array.from({ length: Number(values.jobs ?? '1') }, work)).finally(() =>
      emulator.stop(),
    );
    say(
      `… ${tally.length} of ${points.length}, ${failed.length} failed, ${Math.round((Date.now() - began) / 1000)} s`,
    );
  }
  say(
    `struck: ${tally.filter(({ struck }) => struck !== null && struck.target !== 'wake').length} of ${tally.length}`,
  );
  say(`ended: ${countBy(tally.map(({ ended }) => ended))}`);
  for (const name of failed) say(`FAILED ${name}; again: npm run crash -- --only ${name}`);
  return failed.length === 0 ? 0 : 1;
}

/** Twice: the first run also fills Node's compile cache, which is a run that no later one is like. */
async function cleanPlaces(): Promise<readonly Place[]> {
  const emulator = await startAnEmulator();
  try {
    let places: readonly Place[] = [];
    for (let run = 1; run <= 2; run += 1) {
      const job = makeChainJob(emulator.url, nodeCache);
      places = await tracePlaces(job).finally(() => job.remove());
    }
    return places;
  } finally {
    await emulator.stop();
  }
}

function choosePoints(places: readonly Place[]): readonly Point[] {
  if (values.only !== undefined) return values.only.map(parsePoint);
  const calls = values.calls?.split(',');
  const faults = values.faults?.split(',');
  const all = pointsOf(
    places.filter(({ call }) => calls?.includes(call) ?? true),
    FAULTS.filter((fault) => faults?.includes(fault) ?? true),
  );
  if (values.sample === undefined) return all;
  return samplePoints(all, Number(values.sample), seeded(Number(values.seed ?? '1')));
}

async function runOne(point: Point, emulator: EmulatorProcess): Promise<PointOutcome> {
  const job = makeChainJob(emulator.url, nodeCache);
  try {
    const outcome = await runPoint(point, job, emulator.truth);
    const where =
      outcome.struck === null
        ? 'not reached'
        : `${outcome.struck.target} ${outcome.struck.path.replace(job.dir, '')}`;
    say(`${outcome.problems.length === 0 ? 'ok    ' : 'FAILED'} ${nameOf(point)} ${where}: ${outcome.ended}`);
    for (const problem of outcome.problems) say(`       ${problem}`);
    return outcome;
  } finally {
    job.remove();
  }
}

function startAnEmulator(): Promise<EmulatorProcess> {
  emulators += 1;
  const folder = join(scratch, `emulator-${emulators}`);
  mkdirSync(folder);
  return startEmulatorProcess(folder, ['--batch-seconds', '0.2']);
}

function countBy(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}
