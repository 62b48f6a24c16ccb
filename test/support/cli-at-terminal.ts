import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { vi } from 'vitest';
import { type GlobalOptions, openContext, type ProcessIo } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import type { Verdict } from '../../src/cli/report-error.ts';
import { systemClock } from '../../src/cli/system-clock.ts';
import { searchOutput } from './canary.ts';

export interface CliAtTerminal {
  /** Every byte of stdout and stderr, in the order in which they came. */
  printed(): string;
  /** All of stderr, without what colours it and moves the cursor. */
  shown(): string;
  /** Waits until the text is there, then presses the keys. */
  answer(text: string, keys: string): Promise<void>;
  stop(reason: unknown): void;
  /** @throws what the command threw */
  readonly finished: Promise<Verdict>;
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The command line in this process, at a terminal of 80 columns that somebody types on. */
export function startAtTerminal(args: readonly string[], { cwd, env }: TerminalOptions): CliAtTerminal {
  const [stdin, stdout, stderr] = [makeTerminal(), makeTerminal(), makeTerminal()];
  const stop = new AbortController();
  const io: ProcessIo = {
    // All of them that the command line asks for.
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env,
    cwd,
    clock: systemClock,
    signal: stop.signal,
    version: '0.0.0',
    commandLine: args.join(' '),
  };
  let printed = '';
  let shown = '';
  stderr.on('data', (chunk) => {
    printed += String(chunk);
    shown += stripVTControlCharacters(String(chunk));
  });
  stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  let seen = 0;
  return {
    printed: () => printed,
    shown: () => shown,
    async answer(text, keys) {
      await vi.waitUntil(() => shown.includes(text, seen), { timeout: 20_000 });
      seen = shown.length;
      stdin.write(keys);
    },
    stop: (reason) => stop.abort(reason),
    finished: run(args, io).finally(() => searchOutput(printed, args.join(' '))),
  };
}

async function run(args: readonly string[], io: ProcessIo): Promise<Verdict> {
  let verdict: Verdict = 'done';
  const program = await buildProgram(
    {
      async run(command, work) {
        const context = openContext(command.optsWithGlobals<GlobalOptions>(), io);
        try {
          verdict = await work(context);
        } finally {
          context.talk.stopSpinner();
          await context.wire.close();
        }
      },
    },
    io.version,
    args,
  );
  await program.parseAsync(args, { from: 'user' });
  return verdict;
}

function makeTerminal(): PassThrough {
  const stream = new PassThrough();
  return Object.assign(stream, {
    isTTY: true,
    columns: 80,
    rows: 24,
    // A pipe into it ends with each question; a terminal stays.
    end: () => stream,
    cursorTo: (x: number) => cursorTo(stream, x),
    clearLine: (direction: -1 | 0 | 1) => clearLine(stream, direction),
    moveCursor: (dx: number, dy: number) => moveCursor(stream, dx, dy),
  });
}
