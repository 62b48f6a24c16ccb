import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { measure, sumOf, type Usage } from './measure.ts';
import { CURL_CALL, script, startServer, Workspace } from './place.ts';

/** What is measured, what it is held against, and the batch: so many rows, and a fault that makes their lines long. */
const CASES = [
  // An answer of 300,000 tokens, the most that a batch may ask a model for, has about 1.2 MB.
  {
    work: 'retrieve 1.2 MB each',
    against: 'curl: 1.2 MB each, and parse',
    rows: 100,
    bytes: 1_200_000,
    fault: 'results-long-lines',
  },
  {
    work: 'retrieve a line of 40 MB',
    against: 'curl: a line of 40 MB, and parse',
    rows: 5,
    bytes: 40_000_000,
    fault: 'results-long-line',
  },
] as const;
/** The number of calls that meet the fault: more than there are. */
const ALWAYS = 1_000;

export const LONG_WORKS = CASES.flatMap(({ work, against }) => [work, against]);

/** Of what a piece of work reads, in megabytes; 0 where lines are as short as ever. */
export function longestLineMb(work: string): number {
  return (CASES.find((one) => one.work === work)?.bytes ?? 0) / 1e6;
}

/** Long answers, retrieved and, beside that, brought here by curl and parsed. */
export async function runLongLines(dir: string, note: (work: string, usage: Usage) => void): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const server = await startServer(join(dir, 'server'));
  const place = new Workspace(join(dir, 'workspace'), server.url);
  try {
    for (const [number, { work, against, rows, bytes, fault }] of CASES.entries()) {
      place.write(`long-${number}.job.yaml`, jobFile(`long-${number}`, rows));
      const submit = ['submit', `long-${number}.job.yaml`, '--use-batch', '--emulator'];
      const { stdout } = await place.run([...submit, '--submit-only', '--yes', '--json']);
      const { job_id: jobId, batches } = JSON.parse(stdout);
      const batchId = String(batches[0].batch_id);
      await server.ended(batchId);
      await server.setFaults(`${fault}=${bytes}@${ALWAYS}`);
      note(work, await place.run(['retrieve', jobId, '--emulator', '--json']));
      const results = `${server.url}/v1/messages/batches/${batchId}/results`;
      const download = await measure({ args: [...CURL_CALL, '-o', '/dev/null', results] });
      const raw = place.path('batch_results', jobId, 'main-0001.raw.jsonl');
      const parse = await measure({ args: [process.execPath, script('floors/parse-lines.ts'), raw] });
      note(against, sumOf([download, parse]));
      await server.setFaults();
    }
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function jobFile(name: string, rows: number): string {
  return [
    `name: ${name}`,
    'model: claude-haiku-5-5',
    'max_tokens: 300',
    `source: { axes: { row: 1-${rows} } }`,
    'prompt: "Write a long report about {{ row }}"',
    'output: false',
    '',
  ].join('\n');
}
