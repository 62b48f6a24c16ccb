import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchData, jobFile } from './data.ts';
import { type Command, CURL, measure, type Usage } from './measure.ts';

const BIN = fileURLToPath(new URL('../bin/batchctl.js', import.meta.url));
const LONGEST_BATCH_MS = 30 * 60_000;
const LOOK_MS = 100;

/** A call of curl with what the API asks of every call, and no proxy between. */
export const CURL_CALL = [
  CURL,
  '-sS',
  '-f',
  '--noproxy',
  '*',
  '-H',
  'x-api-key: sk-emu-bench',
  '-H',
  'anthropic-version: 2023-06-01',
] as const;

/** A file of this folder's floors or alternatives, to be run by Node. */
export function script(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

export interface Server {
  readonly url: string;
  /** What goes wrong there from now on, instead of what did before. */
  setFaults(...faults: readonly string[]): Promise<void>;
  /** Waits until a batch has ended. */
  ended(batchId: string): Promise<void>;
  stop(): Promise<void>;
}

/** The emulator in a process of its own, so that what it takes is not counted. */
export async function startServer(dir: string, args: readonly string[] = []): Promise<Server> {
  mkdirSync(dir, { recursive: true });
  const child = spawn(process.execPath, [BIN, 'emulator', '--batch-seconds', '0.1', ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the emulator ended with ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(text.trim()));
  });
  return {
    url,
    async setFaults(...faults) {
      await fetch(`${url}/_emulator/faults`, { method: 'POST', body: JSON.stringify({ faults }) });
    },
    async ended(batchId) {
      for (let waitedMs = 0; waitedMs < LONGEST_BATCH_MS; waitedMs += LOOK_MS) {
        const headers = { 'x-api-key': 'sk-emu-bench', 'anthropic-version': '2023-06-01' };
        const response = await fetch(`${url}/v1/messages/batches/${batchId}`, { headers });
        const batch: unknown = await response.json();
        if (isEnded(batch)) return;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      throw new Error(`${batchId} has not ended`);
    },
    async stop() {
      if (child.exitCode !== null) return;
      const exited = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function isEnded(batch: unknown): boolean {
  return typeof batch === 'object' && batch !== null && Reflect.get(batch, 'processing_status') === 'ended';
}

/** A workspace of its own that sends to a server. */
export class Workspace {
  readonly dir: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(dir: string, url: string) {
    this.dir = dir;
    // Nothing may go elsewhere, whatever the key of whoever runs this.
    this.#env = { BATCHCTL_EMULATOR_URL: url, ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-emu-bench' };
    mkdirSync(dir, { recursive: true });
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.dir, name), content);
  }

  /** The program reads nothing outside of its workspace. */
  link(path: string, name: string): void {
    linkSync(path, join(this.dir, name));
  }

  /** The only job of its place, over records of JSONL; without a file for each answer. */
  addJob(name: string, data: BenchData): void {
    this.link(data.jsonl, 'records.jsonl');
    this.write(`${name}.job.yaml`, jobFile(name, { jsonl: 'records.jsonl' }, 'output: false'));
  }

  /** One command of the program, measured. */
  run(args: readonly string[], codes?: Command['codes']): Promise<Usage> {
    return measure({
      args: [process.execPath, BIN, ...args],
      cwd: this.dir,
      env: this.#env,
      ...(codes === undefined ? {} : { codes }),
    });
  }

  /** Of a file of a job, by the folder that all such stand in. */
  path(folder: 'batch_requests' | 'batch_results', jobId: string, name: string): string {
    return join(this.dir, folder, jobId, name);
  }

  /** The files of requests of a job, in order. */
  shards(jobId: string): readonly string[] {
    const dir = join(this.dir, 'batch_requests', jobId);
    return readdirSync(dir)
      .filter((name) => /^main-\d+\.jsonl$/.test(name))
      .sort()
      .map((name) => join(dir, name));
  }
}
