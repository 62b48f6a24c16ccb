import { expect, it } from 'vitest';
import { makeBench } from '../faults/bench.ts';

const PACE = ['--settle', '2s', '--interval', '100ms'];

it('submit --submit-only leaves with 8 when shards wait for room, and resume sends on to the end', async () => {
  const bench = await makeBench({ records: 15, batchSeconds: 0.3 });
  const submitted = await bench.run([
    ...['submit', '--use-batch', '--emulator', '--yes', '--submit-only'],
    ...['--max-shard-requests', '5', '--max-in-flight', '9'],
  ]);
  expect(submitted.code).toBe(8);
  expect(submitted.stderr).toContain(
    'waiting for queue room: 5 requests in flight, of 9 that --max-in-flight allows; shard 2/3 (5 requests)',
  );
  const { job_id, state } = await bench.status();
  expect(state).toBe('submitting');
  expect(submitted.stderr).toContain(`next: batchctl resume ${job_id} --max-in-flight 9`);
  const resumed = await bench.run(['resume', job_id, '--max-in-flight', '9', ...PACE]);
  expect(resumed.code).toBe(0);
  expect((await bench.truth()).batches.map(({ requests }) => requests)).toEqual([5, 5, 5]);
});

it('submit cuts no shard larger than --max-in-flight, and refuses one that was cut before', async () => {
  const bench = await makeBench({ records: 15 });
  await bench.run(['build', '--emulator']);
  const { job_id } = await bench.status();
  const refused = await bench.run([
    'submit',
    job_id,
    '--use-batch',
    '--emulator',
    '--max-in-flight',
    '6',
    '--json',
  ]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('"code":"max_in_flight_too_small"');
  const args = ['submit', '--use-batch', '--emulator', '--yes', '--new', '--max-in-flight', '6', ...PACE];
  expect((await bench.run(args)).code).toBe(0);
  const { batches } = await bench.truth();
  expect(Math.max(...batches.map(({ requests }) => requests))).toBe(6);
  expect(batches.reduce((sum, { requests }) => sum + requests, 0)).toBe(15);
});

it('status, list and show count what waits for room, also with --json, until it is canceled', async () => {
  const bench = await makeBench({ records: 15, batchSeconds: 1_000_000 });
  await bench.setFaults(['queue=9']);
  const submitted = await bench.run([
    ...['submit', '--use-batch', '--emulator', '--yes', '--submit-only', '--json'],
    ...['--max-shard-requests', '5'],
  ]);
  expect(submitted.code).toBe(8);
  const unsent = { shards: 2, of: 3, requests: 10, waits_for: 'queue_room', max_in_flight: null };
  expect(JSON.parse(submitted.stdout)).toMatchObject({ unsent });
  const line = "unsent    2 of 3 batches (10 requests) wait for room in the account's queue\n";
  expect((await bench.run(['status'])).stdout).toContain(line);
  expect((await bench.run(['show', 'latest'])).stdout).toContain(line);
  expect((await bench.run(['list'])).stdout).toMatch(/BATCHES +UNSENT +CREATED\n.* 1 +2, no room +/);
  const canceled = await bench.run(['cancel', 'latest', '--json']);
  expect(JSON.parse(canceled.stdout)).not.toHaveProperty('unsent');
  expect((await bench.run(['list', '--all'])).stdout).not.toContain('UNSENT');
});
