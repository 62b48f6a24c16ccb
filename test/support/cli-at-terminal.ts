import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { vi } from 'vitest';
import type { Verdict } from '../../src/cli/report-error.ts';
import { searchOutput } from './canary.ts';
import { runHere } from './cli-here.ts';

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
    finished: runHere(args, { stdin, stdout, stderr, cwd, env, signal: stop.signal }).finally(() =>
      searchOutput(printed, args.join(' ')),
    ),
  };
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
