import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

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

test.each([
  // 30 answers of up to 500 tokens; half of them are likely. Haiku 5.5 takes 0.25 USD for a million in a batch:
  // 15,000 * 0.25 = 3,750 micro-dollars at most, 7,500 * 0.25 = 1,875 likely, and less than 250 for the input.
  ['max_usd: 0.01', 'budget    $0.0100, enough for the high price of a batch'],
  ['max_usd: 0.003', 'budget    $0.0030, less than the high price of a batch; shards go as they fit'],
  ['max_usd: 0.001', 'budget    $0.0010, less than the likely price of a batch; what is over is not sent'],
])('a plan says what becomes of a budget of %s', async (budget, line) => {
  const cwd = sampleJob(`budget: { ${budget} }\n`);
  const { stdout } = await runCli(['plan', '--emulator', '--first', '0'], { cwd });
  expect(stdout).toContain(line);
});

test('what the job file says of money is in the plan', async () => {
  const estimate = await plan(sampleJob('expected_output_tokens: 100\n'));
  expect(estimate.total.output_tokens.likely).toBe(3_000);
  const unknown = await plan(sampleJob(), '--set', 'model=claude-nobody');
  expect(unknown.unpriced).toEqual(['claude-nobody']);
  expect(unknown.total.batch.high_microusd).toBeNull();
});

test('a plan counts the requests that ask what another one asks, and says what they cost', async () => {
  const job = (prompt: string) => `name: alike
model: claude-haiku-5-5
max_tokens: 60000
source: { csv: data.csv }
prompt: "${prompt}"
`;
  const data = 'id,thing\na,stone\nb,stone\nc,wind\nd,stone\n';
  const cwd = makeTempDir({ 'alike.job.yaml': job('About {{ thing }}.'), 'data.csv': data });
  const { stdout } = await runCli(['plan'], { cwd });
  // The output alone: half of max_tokens.
  expect(stdout).toMatch(/^requests +4\n +2 ask word for word what another one asks, about \$\d/m);
  const json = async () => JSON.parse((await runCli(['plan', '--json'], { cwd })).stdout);
  expect((await json()).duplicate_requests).toBe(2);
  writeFile(`${cwd}/alike.job.yaml`, job('About {{ id }}.'));
  expect((await json()).duplicate_requests).toBe(0);
  expect((await runCli(['plan'], { cwd })).stdout).not.toContain('word for word');
});
