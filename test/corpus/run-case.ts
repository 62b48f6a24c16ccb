import { type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { BIN, scrubbedEnv } from '../support/run-cli.ts';
import { MAKERS } from './make-workspace.ts';

/** One bad input: what the program is given. `case` is a file of `files/`, or `made/<name>` for what git cannot hold. */
export interface CorpusCase {
  readonly case: string;
  readonly name: string;
  /** The job file of `files/jobs/`; by default that of the folder of the case. */
  readonly job?: string;
  readonly args?: readonly string[];
}

/** What came of it. */
export interface CaseOutcome {
  readonly exit: number | null;
  readonly code: string | null;
  /** `file:line` of each thing that is wrong, or `file` where there are no lines. */
  readonly at: readonly string[];
  /** How many things are wrong, those not listed included. */
  readonly count: number;
  /** All that was printed, to read and to search. */
  readonly printed: string;
  readonly peakMegabytes: number;
  /** Of a processor. */
  readonly milliseconds: number;
}

export const FILES = fileURLToPath(new URL('files', import.meta.url));
const PRELOAD = new URL('peak-memory.mjs', import.meta.url).href;
// Compiled once for all children.
const COMPILE_CACHE = join(tmpdir(), 'batchctl-corpus-compile-cache');
const JOB = 'bad.job.yaml';
/** The command that spends: what it refuses, every other one does. No key is set. */
const SUBMIT = ['submit', JOB, '--use-batch', '--emulator', '--yes'];
// Ten times what is allowed: a program that hangs must not hang the suite.
const KILL_AFTER_MS = 120_000;

/** Puts the case into an empty workspace. */
export function layOut(input: CorpusCase, root: string): void {
  const [folder = '', name = ''] = input.case.split('/');
  if (folder === 'made') {
    const make = MAKERS[name];
    if (make === undefined) throw new Error(`make-workspace.ts makes no "${name}"`);
    make(root);
    return;
  }
  const file = join(FILES, input.case);
  if (folder === 'job-files') {
    cpSync(file, join(root, JOB));
    writeFileSync(join(root, 'data.csv'), 'name,b\nAda,1\n');
    return;
  }
  cpSync(file, join(root, `data${extname(basename(file))}`));
  cpSync(join(FILES, 'jobs', `${input.job ?? folder}.job.yaml`), join(root, JOB));
}

/** Runs the built program on it and reads what it said. */
export async function runCase(input: CorpusCase, root: string): Promise<CaseOutcome> {
  const peakFile = join(root, '..', 'peak');
  const { exit, printed, stderr } = await runProgram([...(input.args ?? SUBMIT), '--json'], {
    cwd: root,
    env: {
      ...scrubbedEnv(),
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      PEAK_FILE: peakFile,
    },
  });
  const [kilobytes, milliseconds] = readFileSync(peakFile, 'utf8').split(' ').map(Number);
  if (kilobytes === undefined || milliseconds === undefined)
    throw new Error(`nothing was measured of ${input.case}`);
  return {
    exit,
    ...readError(stderr.replaceAll(`${realpathSync(root)}/`, '')),
    printed,
    peakMegabytes: Math.round(kilobytes / 1024),
    milliseconds,
  };
}

interface Said {
  readonly code: string | null;
  readonly at: readonly string[];
  readonly count: number;
}

interface SaidError {
  readonly code: string;
  readonly message: string;
  readonly why: string | null;
  readonly problems?: readonly { readonly file: string; readonly line: number | null }[];
  readonly count?: number;
}

function readError(stderr: string): Said {
  // A program that the job runs may have written to the same stream before, without a line break.
  const start = stderr.lastIndexOf('{"error":');
  if (start === -1) return { code: null, at: [], count: 0 };
  // docs/json.md describes it.
  const { error } = JSON.parse(stderr.slice(start).split('\n')[0] ?? '') as { readonly error: SaidError };
  const at = (error.problems ?? []).map((problem) => place(problem.file, problem.line));
  if (at.length > 0) return { code: error.code, at, count: error.count ?? at.length };
  const [, file, number] = /([^\s:]+\.\w+):(\d+)/.exec(`${error.message} ${error.why}`) ?? [];
  return { code: error.code, at: file === undefined ? [] : [place(file, Number(number))], count: 1 };
}

function place(file: string, line: number | null): string {
  return line === null ? file : `${file}:${line}`;
}

function runProgram(
  args: readonly string[],
  options: SpawnOptionsWithoutStdio,
): Promise<{ readonly exit: number | null; readonly printed: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...args], {
    ...options,
    timeout: KILL_AFTER_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, printed: stdout + stderr, stderr }));
  });
}

/** What a run left that would count: create calls at the emulator, and jobs that `list` shows. */
export function countLeft(root: string): { readonly posts: number; readonly jobs: number } {
  return {
    posts: count(join(root, '.batchctl/emulator.db'), 'SELECT count(*) FROM posts'),
    jobs: count(join(root, '.batchctl/state.db'), "SELECT count(*) FROM jobs WHERE state <> 'building'"),
  };
}

function count(path: string, query: string): number {
  if (!existsSync(path)) return 0;
  const database = new Database(path);
  try {
    // count(*) is a number.
    return database.prepare(query).pluck().get() as number;
  } finally {
    database.close();
  }
}
