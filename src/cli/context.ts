import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Clock } from '../core/ports/clock.ts';
import { holdingYoung } from './heap.ts';
import type { Keyboard } from './keyboard.ts';
import { makeOutput, type Output } from './output.ts';
import { makeTalk, type Talk } from './progress.ts';
import type { Verdict } from './report-error.ts';
import { makeScreen, type Screen } from './screen.ts';
import { describeTerminal } from './terminal.ts';
import { makeWire, type Wire } from './wire.ts';

/** What the process was given. */
export interface ProcessIo {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Clock;
  /** Its reason is an InterruptedError. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** As typed, for the message that names who holds a lock. */
  readonly commandLine: string;
}

/** What a command's action needs: something that runs its work and keeps how it ended. */
export interface Io {
  run(command: Command, work: (context: Context) => Promise<Verdict>): Promise<void>;
}

export interface GlobalOptions {
  readonly workspace?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** False with --no-color. */
  readonly color: boolean;
  readonly emulator?: boolean;
  readonly yes?: boolean;
}

/** What the work of one command sees of the world. */
export interface Context {
  readonly json: boolean;
  readonly verbose: boolean;
  /** Whether new jobs go to the emulator. */
  readonly emulator: boolean;
  /** The folder that paths on the command line are relative to. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly output: Output;
  /** stdout where it is a terminal. */
  readonly screen: Screen | null;
  readonly talk: Talk;
  /** Where the user can be asked; null where nobody answers, or --yes does. */
  readonly keyboard: Keyboard | null;
  /** --yes: what would be asked is answered with yes. */
  readonly yes: boolean;
  readonly wire: Wire;
}

export function openContext(options: GlobalOptions, io: ProcessIo): Context {
  const cwd = resolve(io.cwd, options.workspace ?? '.');
  const json = options.json === true;
  const verbose = options.verbose === true;
  const terminal = describeTerminal(io.stderr, io.env, { noColor: !options.color });
  const canAsk = terminal.isTTY && io.stdin.isTTY === true && options.yes !== true;
  const talk = makeTalk(io.stderr, {
    terminal,
    quiet: options.quiet === true,
    verbose,
    json,
    clock: io.clock,
  });
  io.signal.addEventListener('abort', () => talk.say('stopping; a second Ctrl-C ends at once'));
  const wire = makeWire({
    startFolder: cwd,
    isWorkspaceGiven: options.workspace !== undefined,
    env: io.env,
    version: io.version,
    commandLine: io.commandLine,
    clock: io.clock,
    talk: { report: holdingYoung(talk.report), warn: talk.warn },
  });
  return {
    json,
    verbose,
    emulator: options.emulator === true,
    cwd,
    env: io.env,
    version: io.version,
    clock: io.clock,
    signal: io.signal,
    output: makeOutput(io.stdout),
    screen: describeTerminal(io.stdout, io.env, { noColor: !options.color }).isTTY
      ? makeScreen(io.stdout)
      : null,
    talk,
    keyboard: canAsk ? { input: io.stdin, output: io.stderr } : null,
    yes: options.yes === true,
    wire,
  };
}
