import { readFileSync } from 'node:fs';
import type { Truth } from '../support/emulator-process.ts';
import type { Finished } from '../support/run-cli.ts';
import { isInjected, parseStraceLog, pathOf, type Target, targetOf } from '../support/strace-log.ts';
import type { ChainJob } from './chain-job.ts';
import { findProblems, isJobDone } from './chain-truth.ts';
import { CALLS, injectionOf, type Place, type Point, placesOf } from './syscall-points.ts';

/** What a fault struck. */
export interface Strike {
  readonly target: Target;
  readonly path: string;
}

/** What came of one point. */
export interface PointOutcome {
  /** Where the fault struck; null when the run ended before it came to the call. */
  readonly struck: Strike | null;
  /** `0`, `6 store_full`, `SIGKILL`: how the run ended that met the fault. */
  readonly ended: string;
  /** Empty where the promises held. */
  readonly problems: readonly string[];
}

/** Exit codes of docs/exit-codes.md that a failing call may lead to. 1 is a bug, 2 and 4 would blame the user, 3 the rows. */
const HONEST_CODES = [0, 5, 6, 7, 8];

/** The places of a run that nothing happens to. */
export async function tracePlaces(job: ChainJob): Promise<readonly Place[]> {
  const { finished, log } = await job.submitUnderStrace({ calls: CALLS });
  if (finished.code !== 0) throw new Error(`a clean run left with ${finished.code}: ${finished.stderr}`);
  return placesOf(parseStraceLog(readFileSync(log, 'utf8')), job.dir);
}

export interface PointOptions {
  /** The number of the point counts only calls on these files. */
  readonly paths?: readonly string[];
  /** Called between the fault and the run that carries on. */
  readonly after?: (truth: Truth) => void;
}

/** Runs the job into the fault, carries it on without one, and compares with what the emulator has really seen. */
export async function runPoint(
  point: Point,
  job: ChainJob,
  readTruth: () => Promise<Truth>,
  { paths = [], after }: PointOptions = {},
): Promise<PointOutcome> {
  const wishes = { calls: [point.call], inject: injectionOf(point), paths };
  const { finished, log } = await job.submitUnderStrace(wishes);
  const struck = findStrike(point, finished, readFileSync(log, 'utf8'));
  const problems = judgeEnd(finished, struck?.target ?? null);
  after?.(await readTruth());
  // The content of a finished job would be a new job.
  if (!isJobDone(job)) {
    const next = await job.submit();
    if (next.code !== 0) problems.push(`the next run left with ${next.code}: ${next.stderr.slice(-600)}`);
  }
  problems.push(...(await findProblems(job, await readTruth())));
  return { struck, ended: describeEnd(finished), problems };
}

function findStrike(point: Point, finished: Finished, log: string): Strike | null {
  const calls = parseStraceLog(log);
  const hit = point.fault === 'kill' ? calls.at(-1) : calls.find(isInjected);
  if (hit === undefined || (point.fault === 'kill' && finished.signal !== 'SIGKILL')) return null;
  return { target: targetOf(hit), path: pathOf(hit) ?? '' };
}

/** How the run with the fault ended: killed, done, or with a documented code and an error that says what to do. */
function judgeEnd({ code, signal, stderr }: Finished, target: Target | null): string[] {
  if (stderr.includes('STOPPED: ')) return [`it hung: ${stderr.slice(-600)}`];
  // An error in the call by which Node wakes itself aborts any program. The numbers of calls had moved; nothing is learnt.
  if (signal === 'SIGKILL' || target === 'wake') return [];
  const problems: string[] = [];
  if (code === null || !HONEST_CODES.includes(code))
    problems.push(`it left with ${code ?? signal}: ${stderr.slice(-900)}`);
  if (/^\s+at .+:\d+:\d+/m.test(stderr)) problems.push(`a stack: ${stderr.slice(-900)}`);
  if (code === 0 || code === 8 || target === 'std') return problems;
  const error = readError(stderr);
  if (error === null) problems.push(`it left with ${code} and named no error: ${stderr.slice(-600)}`);
  else if (!error.message || !error.next)
    problems.push(`an error without ${error.message ? 'a next step' : 'words'}: ${error.code}`);
  return problems;
}

function describeEnd({ code, signal, stderr }: Finished): string {
  if (code === null) return String(signal);
  const error = readError(stderr);
  return error === null ? String(code) : `${code} ${error.code}`;
}

function readError(
  stderr: string,
): { readonly code: string; readonly message?: string; readonly next?: string } | null {
  const line = stderr.split('\n').findLast((text) => text.startsWith('{"error":'));
  return line === undefined ? null : JSON.parse(line).error;
}
