// npm run bench:slow [-- --requests N --mb-per-second N --stall-seconds N --out DIR]: a slow line that stands still and breaks.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/cli/output.ts';
import { jobFile, makeData } from './data.ts';
import { requireTools, type Usage } from './measure.ts';
import { startServer, Workspace } from './place.ts';
import { describeMachine, seconds, writeReport } from './report.ts';
import { openSlowLine } from './slow-line.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    'mb-per-second': { type: 'string', default: '2' },
    'stall-seconds': { type: 'string', default: '30' },
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
const requests = Number(values.requests);
const bytesPerSecond = Number(values['mb-per-second']) * 1e6;
const stallMs = Number(values['stall-seconds']) * 1_000;
const CUTS = 5;

/** One command over the line, and how long its bytes take there when nothing goes wrong. */
interface Trip {
  readonly what: string;
  readonly bytes: number;
  readonly bytesMs: number;
  /** How long the line stood still, and what had come in vain and has to come again. */
  readonly lostMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

requireTools();
const dir = mkdtempSync(join(tmpdir(), 'batchctl-slow-'));
const server = await startServer(join(dir, 'server'));
const line = await openSlowLine(server.url);
try {
  const data = await makeData(dir, requests);
  const place = new Workspace(join(dir, 'workspace'), line.url);
  place.link(data.jsonl, 'records.jsonl');
  const trips: Trip[] = [];
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const note = (what: string, bytes: number, lostMs: number, { wallMs, cpuMs, peakMb }: Usage): void => {
    trips.push({ what, bytes, bytesMs: (bytes / bytesPerSecond) * 1_000, lostMs, wallMs, cpuMs, peakMb });
  };

  /** Null is not measured: the job is only there to be retrieved. */
  const submit = async (name: string, lostMs: number | null): Promise<string> => {
    const file = `${name}.job.yaml`;
    place.write(file, jobFile(name, { jsonl: 'records.jsonl' }, 'output: false'));
    const { job_id: jobId } = JSON.parse((await place.run(['build', file, '--emulator', '--json'])).stdout);
    const args = ['submit', jobId, '--use-batch', '--emulator', '--submit-only', '--yes', '--json'];
    say(`submit ${name}`);
    const usage = await place.run(args);
    const bytes = place.shards(jobId).reduce((sum, path) => sum + statSync(path).size, 0);
    if (lostMs !== null) note(`submit, ${name}`, bytes, lostMs, usage);
    for (const { batch_id: id } of JSON.parse(usage.stdout).batches) await server.ended(String(id));
    return String(jobId);
  };
  /** Returns how many bytes came that count; so many others came in vain. */
  const retrieve = async (name: string, jobId: string, bytesInVain: number): Promise<number> => {
    say(`retrieve ${name}`);
    const usage = await place.run(['retrieve', jobId, '--emulator', '--json']);
    const bytes = statSync(place.path('batch_results', jobId, 'main-0001.raw.jsonl')).size;
    note(`retrieve, ${name}`, bytes, (bytesInVain / bytesPerSecond) * 1_000, usage);
    return bytes;
  };

  line.setFaults({ bytesPerSecond });
  const plain = await submit('slow', 0);
  const whole = await retrieve('slow', plain, 0);
  const part = Math.floor(whole / (CUTS + 1));
  // Requests are about as long as their answers.
  line.setFaults({ bytesPerSecond, stall: { afterBytes: whole / 2, ms: stallMs } });
  const stalled = await submit('stalled', stallMs);
  const cuts = { count: CUTS, afterBytes: part };
  await server.setFaults('results-ranges');
  line.setFaults({ bytesPerSecond, cuts });
  await retrieve(`cut ${CUTS} times, rest given`, stalled, 0);
  await server.setFaults();
  line.setFaults({ bytesPerSecond: Number.POSITIVE_INFINITY });
  const anew = await submit('fast', null);
  line.setFaults({ bytesPerSecond, cuts });
  await retrieve(`cut ${CUTS} times, no rest`, anew, CUTS * part);

  process.stdout.write(
    `${formatTable<Trip>(
      [
        { title: 'COMMAND', value: ({ what }) => what },
        { title: 'BYTES', value: ({ bytes }) => `${(bytes / 1e6).toFixed(1)} MB`, align: 'right' },
        { title: 'THEIR TIME', value: ({ bytesMs }) => seconds(bytesMs), align: 'right' },
        { title: 'LOST', value: ({ lostMs }) => seconds(lostMs), align: 'right' },
        { title: 'WALL', value: ({ wallMs }) => seconds(wallMs), align: 'right' },
        {
          title: 'REST',
          value: ({ wallMs, bytesMs, lostMs }) => seconds(wallMs - bytesMs - lostMs),
          align: 'right',
        },
        { title: 'PEAK', value: ({ peakMb }) => `${peakMb.toFixed(0)} MB`, align: 'right' },
      ],
      trips,
    )}\n`,
  );
  mkdirSync(values.out, { recursive: true });
  const report = { machine: describeMachine(), requests, bytes_per_second: bytesPerSecond, trips };
  writeReport(join(values.out, 'slow-network.json'), report);
} finally {
  line.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
