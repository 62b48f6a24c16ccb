import { startCli } from './run-cli.ts';

export interface Truth {
  readonly posts: readonly {
    readonly complete: boolean;
    readonly content_length: number;
    readonly received_bytes: number;
    readonly batch_id: string | null;
    readonly status: number | null;
    /** That of the key that it was sent with: `wrkspc_NAME` for `sk-emu-NAME`. */
    readonly workspace: string;
  }[];
  /** Messages calls that were whole and valid. */
  readonly messages: readonly {
    /** How the last user turn begins. */
    readonly prompt: string;
    readonly at: string;
    /** Whether it was paid, even if the client never got the answer. */
    readonly answered: boolean;
    readonly status: number | null;
  }[];
  readonly batches: readonly {
    readonly id: string;
    readonly workspace: string;
    readonly requests: number;
    readonly foreign: boolean;
    readonly first_custom_id: string;
  }[];
  readonly calls: Readonly<Record<string, number>>;
}

/** The emulator as a process of its own, which outlives the runs that are killed. */
export interface EmulatorProcess {
  readonly url: string;
  /** What really happened, over all runs. */
  truth(): Promise<Truth>;
  /** Replaces the faults that are switched on. */
  setFaults(faults: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startEmulatorProcess(
  cwd: string,
  args: readonly string[] = [],
): Promise<EmulatorProcess> {
  const running = startCli(['emulator', ...args], { cwd });
  await running.waitFor('http://127.0.0.1:');
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.soFar.stdout)?.[0];
  if (url === undefined) throw new Error(`no URL on stdout: ${running.soFar.stdout}`);
  return {
    url,
    truth: async () => (await (await fetch(`${url}/_emulator/truth`)).json()) as Truth,
    async setFaults(faults) {
      const response = await fetch(`${url}/_emulator/faults`, {
        method: 'POST',
        body: JSON.stringify({ faults }),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async stop() {
      running.child.kill('SIGKILL');
      await running.finished;
    },
  };
}
