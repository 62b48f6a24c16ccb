import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process that runs one of the scripts beside this file. */
export interface Child {
  /** The next line of its stdout; null once it has ended. */
  nextLine(): Promise<string | null>;
  /** All that was printed and not read, once it has ended. */
  rest(): Promise<readonly string[]>;
  send(line: string): void;
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export function startChild(script: string, ...args: readonly string[]): Child {
  const path = fileURLToPath(new URL(`${script}.ts`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  // What was sent to a child that is gone is of no interest.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function nextLine(): Promise<string | null> {
    const { done, value } = await lines.next();
    return done === true ? null : value;
  }

  return {
    nextLine,
    async rest() {
      const found: string[] = [];
      for (let line = await nextLine(); line !== null; line = await nextLine()) found.push(line);
      await ended;
      return found;
    },
    send: (line) => {
      child.stdin.write(`${line}\n`);
    },
    signal: (name) => {
      child.kill(name);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
