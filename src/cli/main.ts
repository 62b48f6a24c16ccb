import { type Command, CommanderError } from 'commander';
import { InterruptedError, UsageError } from '../core/errors.ts';
import { isInterruption } from '../core/interruption.ts';
import { type GlobalOptions, type Io, openContext, type ProcessIo } from './context.ts';
import { buildProgram } from './program.ts';
import { takeEnvironment } from './program-env.ts';
import { describeError, exitCodeOf, formatReport, formatReportJson, type Verdict } from './report-error.ts';
import { systemClock } from './system-clock.ts';
import { describeTerminal, makePaint } from './terminal.ts';
import { readVersion } from './version.ts';

/** A wrapper such as npx hands on the SIGINT that the terminal has sent to the whole group already. */
const SAME_KEYSTROKE_MS = 300;

/** argv in, exit code out. Ends the process, because a stray socket must not keep it alive. */
export async function main(): Promise<void> {
  const { stdout, stderr } = process;
  // A reader that has gone is no error, and the work matters more than the talk.
  stderr.on('error', () => undefined);
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') leave(report(error));
  });
  process.on('uncaughtException', (error) => leave(report(error)));
  process.on('unhandledRejection', (error) => leave(report(error)));
  process.on('exit', refuseEarlyEnd);

  const exitCode = await runArguments(process.argv.slice(2), {
    env: takeEnvironment(process.env),
    cwd: process.cwd(),
    // Made when somebody asks: a file or a terminal behind it loads what reads streams.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    clock: systemClock,
    signal: listenToSignals(),
    version: readVersion(),
    commandLine: process.argv.slice(2).join(' '),
  });
  await Promise.all([drained(stdout), drained(stderr)]);
  leave(exitCode);
}

let hasLeft = false;

function leave(exitCode: number): never {
  hasLeft = true;
  process.exit(exitCode);
}

/**
 * A module of the user's may call process.exit(0), or wait for what never comes, after which Node finds nothing to do and
 * ends with 0. Neither may look like a job that is done.
 */
function refuseEarlyEnd(): void {
  if (hasLeft) return;
  const error = new UsageError('batchctl was ended before its work was done', {
    code: 'ended_early',
    why: 'a module of the job ended the process (process.exit), or waits for something that never comes',
    next: 'mend the module, then run the same command again: it carries on',
  });
  process.exitCode = report(error);
}

async function runArguments(args: readonly string[], io: ProcessIo): Promise<number> {
  let verdict: Verdict = 'done';
  const runner: Io = {
    async run(command, work) {
      verdict = await runCommand(command, work, io);
    },
  };
  try {
    const program = await buildProgram(runner, io.version, args);
    await program.parseAsync(args, { from: 'user' });
    return exitCodeOf(verdict);
  } catch (error) {
    // Help and version were asked for and have been printed.
    if (error instanceof CommanderError && isHelp(error)) return exitCodeOf('done');
    return report(error);
  }
}

async function runCommand(command: Command, work: Parameters<Io['run']>[1], io: ProcessIo): Promise<Verdict> {
  const context = openContext(command.optsWithGlobals<GlobalOptions>(), io);
  try {
    return await work(context);
  } catch (error) {
    if (isInterruption(error, io.signal) && !(error instanceof InterruptedError)) throw io.signal.reason;
    throw error;
  } finally {
    context.talk.stopSpinner();
    await context.wire.close();
  }
}

function isHelp(error: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(error.code);
}

/** Prints what went wrong and returns the exit code. */
function report(thrown: unknown): number {
  const facts = describeError(thrown);
  // Looked for here and not in the parsed options: a wrong option is reported too.
  const isJson = process.argv.includes('--json');
  const terminal = describeTerminal(process.stderr, process.env, {
    noColor: process.argv.includes('--no-color'),
  });
  process.stderr.write(isJson ? formatReportJson(facts) : formatReport(facts, makePaint(terminal)));
  return facts.exitCode;
}

/** The first signal asks the work to stop, the second one ends the process: nothing depends on cleaning up. */
function listenToSignals(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const interruption = new InterruptedError('interrupted', {
        code: 'interrupted',
        signal,
        next: 'batchctl resume',
      });
      if (!controller.signal.aborted) {
        firstAtMs = systemClock.monotonicMs();
        controller.abort(interruption);
      } else if (systemClock.monotonicMs() - firstAtMs > SAME_KEYSTROKE_MS) {
        leave(exitCodeOf(interruption));
      }
    });
  }
  return controller.signal;
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
