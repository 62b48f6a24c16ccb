import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { searchAndRemove } from '../support/canary.ts';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const JOB = `name: notes
model: claude-haiku-5-5
max_tokens: 400
source: { csv: data.csv }
group_by: lang
prompt: "Say something about {{ thing }}."
`;
const FILES = { 'notes.job.yaml': JOB, 'data.csv': 'id,thing,lang\na,stone,en\nb,water,en\nc,wind,de\n' };
const SUBMIT = ['submit', '--use-batch', '--emulator', '--json'];
const NOTHING = { requests: 0, high_microusd: 0 };
const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };

async function cost(cwd: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(['cost', ...args], { cwd });
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
}

const table = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

/** Simple cells only. */
const csv = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','));

describe('what does not go together leaves with 2', () => {
  test.each([
    [['x.job.yaml'], 'batchctl plan x.job.yaml'],
    [['--items', '5'], 'needs --items, --input and --output'],
    [['--input', '5'], '--input is for the calculator'],
    [['--model', 'claude-haiku-5-5'], '--model is for the calculator'],
    [['latest', '--items', '5'], '--items and a job do not go together'],
    [['--items', '5', '--table'], '--items and --table do not go together'],
    [['--items', '5', '--limit', '3'], '--items and --limit do not go together'],
    [['latest', '--all'], '--all and a job do not go together'],
    [['latest', '--limit', '3'], '--limit and a job do not go together'],
    [['--table', '--all'], '--table and --all do not go together'],
    [['--all', '--limit', '3'], '--all and --limit do not go together'],
    [['--csv', '--json'], '--csv and --json do not go together'],
    [['--items', '0'], 'whole number from 1'],
    [['latest'], 'there is no job latest'],
    [
      ['--items', '5', '--input', '5', '--output', '5', '--model', 'claude-haiku-55'],
      'did you mean "claude-haiku-5-5"?',
    ],
  ])('%j', async (args, message) => {
    const cwd = makeTempDir();
    const { code, stdout, stderr } = await runCli(['cost', ...args], { cwd });
    expect(stderr.replaceAll('\\"', '"')).toContain(message);
    expect({ code, stdout, made: readdirSync(cwd) }).toEqual({ code: 2, stdout: '', made: [] });
  });
});

describe('the calculator', () => {
  const ASKED = ['--items', '1000', '--input', '3000', '--output', '2000', '--model', 'claude-haiku-5-5'];

  // Haiku 5.5, 1,000 items: 3 million in at 0.10 and 2 million out at 0.50 USD are 1.30; half of that in a batch.
  test('shows real time beside batch for smaller numbers too', async () => {
    expect(table(await cost(makeTempDir(), ...ASKED))).toEqual([
      ['ITEMS', 'MODEL', 'REAL TIME', 'BATCH', 'SAVED'],
      ['100', 'claude-haiku-5-5', '$0.1300', '$0.0650', '$0.0650 (50.0 %)'],
      ['500', 'claude-haiku-5-5', '$0.6500', '$0.3250', '$0.3250 (50.0 %)'],
      ['1,000', 'claude-haiku-5-5', '$1.30', '$0.6500', '$0.6500 (50.0 %)'],
    ]);
  });

  test('prints the same as CSV in dollars and as JSON in micro-dollars', async () => {
    const lines = csv(await cost(makeTempDir(), ...ASKED, '--csv'));
    expect(lines[0]).toEqual(['items', 'model', 'real_time_usd', 'batch_usd', 'saved_usd']);
    expect(lines.at(-1)).toEqual(['1000', 'claude-haiku-5-5', '1.300000', '0.650000', '0.650000']);
    expect(JSON.parse(await cost(makeTempDir(), ...ASKED, '--json')).at(-1)).toEqual({
      items: 1000,
      model: 'claude-haiku-5-5',
      real_time_microusd: 1_300_000,
      batch_microusd: 650_000,
      saved_microusd: 650_000,
    });
  });

  test('takes several models, by any of their names', async () => {
    const models = ['--model', 'claude-opus-4-5-20251101', '--model', 'claude-sonnet-5-5'];
    const rows = csv(
      await cost(makeTempDir(), '--items', '1', '--input', '1', '--output', '0', ...models, '--csv'),
    );
    // 5 and 2 micro-dollars; 2.5 is rounded up.
    expect(rows.slice(1).map((row) => row.slice(1, 4))).toEqual([
      ['claude-opus-4-5', '0.000005', '0.000003'],
      ['claude-sonnet-5-5', '0.000002', '0.000001'],
    ]);
  });
});

