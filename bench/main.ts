// npm run bench [-- --requests N --pairs N --out DIR]: each piece of work beside its alternatives, as whole processes.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { COMPARISONS, MOST_MB } from './bounds.ts';
import { makeData } from './data.ts';
import { longestLineMb, runLongLines } from './long-lines.ts';
import { requireTools, type Usage } from './measure.ts';
import { compare, describeMachine, formatComparisons, formatRuns, writeReport } from './report.ts';
import { runRound } from './rounds.ts';
import { runStarts } from './starts.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    pairs: { type: 'string', default: '5' },
    /** Where the figures go. */
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
/** Of a shard. */
const MOST_REQUESTS = 100_000;
const [requests, pairs] = [Number(values.requests), Number(values.pairs)];

requireTools();
if (!(requests >= 1) || !(pairs >= 1)) throw new Error('--requests and --pairs are numbers from 1 on');
if (requests > MOST_REQUESTS) throw new Error(`one shard is compared, of ${MOST_REQUESTS} requests at most`);
const dir = mkdtempSync(join(tmpdir(), 'batchctl-bench-'));
const say = (text: string): void => void process.stderr.write(`${text}\n`);
try {
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const data = await makeData(dataDir, requests);
  const runs = new Map<string, Usage[]>();
  const note = (work: string, usage: Usage): void => {
    const before = runs.get(work);
    if (before === undefined) runs.set(work, [usage]);
    else before.push(usage);
  };
  say(`starts: ${4 * pairs} rounds`);
  await runStarts(data, join(dir, 'starts'), 4 * pairs, note);
  for (let round = 1; round <= pairs; round += 1) {
    say(`round ${round} of ${pairs}, ${requests} requests`);
    await runRound(data, join(dir, 'round'), note);
    await runLongLines(join(dir, 'long'), note);
  }
  const compared = COMPARISONS.map((one) => compare(runs, one));
  const works = [...runs.keys()];
  const ours = works.filter((work) => !/^(?:node|curl|SDK|AI SDK|parse|read|write)/.test(work));
  const peakOf = (some: readonly string[]): number =>
    Math.max(
      ...some.flatMap((work) => (runs.get(work) ?? []).map((one) => one.peakMb - 8 * longestLineMb(work))),
    );
  const peakMb = peakOf(ours.filter((work) => longestLineMb(work) === 0));
  // Eight times the longest line is what a command may hold beside.
  const longPeakMb = peakOf(ours.filter((work) => longestLineMb(work) > 0));
  process.stdout.write(`${formatRuns(runs)}\n\n${formatComparisons(compared)}\n\n`);
  process.stdout.write(
    `peak of all commands: ${peakMb.toFixed(0)} MB, and ${longPeakMb.toFixed(0)} MB beside 8 times a long line; ${MOST_MB} MB are allowed\n`,
  );
  if (requests < MOST_REQUESTS)
    say(`the bounds are those of ${MOST_REQUESTS} requests: below, starting up is most of the time`);
  mkdirSync(values.out, { recursive: true });
  const report = {
    machine: describeMachine(),
    requests,
    pairs,
    peak_mb: peakMb,
    long_peak_mb: longPeakMb,
    compared,
    runs: Object.fromEntries(runs),
  };
  const path = join(values.out, 'results.json');
  writeReport(path, report);
  say(`figures: ${path}`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
