import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { errnoWords, inputFailure } from '../core/input-failure.ts';
import type { RecordSource, SourceItem } from '../core/record.ts';
import type { CommandSource } from '../core/source.ts';
import { openText } from './source-file.ts';
import { eachLine, type LineReader, readSourceLines } from './source-lines.ts';
import { confine, type SourcePlace } from './source-path.ts';
import { untilAborted } from './until-aborted.ts';

type Child = ChildProcessByStdio<null, Readable, null>;

// A program that was asked to stop and has not is ended.
const KILL_AFTER_MS = 2000;

/**
 * `source: {command: [python3, build.py]}`: the program runs in the job file's folder, without a shell and without
 * standard input; a line of its standard output is an item, its standard error is ours. It waits when it is faster than
 * we are. Throws InputError `source_command` when it cannot be started or does not end with 0, also after its last line.
 */
export function openCommand(
  { command }: CommandSource,
  place: SourcePlace,
  readLine: LineReader['line'],
): RecordSource {
  return eachLine(readLine, (reader, signal) => readOutput(command, place, reader, signal));
}

async function* readOutput(
  command: CommandSource['command'],
  place: SourcePlace,
  reader: LineReader,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  signal.throwIfAborted();
  const name = nameOf(command);
  const child = await start(command, place, name);
  const closed = once(child, 'close');
  // Listened to from the start, so that it cannot be missed; asked for below.
  closed.catch(() => undefined);
  try {
    const source = await openText({
      file: name,
      sizeBytes: null,
      // A pipe without an encoding gives buffers.
      chunks: untilAborted(child.stdout as AsyncIterable<Buffer>, signal),
      close: async () => undefined,
    });
    // A program that prints a line without end may never end itself.
    if (!(yield* readSourceLines(source, reader))) return;
    await closed;
    refuseFailure(child, name);
  } finally {
    await stop(child, closed);
  }
}

async function start(
  [program, ...args]: CommandSource['command'],
  place: SourcePlace,
  name: string,
): Promise<Child> {
  const cwd = await confine('.', place);
  const env = place.programEnv;
  try {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'], windowsHide: true });
    await once(child, 'spawn');
    return child;
  } catch (cause) {
    throw inputFailure({
      code: 'source_command',
      file: name,
      problem: `the program could not be started: ${errnoWords(cause)}`,
      next: `check "source.command"; is ${program} installed? Paths are relative to the job file`,
      cause,
    });
  }
}

function refuseFailure({ exitCode, signalCode }: Child, name: string): void {
  if (exitCode === 0) return;
  throw inputFailure({
    code: 'source_command',
    file: name,
    problem: signalCode === null ? `it ended with exit code ${exitCode}` : `it was ended by ${signalCode}`,
    why: 'its records may be incomplete, so none of them was used; what it said stands above',
    next: 'mend the program, then run the same command again',
  });
}

async function stop(child: Child, closed: Promise<unknown>): Promise<void> {
  child.stdout.destroy();
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const enough = new AbortController();
  wait(KILL_AFTER_MS, null, { signal: enough.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await closed;
  enough.abort();
}

/** What problems call the program: enough to know it again. */
function nameOf(command: readonly string[]): string {
  const whole = command.join(' ').replace(/\s+/g, ' ');
  return whole.length <= 60 ? whole : `${whole.slice(0, 59)}…`;
}
