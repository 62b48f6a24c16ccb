import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Command, CommandEnd } from '../core/ports/outside.ts';
import { errnoOf } from './job-disk-error.ts';
import { isFolder } from './workspace.ts';

/** stderr of this process. stdout is the data of ours, so what another program prints does not belong there. */
const OUR_STDERR = 2;

/** Runs programs in folders of the workspace `root`, without a shell, with `env` and the facts of the command. */
export function createCommandRunner(
  root: string,
  env: NodeJS.ProcessEnv,
): (command: Command, signal: AbortSignal) => Promise<CommandEnd> {
  return ({ argv, dir, facts, paths, stdin }, signal) =>
    new Promise((resolve, reject) => {
      const [program = '', ...args] = argv;
      const cwd = join(root, dir);
      // Node names the program when it is the folder that is not there.
      if (!isFolder(cwd)) {
        resolve({ kind: 'not_started', why: `its folder ${cwd} is not there` });
        return;
      }
      const places = Object.fromEntries(
        Object.entries(paths).map(([name, path]) => [name, join(root, path)]),
      );
      const start = () =>
        spawn(program, args, {
          cwd,
          env: { ...env, ...facts, ...places },
          stdio: ['pipe', OUR_STDERR, OUR_STDERR],
          windowsHide: true,
          signal,
        });
      let child: ReturnType<typeof start>;
      try {
        child = start();
      } catch (error) {
        // An empty name, or a NUL in an argument.
        resolve({ kind: 'not_started', why: error instanceof Error ? error.message : String(error) });
        return;
      }
      child.on('error', (error) => {
        if (signal.aborted) reject(signal.reason);
        else resolve({ kind: 'not_started', why: explainStart(error) });
      });
      child.on('close', (exitCode, killedBy) => {
        if (signal.aborted) reject(signal.reason);
        else if (exitCode === null) resolve({ kind: 'killed', signal: killedBy ?? 'a signal' });
        else resolve({ kind: 'exited', exitCode });
      });
      // A program that reads nothing closes its end: its own affair.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(stdin);
    });
}

function explainStart(error: Error): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
      return 'there is no such program';
    case 'EACCES':
      return 'it may not be run; chmod +x makes a script a program';
    default:
      return error.message;
  }
}
