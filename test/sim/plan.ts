import { type Seeded, seeded } from '../support/seeded.ts';
import { drawJob, type SimJob } from './make-job.ts';
import { drawSwitches, type SetSwitch } from './switches.ts';
import { drawLive, drawOutcomes, drawStrikes } from './weather.ts';

/** When a run is ended, counted from its start. */
export interface Ending {
  readonly signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM';
  /** Some time after it has found the server, after the nth call of a kind that reaches it, or the nth piece of talk. */
  readonly after: 'start' | 'call' | 'create' | 'fence' | 'answer' | 'results' | 'talk';
  readonly nth: number;
  readonly delayMs: number;
}

export interface PlannedRun {
  readonly args: readonly string[];
  /** Null: it may go on as long as it wants to, within reason. */
  readonly ending: Ending | null;
}

/** Some runs at once under some faults; before them somebody else may have used the account. */
export interface Step {
  readonly colleague: { readonly requests: number; readonly deletes: boolean } | null;
  readonly strikes: readonly string[];
  readonly runs: readonly PlannedRun[];
}

/** All that is left to chance in one seed, drawn before anything runs. Timing is the machine's own. */
export interface Plan {
  readonly seed: number;
  readonly jobs: readonly SimJob[];
  readonly switches: readonly SetSwitch[];
  /** Stands all the time: the switches, and what becomes of rows. */
  readonly standing: readonly string[];
  readonly live: readonly string[];
  /** Batches that the account has had before. */
  readonly history: readonly number[];
  /** For hours; by the server's clock, which this machine's is behind then. */
  readonly isOldHistory: boolean;
  readonly batchSeconds: number;
  readonly settleSeconds: number;
  /** Somebody deletes batches, of a size that no shard has, just as a cursor names them. */
  readonly losesCursors: boolean;
  readonly steps: readonly Step[];
  /** The job that is canceled, and carried to its end by retries. */
  readonly canceled: SimJob | null;
}

export function makePlan(seed: number): Plan {
  const random = seeded(seed * 7919 + 1);
  const jobs = random.next() < 0.2 ? [drawJob('a', random), drawJob('b', random)] : [drawJob('a', random)];
  const switches = drawSwitches(seed, random);
  const live = drawLive(random);
  const settleSeconds = random.pick([1, 1.5, 2]);
  const flags = pace(settleSeconds);
  const canceled = random.next() < 0.15 ? (jobs[0] ?? null) : null;
  const steps = Array.from({ length: random.pick([1, 1, 2, 2, 3]) }, (_, index) => {
    const runs = drawRuns(index, jobs, canceled, flags, random);
    return {
      colleague: drawColleague(jobs, random),
      strikes: drawStrikes(live, random),
      runs,
    };
  });
  const namesWorkspace = !switches.some(({ faults }) => faults.includes('no-workspace'));
  const losesCursors = switches.some(({ faults }) =>
    faults.some((fault) => fault.startsWith('list-cursor=')),
  );
  return {
    seed,
    jobs,
    switches,
    standing: [...switches.flatMap(({ faults }) => faults), ...drawOutcomes(random)],
    live: namesWorkspace ? live : live.filter((fault) => !fault.startsWith('list-other-workspace')),
    // Nothing is proven absent in an account that is empty and does not name itself, or whose batches were all deleted.
    history: Array.from({ length: random.between(namesWorkspace && !losesCursors ? 0 : 1, 3) }, () =>
      sizeLike(jobs, random),
    ),
    // A `Date` that is far from `created_at` is promised nothing by a machine whose own clock is wrong too.
    isOldHistory: !switches.some(({ faults }) => faults.some((fault) => /^date-off=-?86400/.test(fault))),
    batchSeconds: random.pick([0.05, 0.3, 0.8]),
    settleSeconds,
    losesCursors,
    steps,
    canceled,
  };
}

/** As many requests as one of the jobs' shards has, as near as can be known before they are built. */
function sizeLike(jobs: readonly SimJob[], random: Seeded): number {
  const job = random.pick(jobs);
  return random.pick([job.maxShardRequests, Math.max(1, job.maxShardRequests - 1), job.records]);
}

function drawColleague(jobs: readonly SimJob[], random: Seeded): Step['colleague'] {
  if (random.next() < 0.6) return null;
  return { requests: sizeLike(jobs, random), deletes: random.next() < 0.3 };
}

function drawRuns(
  index: number,
  jobs: readonly SimJob[],
  canceled: SimJob | null,
  flags: readonly string[],
  random: Seeded,
): readonly PlannedRun[] {
  const run = (): PlannedRun => ({
    args: drawArgs(random.pick(jobs), index === 0, flags, random),
    ending: random.next() < 0.9 ? drawEnding(random) : null,
  });
  const runs = random.next() < 0.2 ? [run(), run()] : [run()];
  if (canceled !== null && index === 1) return [...runs, { args: ['cancel', canceled.name], ending: null }];
  return runs;
}

function drawArgs(
  job: SimJob,
  isFirst: boolean,
  flags: readonly string[],
  random: Seeded,
): readonly string[] {
  const submit = submitArgs(job, flags);
  if (isFirst || random.next() < 0.5) return random.next() < 0.8 ? submit : [...submit, '--submit-only'];
  return random.pick([
    ['resume', ...flags],
    ['resume', job.name, ...flags],
    ['resume', '--once', ...flags],
    ['retrieve', job.name, ...flags],
    ['retrieve', job.name, '--wait', ...flags],
  ]);
}

/** Looks cost more time than waiting does. */
export function pace(settleSeconds: number): readonly string[] {
  return ['--settle', `${settleSeconds * 1000}ms`, '--interval', '250ms'];
}

export function submitArgs(job: SimJob, flags: readonly string[]): readonly string[] {
  const size = ['--max-shard-requests', String(job.maxShardRequests)];
  return ['submit', `${job.name}.job.yaml`, '--use-batch', '--emulator', ...size, ...flags];
}

function drawEnding(random: Seeded): Ending {
  const signal = random.next() < 0.9 ? 'SIGKILL' : random.pick(['SIGINT', 'SIGTERM'] as const);
  const after = random.pick([
    ...(['start', 'call', 'create', 'talk', 'results'] as const),
    ...(['fence', 'fence', 'fence', 'answer', 'answer', 'answer'] as const),
  ]);
  return {
    signal,
    after,
    nth: after === 'start' ? 1 : after === 'call' ? random.between(1, 10) : random.pick([1, 1, 2, 3]),
    delayMs:
      after === 'start'
        ? random.between(0, 300)
        : random.pick([0, 0, random.between(0, 15), random.between(0, 100)]),
  };
}
