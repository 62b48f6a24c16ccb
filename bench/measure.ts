import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** GNU time: the system's own account of a process that has ended, its threads and children included. */
const TIME = '/usr/bin/time';
export const CURL = '/usr/bin/curl';

/** A whole process, from before its start to after its end. */
export interface Usage {
  readonly wallMs: number;
  /** User and system, in steps of 10 ms. */
  readonly cpuMs: number;
  /** The most it held at once. */
  readonly peakMb: number;
  readonly stdout: string;
}

export interface Command {
  readonly args: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are fine; 0 alone if not given. */
  readonly codes?: readonly number[];
}

/** What is missing on this machine; null when all is there. */
export function toolsProblem(): string | null {
  const missing = [TIME, CURL].filter((path) => !existsSync(path));
  return missing.length === 0 ? null : `${missing.join(' and ')} must be there: apt-get install time curl`;
}

export function requireTools(): void {
  const problem = toolsProblem();
  if (problem !== null) throw new Error(problem);
}

/** @throws when it ends with another code, with the end of what it said. */
export async function measure({ args, cwd, env, codes = [0] }: Command): Promise<Usage> {
  const dir = mkdtempSync(join(tmpdir(), 'batchctl-usage-'));
  const figures = join(dir, 'figures');
  try {
    const startedMs = performance.now();
    const child = spawn(TIME, ['-f', '%U %S %M', '-o', figures, ...args], {
      cwd: cwd ?? process.cwd(),
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2_000);
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const wallMs = performance.now() - startedMs;
    if (code === null || !codes.includes(code))
      throw new Error(`${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
    // A line about the exit code stands before the figures where that was not 0.
    const [user, system, kb] = (readFileSync(figures, 'utf8').trim().split('\n').at(-1) ?? '')
      .split(' ')
      .map(Number);
    if (user === undefined || system === undefined || kb === undefined)
      throw new Error(`${TIME} said nothing about ${args[0]}`);
    return { wallMs, cpuMs: (user + system) * 1_000, peakMb: kb / 1_024, stdout };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Waits until the disk has what was written so far: it would else be written while the next process is measured. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync');
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Several one after the other, as one: times add up, of the peaks the highest counts. */
export function sumOf(usages: readonly Usage[]): Usage {
  return {
    wallMs: usages.reduce((sum, one) => sum + one.wallMs, 0),
    cpuMs: usages.reduce((sum, one) => sum + one.cpuMs, 0),
    peakMb: Math.max(...usages.map((one) => one.peakMb)),
    stdout: '',
  };
}
