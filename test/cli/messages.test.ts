import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePdf, makePng } from '../support/media.ts';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const JOB = `name: charts
model: claude-sonnet-5-5
max_tokens: 200000
betas: [output-300k-2026-03-24]
params: {thinking: {type: adaptive}, output_config: {effort: low}}
source: {csv: rounds.csv}
system: {text: "You read charts.", cache: 1h}
messages:
  - {role: user, content: "marker-{{id}}-first: which round is this?"}
  - {role: assistant, content: "Round {{id}}."}
  - {role: user, content: "marker-{{id}}-end: compare the chart with the report."}
attach:
  - {image: "charts/{{id}}.png"}
  - {document: "reports/{{id}}.pdf"}
  - {document: notes.md}
tools:
  - {name: look_up, description: Finds a score, input_schema: {type: object, properties: {round: {type: string}}}}
tool_choice: {type: auto}
cache: {user_messages: 1}
`;

function makeWorkspace(job = JOB): string {
  const dir = makeTempDir({
    'rounds.csv': 'id\nr1\nr2\n',
    'notes.md': 'Scores are net.\n',
    'charts/.keep': '',
    'reports/.keep': '',
    'charts.job.yaml': job,
  });
  for (const [index, id] of ['r1', 'r2'].entries()) {
    writeFileSync(join(dir, `charts/${id}.png`), makePng(Buffer.alloc(1_000 + index)));
    writeFileSync(join(dir, `reports/${id}.pdf`), makePdf(`Report ${id}`));
  }
  return dir;
}

test('a job with several turns, an image, a PDF, a text, tools and a beta runs to its end', async () => {
  const cwd = makeWorkspace();
  const plan = await runCli(['plan', '--emulator', 'charts.job.yaml'], { cwd });
  expect(plan.stderr).not.toContain('error');
  expect(plan.code).toBe(0);
  expect(plan.stdout).toMatch(/iVBORw0KGgo[^"]{29}… \(1,\d{3} characters\)/);

  const submit = await runCli(['submit', '--emulator', '--use-batch', '--json', 'charts.job.yaml'], { cwd });
  expect(submit.stderr).not.toContain('error');
  expect(submit.code).toBe(0);
  const { job_id: jobId } = JSON.parse(submit.stdout) as { job_id: string };

  const sent = readFileSync(join(cwd, `batch_requests/${jobId}/main-0001.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const { params } = JSON.parse(sent[1] ?? '') as { params: { messages: { content: unknown }[] } };
  expect(params).toMatchObject({
    max_tokens: 200_000,
    tools: [{ name: 'look_up' }],
    tool_choice: { type: 'auto' },
    thinking: { type: 'adaptive' },
    output_config: { effort: 'low' },
    system: [{ cache_control: { ttl: '1h' } }],
    messages: [
      { role: 'user', content: 'marker-r2-first: which round is this?' },
      { role: 'assistant', content: 'Round r2.' },
      {
        role: 'user',
        content: [
          {
            type: 'image',
            source: { media_type: 'image/png', data: makePng(Buffer.alloc(1_001)).toString('base64') },
          },
          {
            type: 'document',
            source: { media_type: 'application/pdf', data: makePdf('Report r2').toString('base64') },
          },
          { type: 'document', source: { type: 'text', data: 'Scores are net.\n' } },
          {
            type: 'text',
            text: 'marker-r2-end: compare the chart with the report.',
            cache_control: { type: 'ephemeral', ttl: '1h' },
          },
        ],
      },
    ],
  });

  const rows = readFileSync(join(cwd, `batch_results/${jobId}/results.jsonl`), 'utf8')
    .trim()
    .split('\n');
  expect(rows.map((row) => JSON.parse(row) as { custom_id: string; status: string })).toMatchObject([
    { custom_id: 'r1', status: 'succeeded' },
    { custom_id: 'r2', status: 'succeeded' },
  ]);
  for (const [index, row] of rows.entries()) expect(row).toContain(`marker-r${index + 1}-end`);

  const show = await runCli(['show', jobId, 'r1'], { cwd });
  expect(show.stdout).toMatch(/… \(1,\d{3} characters\)/);
});

test('a file that cannot be sent is named with its record, and nothing is built', async () => {
  const cwd = makeWorkspace();
  writeFileSync(join(cwd, 'charts/r2.png'), makePdf('no picture'));
  const build = await runCli(['build', 'charts.job.yaml'], { cwd });
  expect(build.code).toBe(2);
  expect(build.stderr).toContain(
    'rounds.csv:3: attach.0: charts/r2.png: its content is application/pdf; an image is PNG, JPEG, GIF or WebP',
  );
});

test('what the model refuses is said before anything is built, without a key', async () => {
  const cwd = makeWorkspace(JOB.replace('tool_choice: {type: auto}', 'tool_choice: {type: any}'));
  const plan = await runCli(['plan', 'charts.job.yaml'], { cwd });
  expect(plan.code).toBe(2);
  expect(plan.stderr).toContain('claude-sonnet-5-5 cannot be forced to use a tool');
});
