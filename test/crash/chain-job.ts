import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, runCli } from '../support/run-cli.ts';
import { runUnderStrace, type TraceOptions } from '../support/strace.ts';

/** Records of the job, and rows: two stages of each. */
export const RECORDS = 5;
export const ROWS = RECORDS * 2;

/** Two stages, two shards each: small, and everything that a run writes is in it, rounds of a later stage too. */
const JOB = `name: chain
model: claude-haiku-5-5
max_tokens: 300
source: { axes: { n: 1-${RECORDS} } }
id: "r{{n}}"
stages:
  - { name: notes, prompt: "marker-r{{n}}-end: notes" }
  - { name: report, needs: notes, prompt: "report on {{notes.text}}" }
`;

const SHARDS = ['--max-shard-requests', '3'];
const SUBMIT = ['submit', '--use-batch', '--emulator', ...SHARDS];
const PACE = ['--settle', '1s', '--interval', '100ms'];

/** A workspace of its own, locally and at the emulator: the truth is asked for by the name of the key. */
export interface ChainJob {
  readonly dir: string;
  readonly workspace: string;
  /** Without sending it; its id comes back, so that the names of its files are known. `submit` carries it on. */
  build(): Promise<string>;
  /** From reading the job file to results.jsonl; the same again carries an unfinished job on. */
  submit(): Promise<Finished>;
  submitUnderStrace(wishes: TraceWishes): Promise<TracedRun>;
  verify(): Promise<Finished>;
  remove(): void;
}

export interface TraceWishes
  extends Pick<TraceOptions, 'calls' | 'inject' | 'paths' | 'allThreads' | 'shownBytes'> {
  /** Says on stderr what it does, as at a terminal; else only what goes wrong, as JSON. */
  readonly talks?: boolean;
}

export interface TracedRun {
  readonly finished: Finished;
  /** The log of strace, a file. */
  readonly log: string;
}

let made = 0;

export function makeChainJob(url: string, nodeCache: string): ChainJob {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-syscalls-')));
  const dir = join(root, 'job');
  const log = join(root, 'strace.log');
  made += 1;
  const key = `${process.pid}-${made}`;
  const env = {
    BATCHCTL_EMULATOR_URL: url,
    ANTHROPIC_API_KEY: `sk-emu-${key}`,
    NODE_COMPILE_CACHE: nodeCache,
  };
  const args = [...SUBMIT, ...PACE];
  mkdirSync(dir);
  writeFileSync(join(dir, 'chain.job.yaml'), JOB);
  return {
    dir,
    workspace: `wrkspc_${key}`,
    async build() {
      const { stdout, stderr } = await runCli(['build', '--emulator', '--json', ...SHARDS], {
        cwd: dir,
        env,
      });
      const id: unknown = JSON.parse(stdout || '{}').job_id;
      if (typeof id !== 'string') throw new Error(`nothing was built: ${stderr}`);
      return id;
    },
    submit: () => runCli([...args, '--json'], { cwd: dir, env }),
    submitUnderStrace: async ({ talks = false, ...options }) => ({
      finished: await runUnderStrace(talks ? args : [...args, '--json'], { cwd: dir, env, log, ...options }),
      log,
    }),
    verify: () => runCli(['verify', 'latest', '--json'], { cwd: dir, env }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