describe('the price list', () => {
  test('has both bands of a model, half of the price in a batch, and where it is from', async () => {
    const text = await cost(makeTempDir(), '--table');
    const rows = table(text);
    // API.md 1.20
    expect(rows).toContainEqual(
      expect.arrayContaining(['claude-opus-5-5', '4.00', '20.00', '5.00', '8.00', '0.20']),
    );
    const at = rows.findIndex(([model]) => model === 'claude-haiku-5-5');
    expect(rows[at]?.slice(1, 8)).toEqual(['0.10', '0.50', '0.125', '0.20', '0.01', '0.05', '0.25']);
    expect(rows[at + 1]?.slice(0, 8)).toEqual([
      'above 100,000',
      '0.50',
      '2.50',
      '0.625',
      '1.00',
      '0.05',
      '0.25',
      '1.25',
    ]);
    expect(text).toMatch(/^\[1\] .+, \d{4}-\d\d-\d\d$/m);
    expect(
      Math.max(
        ...text
          .split('\n')
          .filter((line) => !line.startsWith('['))
          .map((line) => line.length),
      ),
    ).toBeLessThan(81);
  });

  test('is that of the job with its id', async () => {
    const prices = 'prices: { my-model: { input: 2, output: 10 } }\n';
    const cwd = makeTempDir({ ...FILES, 'notes.job.yaml': `${JOB}${prices}` });
    await runCli(['build', '--emulator'], { cwd });
    const rows: { model: string }[] = JSON.parse(await cost(cwd, 'latest', '--table', '--json'));
    expect(rows.find(({ model }) => model === 'my-model')).toMatchObject({
      input_microusd: 2_000_000,
      output_microusd: 10_000_000,
      batch_input_microusd: 1_000_000,
      batch_output_microusd: 5_000_000,
      as_of: null,
    });
    expect(await cost(cwd, '--table')).not.toContain('my-model');
  });
});

