import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { describeError, exitCodeOf } from '../../src/cli/report-error.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { openStore } from '../../src/store/open.ts';
import { FAILPOINTS } from '../faults/failpoint.ts';
import { startAtTerminal } from '../support/cli-at-terminal.ts';
import type { Truth } from '../support/emulator-process.ts';
import { startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';

/** The key that every job here is submitted with. */
export const HOME_KEY = 'sk-emu-home';
/** A key of the same workspace that may do nothing with batches. */
export const FORBIDDEN_KEY = 'sk-emu-home+cut';

const ALWAYS = [`key-forbidden=${FORBIDDEN_KEY}`];

/** A job in some state at an API, and what a command with some key makes of a copy of it. */
export interface Situation {
  readonly emulator: Emulator;
  readonly elsewhere: Emulator;
  /** Runs in a copy of the workspace, so that each key finds the same state. */
  meet(what: Meeting): Promise<Met>;
  close(): Promise<void>;
}

export interface Meeting {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
  /** As a process of its own, which costs ten times the other way. */
  readonly asChild: boolean;
}

interface Ended {
  readonly exit: number | null;
  readonly error: { readonly code: string; readonly why: string | null; readonly next: string | null } | null;
  readonly stderr: string;
}

export interface Met extends Ended {
  readonly state: string;
  /** Submission states, in order. */
  readonly submissions: readonly string[];
  /** Batches that the command has made, at either API. */
  readonly made: number;
}

export interface SituationOptions {
  readonly records?: number;
  readonly batchSeconds: number;
  /** While the job is brought there, and while it is met. */
  readonly faults?: readonly string[];
  /** Only while the job is brought there. */
  readonly first?: readonly string[];
  readonly commands: readonly { readonly args: readonly string[]; readonly failpoint?: string }[];
  readonly afterwards?: (emulator: Emulator) => Promise<void>;
}

/** Each key is to meet the job itself: a copy would be told apart from it, and stop for that. */
async function makeOriginal(dir: string): Promise<void> {
  const path = join(dir, '.batchctl/state.db');
  if (!existsSync(path)) return;
  const store = await openStore(path, { programVersion: 'test' });
  await store.acceptStore({ serial: 0, logBytes: 0 });
  store.close();
}

export async function bringAbout(options: SituationOptions): Promise<Situation> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-test-')));
  const emulator = await startEmulator({ stateDir: join(root, 'api'), batchSeconds: options.batchSeconds });
  const elsewhere = await startEmulator({ stateDir: join(root, 'elsewhere') });
  const env = { ANTHROPIC_BASE_URL: emulator.url, ANTHROPIC_API_KEY: HOME_KEY };
  const home = join(root, 'home');
  writeSampleJob(home, options.records ?? 4);
  await setFaults(emulator, [...ALWAYS, ...(options.faults ?? []), ...(options.first ?? [])]);
  for (const { args, failpoint } of options.commands) {
    const nodeArgs = failpoint === undefined ? [] : ['--import', FAILPOINTS];
    const point: Record<string, string> = failpoint === undefined ? {} : { FAILPOINT: failpoint };
    await startCli(args, { cwd: home, env: { ...env, ...point }, nodeArgs }).finished;
  }
  await options.afterwards?.(emulator);
  let copies = 0;
  const count = async (): Promise<number> => (await batchesOf(emulator)) + (await batchesOf(elsewhere));
  return {
    emulator,
    elsewhere,
    async meet({ args, env: more, faults, asChild }) {
      copies += 1;
      const cwd = join(root, `copy-${copies}`);
      mkdirSync(cwd);
      cpSync(home, cwd, { recursive: true });
      await makeOriginal(cwd);
      await setFaults(emulator, [...ALWAYS, ...(options.faults ?? []), ...faults]);
      const before = await count();
      const run = asChild ? runAsChild : runHere;
      const ended = await run(args, { cwd, env: { ...env, ...more } });
      return { ...ended, ...read(cwd), made: (await count()) - before };
    },
    async close() {
      await emulator.close();
      await elsewhere.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

async function runAsChild(args: readonly string[], place: Place): Promise<Ended> {
  const { code, stderr } = await startCli([...args, '--json'], place).finished;
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
  return { exit: code, error: errorOf(stderr), stderr };
}

/** The same command line in this process. */
async function runHere(args: readonly string[], place: Place): Promise<Ended> {
  const running = startAtTerminal(args, place);
  try {
    const verdict = await running.finished;
    return { exit: exitCodeOf(verdict), error: null, stderr: running.shown() };
  } catch (thrown) {
    const { exitCode, ...error } = describeError(thrown);
    return {
      exit: exitCode,
      error,
      stderr: `${running.shown()}\n${error.code}: ${error.message}\n${error.why}`,
    };
  }
}

async function batchesOf({ url }: Emulator): Promise<number> {
  const truth = (await (await fetch(`${url}/_emulator/truth`)).json()) as Truth; // the emulator's own form
  return truth.batches.filter(({ foreign }) => !foreign).length;
}

async function setFaults({ url }: Emulator, faults: readonly string[]): Promise<void> {
  const response = await fetch(`${url}/_emulator/faults`, {
    method: 'POST',
    body: JSON.stringify({ faults }),
  });
  if (!response.ok) throw new Error(await response.text());
}

function errorOf(stderr: string): Ended['error'] {
  const line = stderr.split('\n').find((text) => text.startsWith('{"error":'));
  return line === undefined ? null : JSON.parse(line).error;
}

function read(cwd: string): Pick<Met, 'state' | 'submissions'> {
  const db = new Database(join(cwd, '.batchctl/state.db'), { readonly: true });
  try {
    const submissions = db.prepare('SELECT state FROM submissions ORDER BY id').pluck().all().map(String);
    return { state: String(db.prepare('SELECT state FROM jobs').pluck().get()), submissions };
  } finally {
    db.close();
  }
}
