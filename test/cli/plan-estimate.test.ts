import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

async function plan(cwd: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await runCli(['plan', '--json', ...args], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout).estimate;
}

function sampleJob(more = ''): string {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 30, more);
  return cwd;
}

test('a plan without a key guesses the tokens, asks nobody and leaves nothing', async () => {
  const cwd = sampleJob();
  const estimate = await plan(cwd);
  expect(estimate.stages[0]).toMatchObject({ counted: 0, output_basis: 'max_tokens' });
  // 30 answers of up to 500 tokens.
  expect(estimate.total.output_tokens).toEqual({ low: 1_500, likely: 7_500, high: 15_000 });
  expect(readdirSync(cwd).sort()).toEqual(['words.csv', 'words.job.yaml']);
});

test('a plan on the emulator has tokens counted, and leaves nothing either', async () => {
  const cwd = sampleJob();
  const estimate = await plan(cwd, '--emulator');
  expect(estimate.stages[0].counted).toBe(15);
  expect(readdirSync(cwd).sort()).toEqual(['words.csv', 'words.job.yaml']);
});

test.each([
  [
    'cannot reach the API',
    { ANTHROPIC_API_KEY: 'sk-1', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
    'did not count',
  ],
  ['has a key that cannot be used', { ANTHROPIC_API_KEY: 'with a blank' }, 'the tokens are a local guess'],
])('a plan that %s guesses, and says so', async (_what, env, said) => {
  const { code, stdout, stderr } = await runCli(['plan'], { cwd: sampleJob(), env });
  expect(code).toBe(0);
  expect(stdout).toContain('(a local guess)');
  expect(stderr).toContain(said);
});

test('what the job file says of money is in the plan', async () => {
  const estimate = await plan(sampleJob('expected_output_tokens: 100\n'));
  expect(estimate.total.output_tokens.likely).toBe(3_000);
  const unknown = await plan(sampleJob(), '--set', 'model=claude-nobody');
  expect(unknown.unpriced).toEqual(['claude-nobody']);
  expect(unknown.total.batch.high_microusd).toBeNull();
});