describe('what a job has cost', () => {
  let cwd = '';
  let id = '';
  /** By hand, of the groups en and de. */
  let paid: readonly number[] = [];

  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'batchctl-test-'));
    for (const [path, content] of Object.entries(FILES)) writeFile(join(cwd, path), content);
    const document = JSON.parse((await runCli(SUBMIT, { cwd, env: quick })).stdout);
    id = document.job_id;
    const lines = readFileSync(join(cwd, document.output_dir, 'results.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    // A token of Haiku 5.5 is 0.05 micro-dollars in and 0.25 out. Each group has a batch, which is rounded by itself.
    const [a = Number.NaN, b = Number.NaN, c = Number.NaN] = lines
      .map((line) => JSON.parse(line).usage)
      .map((usage) => usage.input_tokens * 5 + usage.output_tokens * 25);
    paid = [a + b, c].map((hundredths) => Math.round(hundredths / 100));
  });

  afterAll(() => searchAndRemove(cwd));

  const sum = (): number => paid.reduce((total, one) => total + one, 0);

  test('is the price of its answers, in all and by group', async () => {
    const document = JSON.parse(await cost(cwd, 'notes', '--json'));
    expect(document).toMatchObject({ job_id: id, on: 'emulator', answers: 3, cost_microusd: sum() });
    expect(
      document.groups.map((row: Record<string, unknown>) => [row['group'], row['cost_microusd']]),
    ).toEqual([
      ['en', paid[0]],
      ['de', paid[1]],
    ]);
    expect([document.unsent, document.under_way]).toEqual([NOTHING, NOTHING]);
  });

  test('is compared with the estimate that was kept, and with real time', async () => {
    const document = JSON.parse(await cost(cwd, id, '--json'));
    const { likely_microusd: likely } = document.estimate.total.batch;
    expect(likely).toBeGreaterThan(0);
    expect(document.difference_microusd).toBe(sum() - likely);
    // Three answers of at most 400 tokens; the low end is a tenth of that.
    expect(document.within_range).toBe(true);
    expect(document.saved_percent).toBeCloseTo(50, 0);
  });

  test('is shown with a table for each way to divide it', async () => {
    const text = await cost(cwd, 'latest');
    for (const line of ['estimate ', 'cost ', 'deviation ', 'real time ', 'STAGE ', 'MODEL ', 'GROUP '])
      expect(text).toMatch(new RegExp(`^${line}`, 'm'));
    expect(text).not.toMatch(/^NO GOOD/m);
  });

  test('is CSV in dollars, a line for all answers that are alike', async () => {
    const lines = csv(await cost(cwd, id, '--csv'));
    expect(lines.map((line) => line.slice(0, 6))).toEqual([
      ['stage', 'group', 'model', 'failure', 'origin', 'answers'],
      ['main', 'en', 'claude-haiku-5-5', '', 'build', '2'],
      ['main', 'de', 'claude-haiku-5-5', '', 'build', '1'],
    ]);
    const at = lines[0]?.indexOf('cost_usd') ?? -1;
    expect(lines.slice(1).map((line) => Math.round(Number(line[at]) * 1e6))).toEqual(paid);
  });

  test('is no money when it was rehearsed', async () => {
    const { code, stdout, stderr } = await runCli(['cost'], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('1 rehearsal');
    expect(JSON.parse(await cost(cwd, '--json'))).toMatchObject({
      on: 'api',
      cost_microusd: 0,
      jobs: [],
      jobs_on_the_other_side: 1,
    });
  });

  test('is added up over all rehearsals with --emulator', async () => {
    const summary = JSON.parse(await cost(cwd, '--emulator', '--json'));
    expect(summary).toMatchObject({ on: 'emulator', cost_microusd: sum(), job_count: 1 });
    expect(summary.jobs).toEqual([expect.objectContaining({ job_id: id, cost_microusd: sum() })]);
    expect(summary.months).toEqual([
      expect.objectContaining({ month: expect.stringMatching(/^\d{4}-\d\d$/) }),
    ]);
    const lines = csv(await cost(cwd, '--emulator', '--csv'));
    expect(lines.map((line) => line.slice(1, 4))).toEqual([
      ['job_id', 'name', 'model'],
      [id, 'notes', 'claude-haiku-5-5'],
    ]);
  });
});

test('a job that was not sent has an estimate, and no cost', async () => {
  const cwd = makeTempDir(FILES);
  await runCli(['build', '--emulator'], { cwd });
  const text = await cost(cwd, 'latest');
  expect(text).toContain('nothing yet; it was not sent');
  expect(text).toMatch(/^total +\S+ +\S+ +\S+/m);
  expect(JSON.parse(await cost(cwd, 'latest', '--json'))).toMatchObject({
    mode: null,
    answers: 0,
    cost_microusd: 0,
    estimate: { total: { requests: 3 } },
    unsent: { requests: 3 },
  });
});

test('the cost of results that are gone is unknown, and not nothing', async () => {
  const cwd = makeTempDir(FILES);
  const emulator = await startEmulatorProcess(cwd, ['--batch-seconds', '0.2', '--fault', 'archive-after=0']);
  onTestFinished(() => emulator.stop());
  const env = { BATCHCTL_EMULATOR_URL: emulator.url };
  expect((await runCli(['submit', '--use-batch', '--emulator'], { cwd, env })).code).toBe(3);
  const text = await cost(cwd, 'latest');
  expect(text).toMatch(/^cost +unknown: the results are gone$/m);
  expect(text).toMatch(/^lost +3 requests, at most \$0\./m);
});
