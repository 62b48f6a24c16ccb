// npm run bench:growth [-- --sizes 1000,10000,100000,1000000 --out DIR]: time and memory of each command as jobs grow.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/cli/output.ts';
import { MOST_MB } from './bounds.ts';
import { drawGrowth, type GrowthPoint } from './chart.ts';
import { makeData } from './data.ts';
import { requireTools, type Usage } from './measure.ts';
import { startServer, Workspace } from './place.ts';
import { describeMachine, seconds, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,10000,100000,1000000' },
    /** Where the figures and the chart go. */
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});

requireTools();
const points: GrowthPoint[] = [];
for (const size of values.sizes.split(',').map(Number)) points.push(...(await growTo(size)));
const columns = [
  { title: 'REQUESTS', value: ({ requests }: GrowthPoint) => String(requests), align: 'right' as const },
  { title: 'COMMAND', value: ({ command }: GrowthPoint) => command },
  {
    title: 'WALL',
    value: ({ wallMs }: GrowthPoint) => seconds(wallMs),
    align: 'right' as const,
  },
  {
    title: 'CPU',
    value: ({ cpuMs }: GrowthPoint) => seconds(cpuMs),
    align: 'right' as const,
  },
  { title: 'PEAK', value: ({ peakMb }: GrowthPoint) => `${peakMb.toFixed(0)} MB`, align: 'right' as const },
];
process.stdout.write(`${formatTable(columns, points)}\n`);
const over = points.filter(({ peakMb }) => peakMb > MOST_MB);
process.stdout.write(
  over.length === 0
    ? `no command held more than ${MOST_MB} MB\n`
    : `more than ${MOST_MB} MB: ${over.map(({ command, requests }) => `${command} of ${requests}`).join(', ')}\n`,
);
mkdirSync(values.out, { recursive: true });
writeReport(join(values.out, 'growth.json'), { machine: describeMachine(), points });
drawGrowth(points, join(values.out, 'growth.svg'));

/** Each command once over a job of so many requests, from the data to the exported table. */
async function growTo(requests: number): Promise<readonly GrowthPoint[]> {
  const dir = mkdtempSync(join(tmpdir(), 'batchctl-growth-'));
  const found: GrowthPoint[] = [];
  const server = await startServer(join(dir, 'server'));
  try {
    const data = await makeData(dir, requests);
    const place = new Workspace(join(dir, 'workspace'), server.url);
    place.addJob('growth', data);
    const run = async (command: string, ...args: readonly string[]): Promise<Usage> => {
      process.stderr.write(`${requests} requests: ${command}\n`);
      const usage = await place.run([command, ...args]);
      const { wallMs, cpuMs, peakMb } = usage;
      found.push({ requests, command, wallMs, cpuMs, peakMb });
      return usage;
    };
    await run('plan', '--emulator', '--json');
    const jobId = String(JSON.parse((await run('build', '--emulator', '--json')).stdout).job_id);
    const flags = ['--use-batch', '--emulator', '--submit-only', '--yes', '--json'];
    const { batches } = JSON.parse((await run('submit', jobId, ...flags)).stdout);
    for (const { batch_id: id } of batches) await server.ended(String(id));
    await run('retrieve', jobId, '--emulator', '--json');
    await run('verify', jobId, '--json');
    await run('export', jobId, '--format', 'csv', '-o', join(dir, 'export.csv'));
    await run('list', '--all');
    await run('status', jobId);
    await run('show', jobId, `r-${requests}`);
    await run('cost', jobId);
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  return found;
}
