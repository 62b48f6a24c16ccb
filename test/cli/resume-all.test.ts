import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type FaultBench, makeBench } from '../faults/bench.ts';
import { CANARY_KEY } from '../support/canary.ts';
import { type RunningCli, startCli } from '../support/run-cli.ts';

const NEVER = 1_000_000;
const HEADERS = { 'x-api-key': CANARY_KEY, 'anthropic-version': '2026-10-21' };

/** A job of so many requests, of which what has room is sent. */
async function submit(bench: FaultBench, name: string, requests: number, shard = requests): Promise<string> {
  const file = `${name}.job.yaml`;
  const lines = [
    `name: ${name}`,
    'model: claude-haiku-5-5',
    'max_tokens: 100',
    `source: { axes: { n: 1-${requests} } }`,
    `prompt: "${name} {{ n }}"`,
  ];
  writeFileSync(join(bench.dir, file), `${lines.join('\n')}\n`);
  const args = ['submit', file, '--use-batch', '--emulator', '--yes', '--submit-only', '--json'];
  const limits = ['--max-shard-requests', `${shard}`, '--max-in-flight', '15'];
  const { stdout } = await bench.run([...args, ...limits]);
  return JSON.parse(stdout).job_id;
}

/** Ends the batch of so many requests before its time. */
async function endBatch(bench: FaultBench, requests: number): Promise<void> {
  const batch = (await bench.truth()).batches.find((one) => one.requests === requests);
  const url = `${bench.emulator.url}/v1/messages/batches/${batch?.id}`;
  expect((await fetch(`${url}/cancel`, { method: 'POST', headers: HEADERS })).status).toBe(200);
  const hasEnded = async (): Promise<boolean> =>
    (await (await fetch(url, { headers: HEADERS })).text()).includes('"ended"');
  await vi.waitUntil(hasEnded, { timeout: 20_000, interval: 50 });
}

function resumeAll(bench: FaultBench, ...more: readonly string[]): RunningCli {
  const env = { BATCHCTL_EMULATOR_URL: bench.emulator.url };
  const resume = startCli(['resume', '--interval', '100ms', ...more], { cwd: bench.dir, env });
  onTestFinished(() => void resume.child.kill('SIGKILL'));
  return resume;
}

it('resume of all jobs sends what waits of one as soon as there is room, although another one goes on', async () => {
  const bench = await makeBench({ batchSeconds: NEVER });
  const first = await submit(bench, 'first', 6);
  const slow = await submit(bench, 'slow', 7);
  const waiting = await submit(bench, 'waiting', 8);
  expect((await bench.truth()).batches).toHaveLength(2);
  const resume = resumeAll(bench, '--max-in-flight', '15');
  await resume.waitFor('waiting for queue room');
  await endBatch(bench, 6);
  await resume.waitFor('shard 1/1 is batch');
  // It waits itself, and sends nobody to another command.
  expect(resume.soFar.stderr).not.toContain('sends on as there is some');
  // Each says whose it is, and the sum is that of both which go on.
  expect(resume.soFar.stderr).toMatch(new RegExp(`job ${waiting}:\n(?:.*\n)*shard 1/1 is batch`));
  await resume.waitFor('2 batches in progress, 15 requests');
  expect(resume.soFar.stderr).toContain(`job ${first}:\ndownloading the results`);
  resume.child.kill('SIGINT');
  const { code, stderr } = await resume.finished;
  expect(code).toBe(130);
  expect(stderr).toContain('error: interrupted; 2 jobs are not at their end');
  for (const id of [slow, waiting])
    expect(stderr).toContain(`job ${id} is in_progress: 1 batch (${id === slow ? 7 : 8} requests)`);
  const sent = (await bench.truth()).batches.map(({ requests }) => requests);
  expect(sent.sort()).toEqual([6, 7, 8]);
}, 60_000);

it('resume of all jobs goes on with the others when one fails, and holds no job that it has left', async () => {
  const bench = await makeBench({ batchSeconds: NEVER });
  const large = await submit(bench, 'large', 12);
  const small = await submit(bench, 'small', 3);
  const waiting = await submit(bench, 'waiting', 5);
  // The third has no room, and would never have any.
  const resume = resumeAll(bench, '--max-in-flight', '4');
  await resume.waitFor('is larger than --max-in-flight');
  await endBatch(bench, 12);
  await endBatch(bench, 3);
  const { code, stdout, stderr } = await resume.finished;
  expect(code).toBe(2);
  expect(stderr).toContain(`shard 1 of job ${waiting} is larger than --max-in-flight`);
  for (const id of [large, small]) expect(stdout).toMatch(new RegExp(`job +${id}\nstate +done`));
  expect(stdout).not.toContain('at work');
}, 60_000);

it('resume of all jobs that is killed while they take turns leaves each to the next one, and nothing is sent twice', async () => {
  const bench = await makeBench({ batchSeconds: 0.3 });
  const ids = [await submit(bench, 'one', 41, 5), await submit(bench, 'two', 38, 4)];
  // Two batches at once find room, of some twenty: each of these runs has more to do than it does until it is killed.
  for (const text of [' is batch ', 'reading the results', 'sending shard']) {
    const resume = resumeAll(bench, '--max-in-flight', '10');
    await resume.waitFor(text);
    resume.child.kill('SIGKILL');
    await resume.finished;
  }
  const resume = resumeAll(bench, '--max-in-flight', '10', '--settle', '2s', '--json');
  const { code, stdout } = await resume.finished;
  expect(code).toBe(0);
  const documents: readonly { job_id: string; state: string; succeeded: number }[] = JSON.parse(stdout);
  expect(documents.map(({ job_id, state, succeeded }) => [job_id, state, succeeded])).toEqual([
    [ids[0], 'done', 41],
    [ids[1], 'done', 38],
  ]);
  const { batches } = await bench.truth();
  expect(batches.reduce((sum, { requests }) => sum + requests, 0)).toBe(41 + 38);
}, 60_000);
