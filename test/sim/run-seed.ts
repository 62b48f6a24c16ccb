import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, openAccount } from './account.ts';
import { checkSeed } from './check-seed.ts';
import { type SimJob, writeJob } from './make-job.ts';
import { makePlan, type Plan, type PlannedRun, pace, submitArgs } from './plan.ts';
import { type ChildOptions, type RanProcess, runChild } from './run-child.ts';
import { isFinalState, readStore, type StoreFacts } from './store-facts.ts';
import { allowedCodes } from './weather.ts';

/** What came of one seed. */
export interface SeedReport {
  readonly plan: Plan;
  /** What should not have been, a sentence each. */
  readonly problems: readonly string[];
  readonly processes: number;
  readonly kills: number;
  readonly posts: number;
  readonly batches: number;
  readonly foreignBatches: number;
  readonly store: StoreFacts;
  readonly ms: number;
  /** Where everything was left; null when all was well. */
  readonly leftAt: string | null;
}

export interface SeedOptions {
  /** A compile cache that all children share. */
  readonly cacheDir: string;
  /** Another build of the program, such as a bundle, which starts faster. */
  readonly bin?: string;
}

/** Without faults one run does, or two: who finds a job of another run's leaves it alone. */
const FINISH_RUNS = 8;
/** Of so many seeds one is also held against the program's own proof, which costs a process. */
const VERIFIED_EACH = 5;

/** Lives through one plan in a fresh folder, lets the jobs end in peace, and compares with what the emulator has seen. */
export async function runSeed(seed: number, options: SeedOptions): Promise<SeedReport> {
  const startedMs = performance.now();
  const plan = makePlan(seed);
  const root = realpathSync(mkdtempSync(join(tmpdir(), `batchctl-sim-${seed}-`)));
  const dir = join(root, 'work');
  mkdirSync(dir);
  for (const job of plan.jobs) writeJob(dir, job);
  const account = await openAccount({ ...plan, stateDir: join(root, 'account') });
  const env = { BATCHCTL_EMULATOR_URL: account.url, NODE_COMPILE_CACHE: options.cacheDir };
  const child = {
    cwd: dir,
    env,
    port: account.port,
    ...(options.bin === undefined ? {} : { bin: options.bin }),
  };
  const scene: Scene = { plan, dir, account, child, ran: [], problems: [] };
  try {
    await liveThrough(scene);
    await finish(scene);
    if (seed % VERIFIED_EACH === 0) await verify(scene);
    await account.setFaults(plan.standing.filter((fault) => fault.startsWith('rows-')));
    const store = readStore(dir);
    scene.problems.push(...(await checkSeed(dir, plan, account, store)));
    const { posts, batches } = await account.truth();
    const isWell = scene.problems.length === 0;
    if (!isWell) writeLog(root, scene);
    return {
      plan,
      problems: scene.problems,
      processes: scene.ran.length,
      kills: scene.ran.filter(({ signal }) => signal === 'SIGKILL').length,
      posts: posts.length,
      batches: batches.filter(({ foreign, id }) => !foreign && !account.isColleagues(id)).length,
      foreignBatches: batches.filter(({ foreign, id }) => foreign || account.isColleagues(id)).length,
      store,
      ms: performance.now() - startedMs,
      leftAt: isWell ? null : root,
    };
  } finally {
    await account.close();
    if (scene.problems.length === 0) rmSync(root, { recursive: true, force: true });
  }
}

interface Scene {
  readonly plan: Plan;
  readonly dir: string;
  readonly account: Account;
  readonly child: ChildOptions;
  readonly ran: RanProcess[];
  readonly problems: string[];
}

async function liveThrough(scene: Scene): Promise<void> {
  const { plan, dir, account } = scene;
  const allowed = allowedCodes(plan.live, plan.jobs.length);
  for (const step of plan.steps) {
    const store = readStore(dir);
    if (plan.jobs.every((job) => isSettled(job, store))) return;
    await account.setFaults(plan.standing);
    if (step.colleague !== null) {
      await account.createColleagueBatch(step.colleague.requests);
      if (step.colleague.deletes) await account.deleteColleagueBatch();
    }
    if (plan.losesCursors) await account.createCursorTraps();
    await account.setFaults([...plan.standing, ...step.strikes]);
    const runs = step.runs.filter((run) => mayRun(run, plan, store));
    await Promise.all(runs.map((run) => runOne(scene, run, allowed)));
  }
}

