import type { Ora } from 'ora';
import { escapeJson, escapeLines } from '../core/escape.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Progress, ReportProgress } from '../core/ports/progress.ts';
import { pilotDocument } from './print-pilot.ts';
import { describeProgress } from './progress-text.ts';
import type { Terminal } from './terminal.ts';

/** The talk of a command, on stderr: what goes on, what changed, what to do next. */
export interface Talk {
  readonly report: ReportProgress;
  /** Silent with -q, and with --json where nobody is watching. Escaped here. */
  say(text: string): void;
  /** Only with -v. */
  explain(text: string): void;
  /** Never silent. With --json a line of JSON. */
  warn(text: string): void;
  /** Loads the spinner where one can be seen. */
  startSpinner(): Promise<void>;
  stopSpinner(): void;
  /** What goes on is shown in a line that moves, and leaves none behind. */
  isLive(): boolean;
}

export interface TalkOptions {
  readonly terminal: Terminal;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
  readonly clock: Clock;
}

const TICK_MS = 1000;
/** Of each call another one, in the words of `core/errors`. */
const REQUEST_ID = / \(request req_\w+\)/;

export function makeTalk(stream: NodeJS.WriteStream, options: TalkOptions): Talk {
  const { terminal, clock } = options;
  const isSilent = options.quiet || (options.json && !terminal.isTTY && !options.verbose);
  let spinner: Ora | null = null;
  let tick: NodeJS.Timeout | null = null;
  let live: ((sinceMs: number) => string) | null = null;
  let liveSince = 0;
  let lastPlain: string | null = null;
  /** What was waited for last, while nothing else has been told since. */
  let lastWait: string | null = null;

  const printSafe = (text: string): void => {
    spinner?.clear();
    stream.write(`${text}\n`);
    if (spinner?.isSpinning) spinner.render();
  };
  const print = (text: string): void => printSafe(escapeLines(text));
  const printJson = (document: unknown): void => printSafe(escapeJson(JSON.stringify(document)));

  const showLive = (): void => {
    if (spinner === null) return;
    if (live === null) {
      spinner.stop();
      return;
    }
    spinner.text = escapeLines(live(clock.monotonicMs() - liveSince));
    if (!spinner.isSpinning) spinner.start();
  };

  const warn = (text: string): void => {
    if (options.json) printJson({ warning: { message: text } });
    else print(asOne(`warning: ${text}`));
  };

  const report = (progress: Progress): void => {
    // What may cost money or an answer is said whatever was asked for.
    if (progress.kind === 'problem' || progress.kind === 'late_duplicate') {
      warn(describeProgress(progress, clock.now()).line ?? '');
      return;
    }
    if (progress.kind === 'pilot_judged' && options.json) {
      printJson({ pilot: pilotDocument(progress.verdict) });
      return;
    }
    if (isSilent) return;
    const shown = describeProgress(progress, clock.now());
    live = shown.live;
    liveSince = clock.monotonicMs();
    const wait = progress.kind === 'waiting' ? progress.why.replace(REQUEST_ID, '') : null;
    // An outage of a night is one line, not one for each try; with -v each is told.
    const isSaid = wait !== null && wait === lastWait;
    lastWait = wait;
    if (shown.line !== null && !isSaid)
      print(progress.kind === 'pilot_judged' ? shown.line : asOne(shown.line));
    else if (spinner === null && live !== null && options.verbose) print(live(0));
    else if (spinner === null && shown.plain !== null && shown.plain !== lastPlain) print(shown.plain);
    lastPlain = shown.plain ?? lastPlain;
    showLive();
  };

  return {
    report,
    say: (text) => {
      if (!isSilent) print(text);
    },
    explain: (text) => {
      if (options.verbose) print(text);
    },
    warn,
    isLive: () => spinner !== null,
    async startSpinner() {
      if (isSilent || !terminal.isTTY || spinner !== null) return;
      const { default: ora } = await import('ora');
      // discardStdin: false. It would put the terminal into raw mode, where Ctrl-C is a byte that waits for the event
      // loop instead of a signal. Source: ora 9.4, index.d.ts (discardStdin).
      spinner = ora({
        stream,
        isEnabled: true,
        discardStdin: false,
        spinner: 'line',
        color: terminal.color ? 'cyan' : false,
      });
      tick = setInterval(showLive, TICK_MS);
      tick.unref();
    },
    stopSpinner() {
      if (tick !== null) clearInterval(tick);
      spinner?.stop();
      spinner = null;
      tick = null;
      live = null;
    },
  };
}

/** A server's words may have lines of their own; at the beginning of a line stand only ours. */
function asOne(text: string): string {
  return text.replace(/\n(?! )/g, '\n  ');
}
