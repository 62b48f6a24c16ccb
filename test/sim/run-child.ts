import { type Finished, startCli } from '../support/run-cli.ts';
import { observeCalls } from './observe-calls.ts';
import type { Ending, PlannedRun } from './plan.ts';

/** A create that is never answered is waited for 15 minutes: who has not called for so long is not to be waited for. */
const IDLE_MS = 4_000;
/** However a run is meant to end, it is over by then. */
const LONGEST_MS = 60_000;
/** One that is to do all that is left is given so long, on a busy machine too: what is waited for here is minutes, not hours. */
const PATIENCE_MS = 600_000;

export interface RanProcess extends Finished {
  readonly args: readonly string[];
}

export interface ChildOptions {
  readonly cwd: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  readonly bin?: string;
}

/** Runs the built program as the plan has it, and ends it when the plan says so. */
export async function runChild(
  { args, ending }: PlannedRun,
  { port, ...options }: ChildOptions,
  isPatient = false,
): Promise<RanProcess> {
  const running = startCli(args, options);
  const kill = (signal: NodeJS.Signals): void => void running.child.kill(signal);
  const longest = setTimeout(() => kill('SIGKILL'), isPatient ? PATIENCE_MS : LONGEST_MS);
  let idle: NodeJS.Timeout | undefined;
  const stopIdle = observeCalls(port, () => {
    clearTimeout(idle);
    if (!isPatient) idle = setTimeout(() => kill('SIGKILL'), IDLE_MS);
  });
  let due: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (ending === null) return;
    if (ending.delayMs === 0) kill(ending.signal);
    else due = setTimeout(() => kill(ending.signal), ending.delayMs);
  };
  const stop = ending === null ? undefined : waitFor(ending, port, running.child.stderr, end);
  const finished = await running.finished;
  for (const timer of [longest, idle, due]) clearTimeout(timer);
  stopIdle();
  stop?.();
  return { ...finished, args };
}

/** Calls back once, when the nth of what the ending waits for is there. */
function waitFor(
  { after, nth }: Ending,
  port: number,
  talk: NodeJS.ReadableStream,
  onReached: () => void,
): () => void {
  let left = nth;
  const count = (): void => {
    left -= 1;
    if (left === 0) onReached();
  };
  if (after === 'talk') {
    talk.on('data', count);
    return () => void talk.off('data', count);
  }
  return observeCalls(port, (call) => {
    if (after === 'call' || after === call) count();
  });
}
