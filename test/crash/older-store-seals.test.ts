import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openJobFiles } from '../../src/files/job-files.ts';
import { readSent, writeSent } from '../../src/steps/sent-log.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { copyWorkspace, DATABASE, makeWorld, putBack } from '../support/workspace-copy.ts';
import { build, FAST, sendUnanswered } from './older-store-bench.ts';

const LOG = 'batch_requests/sent.jsonl';

it('what another database has sent of a second job is taken in with the first one’s', async () => {
  const world = await makeWorld(8, { batchSeconds: 3_600 });
  const first = await build(world);
  writeSampleJob(world.dir, 5);
  const built = await world.run(['build', '--emulator', '--json']);
  const second = JSON.parse(built.stdout).job_id as string;
  const copy = copyWorkspace(world.dir);
  const rebuilt = await world.run(['--yes', 'doctor', '--rebuild']);
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  await sendUnanswered(world, first);
  await sendUnanswered(world, second);
  putBack(copy, world.dir, DATABASE);
  const accepted = await world.run(['resume', first, '--accept-store', '--emulator', '--once', ...FAST]);
  expect(accepted.code, accepted.stderr).toBe(8);
  await world.run([
    'submit',
    second,
    '--use-batch',
    '--emulator',
    '--submit-only',
    '--max-wait',
    '0s',
    ...FAST,
  ]);
  expect(await world.paid()).toBe(13);
});

it('a shard that was sent twice is looked for from its first seal to its last', async () => {
  const world = await makeWorld(8);
  const jobId = await build(world);
  const copy = copyWorkspace(world.dir);
  await sendUnanswered(world, jobId);
  // As if the API had refused it two hours ago: the log has a line for that attempt as well.
  const line = readFileSync(join(world.dir, LOG), 'utf8');
  const earlier = JSON.parse(line);
  for (const key of ['upload_started_at', 'sealed_at'])
    earlier[key] = new Date(Date.parse(earlier[key]) - 2 * 60 * 60_000).toISOString();
  writeFileSync(join(world.dir, LOG), `${JSON.stringify(earlier)}\n${line}`);
  putBack(copy, world.dir, DATABASE);
  const finished = await world.run(['resume', jobId, '--accept-store', '--emulator', ...FAST]);
  expect(finished.code, finished.stderr).toBe(0);
  expect(await world.paid()).toBe(8);
});

it('a run with an older database leaves the journal as it is, so that a rebuild has all batches', async () => {
  const world = await makeWorld(8);
  const jobId = await build(world);
  const copy = copyWorkspace(world.dir);
  const sent = await world.run(['submit', jobId, '--use-batch', '--emulator', '--submit-only']);
  expect(sent.code, sent.stderr).toBe(0);
  const journal = join(world.dir, 'batch_requests', jobId, 'journal.jsonl');
  const shardLines = (): readonly string[] =>
    readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{"kind":"shard"'));
  const before = shardLines();
  putBack(copy, world.dir, ['.batchctl']);
  for (const command of [
    ['submit', jobId, '--use-batch'],
    ['retrieve', jobId, '--once'],
  ])
    await world.run([...command, '--emulator', ...FAST]);
  expect(shardLines()).toEqual(before);
  rmSync(join(world.dir, '.batchctl/receipts.jsonl'), { force: true });
  const rebuilt = await world.run(['--yes', 'doctor', '--rebuild']);
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  const finished = await world.run(['resume', jobId, ...FAST]);
  expect(finished.code, finished.stderr).toBe(0);
  expect(await world.paid()).toBe(8);
});

it('the log keeps how far the clocks disagreed, by which a batch is looked for', async () => {
  const files = openJobFiles(makeTempDir());
  const fence = {
    batchIds: ['msgbatch_1'],
    serverMs: 1_000,
    skewMs: -7_200_000,
    workspaceId: null,
    organizationId: null,
  };
  const submission = {
    id: 1,
    shardId: 1,
    number: 1,
    state: 'uploading',
    uploadStartedMs: 0,
    sealedMs: null,
    fence: null,
    reason: null,
    watchUntilMs: null,
  } as const;
  writeSent(files, {
    jobId: 'words',
    standing: { lineage: 'a', serial: 1, acceptedBytes: 0, isMoved: false, contentSha256: null },
    shard: { stage: 'main', number: 1, nonce: 'abcdefgh', requests: 8 },
    submission,
    sealedMs: 1_000,
    fence,
    account: { baseUrl: 'https://api.anthropic.com', keyFingerprint: '0'.repeat(16) },
  });
  const [line] = await Array.fromAsync(readSent(files));
  expect(line?.fence).toMatchObject({ batch_ids: ['msgbatch_1'], skew_ms: -7_200_000 });
});
