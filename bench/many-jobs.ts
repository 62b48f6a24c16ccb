// npm run bench:many [-- --jobs N --requests N --pairs N --out DIR]: commands on one job, alone and among many others.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/cli/output.ts';
import { fillStore } from '../test/support/many-jobs.ts';
import { makeData } from './data.ts';
import { median, requireTools, type Usage } from './measure.ts';
import { startServer, Workspace } from './place.ts';
import { describeMachine, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000' },
    /** Of each of the others. */
    requests: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '5' },
    /** Where the figures go. */
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
const OWN_REQUESTS = 1_000;
/** Of the others so many are pending, as a user may have of a thousand. */
const PENDING_EVERY = 500;

interface Pair {
  readonly command: string;
  readonly alone: readonly Usage[];
  readonly among: readonly Usage[];
}

const COLUMNS = [
  { title: 'COMMAND', value: ({ command }: Pair) => command },
  ...(['alone', 'among'] as const).map((place) => ({
    title: `${place.toUpperCase()}: WALL, CPU`,
    align: 'right' as const,
    value: (pair: Pair) => {
      const { wallMs, cpuMs } = figures(pair)[place];
      return `${wallMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms`;
    },
  })),
  {
    title: 'RATIO',
    align: 'right' as const,
    value: (pair: Pair) => {
      const { alone, among } = figures(pair);
      return `${(among.wallMs / alone.wallMs).toFixed(2)}, ${(among.cpuMs / alone.cpuMs).toFixed(2)}`;
    },
  },
];

requireTools();
const dir = mkdtempSync(join(tmpdir(), 'batchctl-many-jobs-'));
const server = await startServer(join(dir, 'server'));
try {
  const alone = new Workspace(join(dir, 'alone'), server.url);
  const jobId = await makeOwnJob(alone);
  cpSync(alone.dir, join(dir, 'among'), { recursive: true });
  const among = new Workspace(join(dir, 'among'), server.url);
  const others = { jobs: Number(values.jobs), requestsPerJob: Number(values.requests) };
  process.stderr.write(`filling a store with ${others.jobs} jobs of ${others.requestsPerJob} requests\n`);
  await fillStore(among.dir, { ...others, pendingEvery: PENDING_EVERY });
  const pairs: Pair[] = [];
  for (const args of commandsOn(jobId)) pairs.push(await measurePairs(args, alone, among));
  process.stdout.write(`${formatTable(COLUMNS, pairs)}\n`);
  mkdirSync(values.out, { recursive: true });
  const machine = describeMachine();
  writeReport(join(values.out, 'many-jobs.json'), { machine, others, pairs: pairs.map(figures) });
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** A job that went all the way. */
async function makeOwnJob(place: Workspace): Promise<string> {
  const data = await makeData(dir, OWN_REQUESTS);
  place.addJob('own', data);
  const { stdout } = await place.run(['submit', '--use-batch', '--emulator', '--yes', '--json']);
  return String(JSON.parse(stdout).job_id);
}

function commandsOn(jobId: string): readonly (readonly string[])[] {
  return [
    ['list'],
    ['list', '--all', '--limit', '20'],
    ['list', '--all'],
    ['status', jobId],
    ['status', 'own'],
    ['show', jobId],
    ['show', jobId, `r-${OWN_REQUESTS / 2}`],
    ['verify', jobId],
    ['cost', jobId],
  ];
}

/** The two take turns, so that whatever else the machine does falls on both. */
async function measurePairs(args: readonly string[], alone: Workspace, among: Workspace): Promise<Pair> {
  const runs = { alone: [] as Usage[], among: [] as Usage[] };
  // Once before it counts: the first to read a file takes it from the disk.
  for (const place of [alone, among]) await place.run(args);
  for (let pair = 0; pair < Number(values.pairs); pair += 1) {
    runs.alone.push(await alone.run(args));
    runs.among.push(await among.run(args));
  }
  return { command: args.map((word) => (/-\d{8}-/.test(word) ? 'ID' : word)).join(' '), ...runs };
}

function figures({ command, alone, among }: Pair) {
  const middle = (runs: readonly Usage[]) => ({
    wallMs: median(runs.map(({ wallMs }) => wallMs)),
    cpuMs: median(runs.map(({ cpuMs }) => cpuMs)),
    peakMb: median(runs.map(({ peakMb }) => peakMb)),
  });
  return { command, alone: middle(alone), among: middle(among) };
}
