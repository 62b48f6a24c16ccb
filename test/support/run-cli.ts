import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CANARY_KEY, NOWHERE, searchOutput } from './canary.ts';

export const BIN = fileURLToPath(new URL('../../bin/batchctl.js', import.meta.url));

export interface RunOptions {
  readonly cwd: string;
  /** Added to a scrubbed environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Node's own options, before the program. */
  readonly nodeArgs?: readonly string[];
  readonly node?: string;
  /** Another build of the program; the checkout's own, if not given. */
  readonly bin?: string;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** What has come so far. */
  readonly soFar: { stdout: string; stderr: string };
  /** Resolves once stdout or stderr holds the text; rejects when the program ends first. */
  waitFor(text: string): Promise<void>;
  readonly finished: Promise<Finished>;
}

/** The built program as a child process, to its end. */
export function runCli(args: readonly string[], options: RunOptions): Promise<Finished> {
  return startCli(args, options).finished;
}

/** The same, to be looked at or killed while it runs. */
export function startCli(args: readonly string[], options: RunOptions): RunningCli {
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.nodeArgs ?? []), options.bin ?? BIN, ...args],
    {
      cwd: options.cwd,
      env: { ...envOf(args), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const soFar = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    soFar.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    soFar.stderr += text;
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      searchOutput(soFar.stdout + soFar.stderr, `batchctl ${args.join(' ')} in ${options.cwd}`);
      resolve({ code, signal, ...soFar });
    });
  });
  return { child, soFar, finished, waitFor: (text) => waitFor(text, child, soFar) };
}

/** A plan needs no key, and asks the API what it knows better where it has one: then the test says so. */
export function envOf(args: readonly string[]): Record<string, string> {
  const asksIfItCan = args.includes('plan') && !args.includes('--emulator');
  return { ...scrubbedEnv(), ...(asksIfItCan ? NO_KEY : {}) };
}

function waitFor(text: string, child: RunningCli['child'], soFar: RunningCli['soFar']): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (soFar.stdout.includes(text) || soFar.stderr.includes(text)) resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('close', () => reject(new Error(`ended without "${text}":\n${soFar.stdout}\n${soFar.stderr}`)));
    look();
  });
}

/** For a test about a missing key: variables that are empty count as not set. */
export const NO_KEY = { ANTHROPIC_API_KEY: '', ANTHROPIC_BASE_URL: '' } as const;

/**
 * Nothing of the machine's own set-up may decide a test, and its key least of all: there is the canary instead, and an API that
 * nobody serves. See NO_KEY.
 */
export function scrubbedEnv(): Record<string, string> {
  const kept: Record<string, string> = { ANTHROPIC_API_KEY: CANARY_KEY, ANTHROPIC_BASE_URL: NOWHERE };
  for (const [name, value] of Object.entries(process.env)) {
    const isForeign =
      /^(?:ANTHROPIC_|BATCHCTL_|NODE_OPTIONS$|NODE_DISABLE|NO_COLOR$|FORCE_COLOR$|VITEST)/.test(name);
    if (value !== undefined && !isForeign) kept[name] = value;
  }
  // Compiling the program anew was a quarter of what most children cost (0.37 s against 0.28 s).
  const cache = process.env['SUITE_COMPILE_CACHE'];
  if (cache !== undefined) kept['NODE_COMPILE_CACHE'] ??= cache;
  return kept;
}