/** A submit of what is final, or canceled, would be a new job; anything else needs a job that is there. */
function mayRun({ args }: PlannedRun, plan: Plan, store: StoreFacts): boolean {
  const [command, target] = args;
  const name = target?.replace('.job.yaml', '') ?? '';
  const job = store.jobs.find((one) => one.name === name);
  switch (command) {
    case 'submit':
      return job === undefined || (!isFinalState(job.state) && plan.canceled?.name !== name);
    case 'retrieve':
      return job !== undefined && job.state !== 'built';
    default:
      return (
        target?.startsWith('--') === true ||
        (job !== undefined && job.state !== 'built' && !isFinalState(job.state))
      );
  }
}

function isSettled(job: SimJob, store: StoreFacts): boolean {
  const made = store.jobs.find(({ name }) => name === job.name);
  return made !== undefined && isFinalState(made.state);
}

async function runOne(
  scene: Scene,
  run: PlannedRun,
  allowed: readonly number[],
  isPatient = false,
): Promise<RanProcess> {
  const ran = await runChild(run, scene.child, isPatient);
  scene.ran.push(ran);
  const { code, stderr } = ran;
  const what = `batchctl ${run.args.join(' ')}`;
  if (code !== null && !allowed.includes(code)) scene.problems.push(`${what} left with ${code}`);
  if (/^\s+at .+:\d+:\d+\)?$/m.test(stderr)) scene.problems.push(`${what} printed a stack`);
  return ran;
}

/** No more faults, no more kills: what was asked for is to be done, however often it was cut off. */
async function finish(scene: Scene): Promise<void> {
  const { plan, dir, account } = scene;
  await account.setFaults(plan.standing);
  const flags = pace(plan.settleSeconds);
  for (let round = 0; round < FINISH_RUNS; round += 1) {
    const store = readStore(dir);
    const left = plan.jobs.filter((one) => !isDone(one, store));
    // In turns: a doubt of one job holds back shards of the same count of the other.
    const job = left[round % left.length];
    if (job === undefined) return;
    const made = store.jobs.find(({ name }) => name === job.name);
    const args = finishArgs(job, made?.state ?? null, plan, flags);
    const ran = await runOne(scene, { args, ending: null }, [0, 3, 8, ...(left.length > 1 ? [7] : [])], true);
    if (ran.signal !== null) {
      scene.problems.push(`batchctl ${args.join(' ')} did not end in peace`);
      return;
    }
  }
  scene.problems.push(`not done after ${FINISH_RUNS} runs in peace`);
}

async function verify(scene: Scene): Promise<void> {
  // Raw results are kept as they came, and lines that do not belong in them are named: a gap.
  const isOdd = scene.plan.live.some((fault) => /^results-(?:garbage|unknown)/.test(fault));
  const codes = isOdd ? [0, 3] : [0];
  for (const { name } of scene.plan.jobs)
    await runOne(scene, { args: ['verify', name], ending: null }, codes, true);
}

function isDone(job: SimJob, store: StoreFacts): boolean {
  return store.jobs.some(({ name, state }) => name === job.name && (state === 'done' || state === 'failed'));
}

function finishArgs(
  job: SimJob,
  state: string | null,
  { canceled }: Plan,
  flags: readonly string[],
): readonly string[] {
  // A job that is only built waits for a submit: the cancel, if it came, has nothing to stop.
  if (state === null || state === 'built' || canceled !== job) return submitArgs(job, flags);
  // Nobody knows whether the cancel came in time; a job that is not canceled is carried on, one that is sent again.
  if (state === 'canceled') return ['retry', job.name, ...flags];
  return ['resume', job.name, ...flags];
}

function writeLog(root: string, { plan, ran, problems }: Scene): void {
  const parts = ran.map(
    ({ args, code, signal, stdout, stderr }) =>
      `$ batchctl ${args.join(' ')}\n${stdout}${stderr}-> ${signal ?? code}\n`,
  );
  const text = [...problems, '', JSON.stringify(plan, null, 1), '', ...parts].join('\n');
  writeFileSync(join(root, 'sim.log'), text);
}
