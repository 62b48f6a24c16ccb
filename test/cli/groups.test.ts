import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
const HEAD = 'name: words\nmodel: claude-haiku-5-5\nmax_tokens: 400\n';

const linesOf = (path: string): readonly Readonly<Record<string, never>>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('500 groups by turns become 500 batches, and each answer comes back to its record and group', async () => {
  const rows = Array.from({ length: 1_500 }, (_, at) => `w${at},series ${at % 500},word${at}`);
  const cwd = makeTempDir({
    'words.job.yaml': `${HEAD}source: { csv: words.csv }\ngroup_by: series\nprompt: "Say {{ word }}."\noutput: "out/{{ id }}.md"\n`,
    'words.csv': `id,series,word\n${rows.join('\n')}\n`,
  });
  const { code, stdout, stderr } = await runCli(['submit', '--use-batch', '--emulator', '--json'], {
    cwd,
    env: quick,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ state: 'done', requests: 1_500, succeeded: 1_500 });
  const batches: { batch_id: string; group: string; requests: number }[] = document.batches;
  expect(batches).toHaveLength(500);
  expect(new Set(batches.map(({ group }) => group)).size).toBe(500);
  expect(new Set(batches.map(({ batch_id: id }) => id)).size).toBe(500);
  expect(batches.every(({ requests }) => requests === 3)).toBe(true);

  const groupOf = new Map(batches.map(({ batch_id: id, group }) => [id, group]));
  const results = linesOf(join(cwd, document.output_dir, 'results.jsonl'));
  expect(results.map((row) => row['custom_id'])).toEqual(rows.map((_, at) => `w${at}`));
  for (const [at, row] of results.entries()) {
    expect(row['group']).toBe(`series ${at % 500}`);
    expect(groupOf.get(row['batch_id'] ?? '')).toBe(row['group']);
    expect(row['text']).toContain(`word${at}.`);
  }
  expect(readFileSync(join(cwd, 'out/w777.md'), 'utf8')).toContain('word777.');
  expect(await runCli(['verify', 'latest'], { cwd })).toMatchObject({ code: 0 });
}, 240_000);

test('a group may be called anything: it is shown safely, and nothing is written under its name', async () => {
  const groups = ['../../up', 'a\nb', '\u001b[31mred', '🦊', 'CON', '12'];
  const cwd = makeTempDir({
    'words.job.yaml': `${HEAD}source: { jsonl: words.jsonl }\ngroup_by: g\nprompt: hi\n`,
    'words.jsonl': groups
      .map((g, at) => `${JSON.stringify({ id: `r${at}`, g: at === 5 ? 12 : g })}\n`)
      .join(''),
  });
  const run = await runCli(['submit', '--use-batch', '--emulator'], { cwd, env: quick });
  expect(run.code).toBe(0);
  expect(run.stdout).toMatch(/^SHARD +GROUP +BATCH/m);
  expect(run.stdout).toContain('a\\nb');
  expect(run.stdout).not.toContain('\u001b');
  const { job_id: id, batches } = JSON.parse((await runCli(['status', '--json'], { cwd })).stdout);
  expect(batches.map((batch: { group: string }) => batch.group)).toEqual(groups);
  expect(readdirSync(join(cwd, 'batch_requests', id)).filter((name) => name.startsWith('main-'))).toEqual(
    groups.map((_, at) => `main-000${at + 1}.jsonl`),
  );
  const shown = JSON.parse((await runCli(['show', 'latest', 'r2', '--json'], { cwd })).stdout);
  expect(shown.group).toBe('\u001b[31mred');
});

test('later stages keep the groups, and so do the halves of a shard that was too large', async () => {
  const cwd = makeTempDir({
    'words.job.yaml': `${HEAD}source: { axes: { series: [a, b], n: 1-4 } }
group_by: series
stages:
  - { name: notes, prompt: "Notes {{ n }}" }
  - { name: report, needs: notes, prompt: "Report {{ notes.text }}" }
`,
  });
  const env = { ...quick, BATCHCTL_EMULATOR_FAULTS: 'limit-requests=3' };
  const { stdout } = await runCli(['submit', '--use-batch', '--emulator', '--json'], { cwd, env });
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ state: 'done', succeeded: 16 });
  const sent = document.batches.map(
    (batch: { stage: string; group: string; requests: number }) =>
      `${batch.stage} ${batch.group} ${batch.requests}`,
  );
  expect(sent).toEqual([
    'notes a 1',
    'notes a 3',
    'notes b 1',
    'notes b 3',
    'report a 1',
    'report a 3',
    'report b 1',
    'report b 3',
  ]);
});

test('plan counts requests, shards and bytes of each group as the build cuts them', async () => {
  const rows = Array.from({ length: 100 }, (_, at) => `r${at},${['x', 'y', 'z'][at % 7] ?? 'x'}`);
  const cwd = makeTempDir({
    'words.job.yaml': `${HEAD}source: { csv: words.csv }\ngroup_by: g\nprompt: "{{ id }}"\n`,
    'words.csv': `id,g\n${rows.join('\n')}\n`,
  });
  const limits = ['--max-shard-requests', '20'];
  const plan = JSON.parse((await runCli(['plan', '--json', ...limits], { cwd })).stdout);
  const built = JSON.parse((await runCli(['build', '--emulator', '--json', ...limits], { cwd })).stdout);
  const dir = join(cwd, 'batch_requests', built.job_id);
  const files = readdirSync(dir).filter((name) => name.startsWith('main-'));
  expect(plan.shards).toHaveLength(files.length);
  // The body has commas where the file has newlines, and 15 characters around them.
  const bytes = files.map((name) => readFileSync(join(dir, name)).length + 14);
  expect(plan.bytes).toBe(bytes.reduce((sum, one) => sum + one, 0));
  expect(plan.shards.map((shard: { bytes: number }) => shard.bytes).sort()).toEqual(bytes.sort());
  expect(plan.groups).toMatchObject([
    { group: 'x', requests: 71, shards: 4 },
    { group: 'y', requests: 15, shards: 1 },
    { group: 'z', requests: 14, shards: 1 },
  ]);
});

test.each([
  ['srs', 'id,series\n1,a\n', 'group_by: there is no column "srs"'],
  ['series', 'id,series\n1,a\n2,\n', 'group_by: the column "series" is empty'],
])('a record without a group is named: %s', async (column, csv, problem) => {
  const cwd = makeTempDir({
    'words.job.yaml': `${HEAD}source: { csv: words.csv }\ngroup_by: ${column}\nprompt: hi\n`,
    'words.csv': csv,
  });
  const { code, stderr } = await runCli(['plan'], { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain(problem);
});
