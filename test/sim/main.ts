// npm run sim: random jobs under random faults and kills (--seed, --runs, --repeat, --jobs, --json, --bin). The same seed makes the same plan;
// what falls into which millisecond is the machine's, so a failure may need --repeat.
import { parseArgs } from 'node:util';
import type { SeedReport } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';
import { sumUp } from './totals.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '20' },
    repeat: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '3' },
    bin: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const wanted = Array.from({ length: Number(values.runs) }, (_, index) => first + index);
const seeds = wanted.flatMap((seed) => Array.from({ length: Number(values.repeat) }, () => seed));
const startedMs = performance.now();
const ran: SeedReport[] = [];

await runSeeds({
  seeds,
  jobs: Number(values.jobs),
  ...(values.bin === undefined ? {} : { bin: values.bin }),
  onReport: tell,
});
const totals = { ...sumUp(ran), seconds: Math.round((performance.now() - startedMs) / 1000) };
if (values.json) process.stdout.write(`${JSON.stringify(totals)}\n`);
else
  for (const [name, value] of Object.entries(totals)) process.stdout.write(`${name.padEnd(20)} ${value}\n`);
// Without it Node may wait for ever, with a busy core, for a handle to close: uv_run in Environment::CleanupHandles (24.21).
process.exit(totals.failed > 0 ? 1 : 0);
function tell(report: SeedReport): void {
  ran.push(report);
  const { plan, problems, kills, processes, leftAt, ms } = report;
  // With the totals so far, so that a run that is cut off has told what it did.
  if (ran.length % 25 === 0)
    process.stderr.write(`${ran.length} of ${seeds.length} seeds: ${JSON.stringify(sumUp(ran))}\n`);
  if (problems.length === 0) return;
  process.stderr.write(
    [
      `seed ${plan.seed} failed after ${processes} processes, ${kills} kills, ${Math.round(ms / 1000)} s:`,
      ...problems.map((problem) => `  ${problem}`),
      `  left at ${leftAt}; again: npm run sim -- --seed ${plan.seed} --runs 1 --repeat 10`,
      '',
    ].join('\n'),
  );
}
