import type { PassThrough } from 'node:stream';
import { type GlobalOptions, openContext, type ProcessIo } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import type { Verdict } from '../../src/cli/report-error.ts';
import { systemClock } from '../../src/cli/system-clock.ts';

/** What a process would have, with streams of this one in its place. */
export interface Here {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The command line in this process. @throws what the command threw */
export async function runHere(args: readonly string[], here: Here): Promise<Verdict> {
  const { stdin, stdout, stderr, cwd, env, signal } = here;
  const io: ProcessIo = {
    // All of them that the command line asks for.
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env,
    cwd,
    clock: systemClock,
    signal,
    version: '0.0.0',
    commandLine: args.join(' '),
  };
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
