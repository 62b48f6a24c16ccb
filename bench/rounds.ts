import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchData, jobFile } from './data.ts';
import { measure, settleDisk, sumOf, type Usage } from './measure.ts';
import { CURL_CALL, script, startServer, Workspace } from './place.ts';

const node = process.execPath;
/** In the workspace. */
const JSONL = 'records.jsonl';
const CSV = 'records.csv';

/** What one round measures, in the order of the table. */
export const WORKS = [
  'plan',
  'build',
  'parse the requests',
  'build from CSV',
  'read the CSV',
  'submit',
  'curl: upload',
  'SDK: create',
  'AI SDK: create',
  'retrieve',
  'curl: download, and parse',
  'SDK: results',
  'AI SDK: results',
  'retrieve, a file each',
  'write the files',
  'verify',
  'export',
] as const;

export type Work = (typeof WORKS)[number];

/**
 * One round: each piece of work once, beside its alternatives, in a fresh workspace and on a fresh server. Several rounds
 * are A B A B, so that a machine that is slower for a while is slower for both.
 */
export async function runRound(
  data: BenchData,
  dir: string,
  note: (work: Work, usage: Usage) => void,
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const server = await startServer(join(dir, 'server'));
  const place = new Workspace(join(dir, 'workspace'), server.url);
  const time = async (work: Work, command: Promise<Usage>): Promise<Usage> => {
    const usage = await command;
    note(work, usage);
    return usage;
  };
  const floor = (path: string, ...args: string[]): Promise<Usage> =>
    measure({ args: [node, script(path), ...args] });

  async function buildJob(work: Work | null, name: string, source: 'jsonl' | 'csv', more: string) {
    const file = `${name}.job.yaml`;
    const named = source === 'csv' ? { csv: CSV } : { jsonl: JSONL };
    place.write(file, jobFile(name, named, more));
    const built = place.run(['build', file, '--emulator', '--json']);
    const usage = work === null ? await built : await time(work, built);
    return String(JSON.parse(usage.stdout).job_id);
  }

  async function submitJob(work: Work | null, jobId: string): Promise<void> {
    const sent = place.run([
      'submit',
      jobId,
      '--use-batch',
      '--emulator',
      '--submit-only',
      '--yes',
      '--json',
    ]);
    const { stdout } = work === null ? await sent : await time(work, sent);
    for (const { batch_id: id } of JSON.parse(stdout).batches) await server.ended(String(id));
  }

  try {
    place.link(data.jsonl, JSONL);
    place.link(data.csv, CSV);
    place.write('plan.job.yaml', jobFile('plan', { jsonl: JSONL }, 'output: false'));
    await time('plan', place.run(['plan', 'plan.job.yaml', '--emulator', '--json']));
    const jobId = await buildJob('build', 'results', 'jsonl', 'output: false');
    const [shard = ''] = place.shards(jobId);
    await time('parse the requests', floor('floors/parse-lines.ts', shard));
    await buildJob('build from CSV', 'from-csv', 'csv', 'output: false');
    await time('read the CSV', floor('floors/read-csv.ts', data.csv));

    await submitJob('submit', jobId);
    const body = join(dir, 'body.json');
    await floor('floors/make-body.ts', shard, body);
    const url = `${server.url}/v1/messages/batches`;
    const upload = [...CURL_CALL, '-H', 'content-type: application/json', '-H', 'expect:'] as const;
    const sent = await time('curl: upload', measure({ args: [...upload, '--data-binary', `@${body}`, url] }));
    const batchId = String(JSON.parse(sent.stdout).id);
    await server.ended(batchId);
    for (const [work, path] of [
      ['SDK: create', 'alternatives/sdk-submit.ts'],
      ['AI SDK: create', 'alternatives/ai-submit.ts'],
    ] as const)
      await server.ended((await time(work, floor(path, server.url, shard))).stdout.trim());

    await settleDisk();
    await time('retrieve', place.run(['retrieve', jobId, '--emulator', '--json']));
    const raw = place.path('batch_results', jobId, 'main-0001.raw.jsonl');
    const results = `${url}/${batchId}/results`;
    const download = await measure({
      args: [...CURL_CALL, '-o', '/dev/null', results],
    });
    note('curl: download, and parse', sumOf([download, await floor('floors/parse-lines.ts', raw)]));
    await time('SDK: results', floor('alternatives/sdk-results.ts', server.url, batchId));
    await time('AI SDK: results', floor('alternatives/ai-results.ts', server.url, batchId));
    await time('verify', place.run(['verify', jobId, '--json']));
    await time('export', place.run(['export', jobId, '--format', 'csv', '-o', join(dir, 'export.csv')]));

    const withFiles = await buildJob(null, 'files', 'jsonl', '');
    await submitJob(null, withFiles);
    await settleDisk();
    await time('retrieve, a file each', place.run(['retrieve', withFiles, '--emulator', '--json']));
    await settleDisk();
    const written = await floor('floors/write-files.ts', raw, join(dir, 'files'));
    // Reading the raw results is not what is compared.
    note('write the files', { ...written, wallMs: Number(written.stdout) });
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
