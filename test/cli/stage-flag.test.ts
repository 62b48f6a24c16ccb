import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
const HEAD = `name: tour
model: claude-haiku-5-5
max_tokens: 300
source: { axes: { round: 1-3 } }
id: "r{{ round }}"
`;
const NOTES_OUTPUT = {
  own: '    output: "notes/{{ round }}.md"\n',
  none: '    output: false\n',
  default: '',
};

const stages = (output: keyof typeof NOTES_OUTPUT): string => `stages:
  - name: notes
    prompt: "Notes of {{ round }}"
${NOTES_OUTPUT[output]}  - name: report
    needs: notes
    prompt: "Report from <{{ notes.text }}>"
    output: "reports/{{ round }}.md"
`;

const submit = (cwd: string, ...more: readonly string[]) =>
  runCli(['submit', '--use-batch', '--emulator', '--json', ...more], { cwd, env: quick });

const promptsOf = async (cwd: string, ...args: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await runCli(['plan', '--emulator', '--json', '--first', '9', ...args], { cwd });
  return JSON.parse(stdout).first.map(
    ({ params }: { params: { messages: [{ content: string }] } }) => params.messages[0].content,
  );
};

describe('--stage', () => {
  test('runs a stage alone, from the output files of what it needs, also when nobody here made them', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('own') });
    for (const round of [1, 2, 3]) writeFile(join(cwd, `notes/${round}.md`), `by hand, ${round}\n\n`);
    expect(await promptsOf(cwd, '--stage', 'report')).toEqual([
      'Report from <by hand, 1\n>',
      'Report from <by hand, 2\n>',
      'Report from <by hand, 3\n>',
    ]);
    const { code, stdout } = await submit(cwd, '--stage', 'report');
    const document = JSON.parse(stdout);
    expect({ code, ...document }).toMatchObject({ code: 0, name: 'tour', state: 'done', requests: 3 });
    expect(document.batches).toMatchObject([{ stage: 'report', requests: 3 }]);
    expect(readFileSync(join(cwd, 'reports/2.md'), 'utf8')).toContain('by hand, 2');
    expect(readFileSync(join(cwd, 'notes/2.md'), 'utf8')).toBe('by hand, 2\n\n');
  });

  test('gives the requests that the whole job made', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('own') });
    const whole = JSON.parse((await submit(cwd)).stdout);
    const sent = readFileSync(join(cwd, `batch_requests/${whole.job_id}/report-0001.jsonl`), 'utf8');
    const prompts = sent
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).params.messages[0].content);
    expect(await promptsOf(cwd, '--stage', 'report')).toEqual(prompts);
  });

  test('alone for the first stage leaves the others unbuilt', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('own') });
    const document = JSON.parse((await submit(cwd, '--stage', 'notes')).stdout);
    expect(document).toMatchObject({ state: 'done', requests: 3, held: 0 });
    expect(document.batches).toMatchObject([{ stage: 'notes' }]);
  });

  test('given twice builds the one from the other as usual', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('own') });
    writeFile(join(cwd, 'notes/1.md'), 'old');
    const document = JSON.parse((await submit(cwd, '--stage', 'report', '--stage', 'notes')).stdout);
    expect(document).toMatchObject({ state: 'done', requests: 6 });
    expect(readFileSync(join(cwd, 'notes/1.md'), 'utf8')).not.toBe('old');
  });

  test('names the file that is not there and the command that makes it', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('own'), 'notes/1.md': 'a', 'notes/3.md': 'c' });
    const { code, stderr } = await submit(cwd, '--stage', 'report');
    expect(code).toBe(2);
    expect(JSON.parse(stderr).error.problems).toEqual([
      {
        file: 'axes (round=2)',
        line: null,
        problem:
          'notes: notes/2.md is not there; batchctl submit tour.job.yaml --use-batch --stage notes --missing makes it',
      },
    ]);
    expect(JSON.parse((await submit(cwd, '--stage', 'report', '--select', 'round=3')).stdout)).toMatchObject({
      requests: 1,
      state: 'done',
    });
  });
});

test('a needed stage that writes no files is refused with the way that pays for nothing twice', async () => {
  const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('none') });
  await submit(cwd, '--stage', 'notes');
  const { stderr } = await submit(cwd, '--stage', 'report');
  expect(JSON.parse(stderr).error).toMatchObject({ code: 'stage_without_output' });
  expect(JSON.parse(stderr).error.next).toContain('--changed takes them from there');
  const changed = await submit(cwd, '--changed');
  expect(JSON.parse(changed.stdout)).toMatchObject({ state: 'done', succeeded: 6 });
  expect(JSON.parse((await runCli(['status', 'latest', '--json'], { cwd })).stdout).batches).toHaveLength(1);
});

describe('a needed stage without an output of its own', () => {
  test('is taken from the newest job that was sent and has it', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('default') });
    const none = await submit(cwd, '--stage', 'report');
    expect(JSON.parse(none.stderr).error).toMatchObject({
      code: 'stage_without_output',
      next: 'batchctl submit tour.job.yaml --use-batch --stage notes, or leave --stage away',
    });
    await submit(cwd, '--stage', 'notes');
    const newer = JSON.parse((await submit(cwd, '--stage', 'notes', '--set', 'max_tokens=301')).stdout);
    // Built and never sent, so that it has no answers.
    await runCli(['build', '--emulator', '--set', 'max_tokens=302'], { cwd });
    const notes = join(cwd, newer.output_dir, 'out/notes');
    writeFile(join(notes, 'r2.md'), 'edited\n');
    expect((await promptsOf(cwd, '--stage', 'report'))[1]).toBe('Report from <edited>');
    // The newest job is now one without notes.
    expect(JSON.parse((await submit(cwd, '--stage', 'report')).stdout)).toMatchObject({ requests: 3 });
    expect((await promptsOf(cwd, '--stage', 'report'))[1]).toBe('Report from <edited>');
    rmSync(join(notes, 'r2.md'));
    const gone = await submit(cwd, '--stage', 'report');
    expect(JSON.parse(gone.stderr).error.problems[0].problem).toContain(
      `${newer.output_dir}/out/notes/r2.md is not there; batchctl retrieve ${newer.job_id} writes it again`,
    );
  });

  test('answers of the emulator are not taken for real ones', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('default') });
    await submit(cwd, '--stage', 'notes');
    const { code, stderr } = await runCli(['plan', '--stage', 'report'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('there are no answers of stage "notes" to build on');
  });

  test('a record that the job had not is a problem of its own', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': HEAD + stages('default') });
    const first = JSON.parse((await submit(cwd, '--stage', 'notes', '--limit', '2')).stdout);
    const { stderr } = await submit(cwd, '--stage', 'report');
    expect(JSON.parse(stderr).error.problems[0].problem).toContain(
      `notes: job ${first.job_id} has no record r3`,
    );
  });
});

describe('a needed stage with a schema', () => {
  const job = `${HEAD}stages:
  - name: notes
    prompt: "Notes of {{ round }}"
    schema: { type: object, properties: { title: { type: string } }, required: [title], additionalProperties: false }
    output: "notes/{{ round }}.json"
  - name: report
    needs: notes
    prompt: "{{ notes.json.title }}{% for hole in notes.json.holes %} {{ hole.par }}{% endfor %}"
`;

  test('gives its json', async () => {
    const files = [1, 2, 3].map((round) => [
      `notes/${round}.json`,
      JSON.stringify({ title: `T${round}`, holes: [{ par: round }, { par: 4 }] }, null, 2),
    ]);
    const cwd = makeTempDir({ 'tour.job.yaml': job, ...Object.fromEntries(files) });
    expect(await promptsOf(cwd, '--stage', 'report')).toEqual(['T1 1 4', 'T2 2 4', 'T3 3 4']);
  });

  test('whose file is not JSON is a problem of the record', async () => {
    const cwd = makeTempDir({ 'tour.job.yaml': job, 'notes/1.json': '{"title": ' });
    const { code, stderr } = await runCli(['plan', '--stage', 'report', '--limit', '1'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('notes: notes/1.json is not JSON');
  });
});

describe('a later stage is tried before the first one is sent', () => {
  test.each([
    ['{{ notes.text }} {{ rond }}', 'there is no column "rond"; did you mean "round"?'],
    ['{% for line in notes.text %}{{ rond }}{% endfor %}', 'there is no column "rond"'],
    ['{{ notes.json.title }}', '"notes" has no "json"'],
  ])('%s', async (prompt, problem) => {
    const cwd = makeTempDir({
      'tour.job.yaml': HEAD + stages('own').replace('Report from <{{ notes.text }}>', prompt),
    });
    for (const command of [['plan'], ['build'], ['submit', '--use-batch']]) {
      const { code, stderr } = await runCli([...command, '--emulator'], { cwd, env: quick });
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toContain(problem);
    }
    expect(JSON.parse((await runCli(['list', '--all', '--json'], { cwd })).stdout)).toEqual([]);
  });
});
