import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
const SUBMIT = ['submit', '--use-batch', '--emulator', '--json'];

// The emulator quotes the prompt in each text. Patterns are not in the subset that is sent, so that a word which has no z
// in it gives an answer which fits what was sent and not what was asked for.
const SCHEMA = {
  type: 'object',
  properties: {
    title: { type: 'string', pattern: 'zz' },
    pages: { type: 'integer', minimum: 1, maximum: 100 },
  },
  required: ['title', 'pages'],
};
const WORDS = { a: 'zzzzzzzzzzzzzzzzzzzz', b: 'qqqqqqqqqqqqqqqqqqqq', c: 'zzzzzzzzzzzzzzzzzzzzzz' };

function makeJob(more: string, files: Readonly<Record<string, string>> = {}, words: object = WORDS): string {
  const rows = Object.entries(words).map(([id, word]) => `${id},${word}`);
  return makeTempDir({
    'jobs/books.job.yaml': `name: books\nmodel: claude-haiku-5-5\nmax_tokens: 900\nsource: { csv: data.csv }\nprompt: "{{ word }}"\n${more}`,
    'jobs/data.csv': `id,word\n${rows.join('\n')}\n`,
    'jobs/book.json': JSON.stringify(SCHEMA),
    ...files,
  });
}

interface Row {
  readonly custom_id: string;
  readonly failure: string | null;
  readonly text: string;
  readonly json: { readonly title: string; readonly pages: number } | null;
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly output: string | null;
}

function rowsIn(cwd: string, name: string): readonly Row[] {
  const jobs = join(cwd, 'batch_results');
  const [job = ''] = readdirSync(jobs);
  return readFileSync(join(jobs, job, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const read = (cwd: string, path: string): string => readFileSync(join(cwd, path), 'utf8');

async function verify(cwd: string): Promise<{ ok: boolean; problems: readonly string[] }> {
  return JSON.parse((await runCli(['verify', 'latest', '--json'], { cwd })).stdout);
}

describe('structured answers', () => {
  test('are typed data in the row and pretty JSON in the file; what does not fit is invalid_output', async () => {
    const cwd = makeJob('schema: book.json\nparams: { output_config: { effort: low } }\n');
    const { code, stdout } = await runCli(SUBMIT, { cwd, env: quick });
    expect({ code, document: JSON.parse(stdout) }).toMatchObject({
      code: 3,
      document: { succeeded: 3, failures: { invalid_output: 1 } },
    });
    const [a, b, c] = rowsIn(cwd, 'results.jsonl');
    expect(a?.json).toEqual(JSON.parse(a?.text ?? ''));
    expect(a?.output).toMatch(/out\/main\/a\.json$/);
    expect(read(cwd, a?.output ?? '')).toBe(`${JSON.stringify(a?.json, null, 2)}\n`);
    expect(c).toMatchObject({ failure: null });
    expect(b).toMatchObject({
      failure: 'invalid_output',
      json: null,
      output: null,
      error: { type: 'invalid_output', message: 'title must match pattern "zz"' },
    });
    expect(b?.text).toContain('"title"');
    expect(rowsIn(cwd, 'failed.jsonl')).toEqual([b]);

    const { params } = JSON.parse((await runCli(['show', 'latest', 'a', '--json'], { cwd })).stdout);
    expect(params.output_config).toMatchObject({
      effort: 'low',
      format: { type: 'json_schema', schema: { additionalProperties: false, required: ['title', 'pages'] } },
    });
    expect(await verify(cwd)).toMatchObject({ ok: true });
  });

  test('are judged by the schema of the build, whatever becomes of its file', async () => {
    const cwd = makeJob('schema: book.json\n');
    await runCli(SUBMIT, { cwd, env: quick });
    const before = rowsIn(cwd, 'results.jsonl');
    const [first] = before;
    writeFileSync(join(cwd, 'jobs/book.json'), '{"type":"string"}');
    rmSync(join(cwd, 'batch_results', readdirSync(join(cwd, 'batch_results'))[0] ?? '', 'results.jsonl'));
    const content = read(cwd, first?.output ?? '');
    rmSync(join(cwd, first?.output ?? ''));
    expect((await runCli(['retrieve', 'latest'], { cwd })).code).toBe(3);
    expect(rowsIn(cwd, 'results.jsonl')).toEqual(before);
    expect(read(cwd, first?.output ?? '')).toBe(content);
  });

  test('are found out by verify when they do not get the verdict that was recorded', async () => {
    const cwd = makeJob('schema: book.json\n');
    await runCli(SUBMIT, { cwd, env: quick });
    const [id = ''] = readdirSync(join(cwd, 'batch_requests'));
    const frozen = join(cwd, 'batch_requests', id, 'job.json');
    writeFileSync(frozen, readFileSync(frozen, 'utf8').replace('"zz"', '"yy"'));
    const { ok, problems } = await verify(cwd);
    expect(ok).toBe(false);
    expect(problems.join('\n')).toContain('the row of a is not recorded as this line says');

    writeFileSync(frozen, readFileSync(frozen, 'utf8').slice(0, 50));
    const damaged = await runCli(['verify', 'latest', '--json'], { cwd });
    expect({ code: damaged.code, error: JSON.parse(damaged.stderr).error.code }).toEqual({
      code: 6,
      error: 'frozen_job_damaged',
    });
  });

  test.each([
    [
      'a schema that ajv cannot compile',
      'schema: { type: object, properties: { a: { type: text } } }',
      'schema_refused',
      '#/properties/a/type',
    ],
    [
      'a recursion',
      'schema: { type: object, properties: { a: { $ref: "#" } } }',
      'schema_refused',
      '#/properties/a: it contains itself',
    ],
    ['a file that is not there', 'schema: gone.json', 'schema_file', 'ENOENT'],
    [
      'two schemas',
      'schema: book.json\nparams: { output_config: { format: { type: json_schema, schema: {} } } }',
      'bad_params',
      'remove one of them',
    ],
    ['an output module that is not there', 'output: { module: gone.js }', 'output_module', 'ENOENT'],
    [
      'an output module without a function',
      'output: { module: ../empty.mjs }',
      'output_module',
      'not a function',
    ],
    [
      'an output template that cannot be parsed',
      'output: { template: "{{ text" }',
      'template_syntax',
      'not closed',
    ],
  ])('of %s are refused by plan, before anything is made', async (_, more, code, why) => {
    const cwd = makeJob(`${more}\n`, { 'empty.mjs': 'export const a = 1;' });
    const plan = await runCli(['plan', '--json'], { cwd });
    expect(plan.code).toBe(2);
    expect(JSON.parse(plan.stderr).error).toMatchObject({ code, why: expect.stringContaining(why) });
  });
});

describe('outputs made from an answer and its record', () => {
  test('by a template hold both', async () => {
    const output = 'output: { path: "md/{{ id }}.md", template: { file: page.liquid } }\n';
    const cwd = makeJob(`schema: book.json\n${output}`, {
      'jobs/page.liquid':
        '# {{ json.title }}\n{{ custom_id }} {{ word }} {{ record.word }} {{ json.pages }} {{ usage.output_tokens }} {{ stage }} {{ answer_stop_reason }} {{ content | size }}',
    });
    expect((await runCli(SUBMIT, { cwd, env: quick })).code).toBe(3);
    const [a] = rowsIn(cwd, 'results.jsonl');
    const text = read(cwd, 'jobs/md/a.md');
    expect(text.split('\n')[0]).toBe(`# ${a?.json?.title}`);
    expect(text).toMatch(
      new RegExp(`\\na ${WORDS.a} ${WORDS.a} ${a?.json?.pages} [0-9]+ main end_turn [0-9]\\n$`),
    );
    expect(existsSync(join(cwd, 'jobs/md/b.md'))).toBe(false);
    rmSync(join(cwd, 'jobs/md'), { recursive: true });
    await runCli(['retrieve', 'latest'], { cwd });
    expect(read(cwd, 'jobs/md/a.md')).toBe(text);
    expect(await verify(cwd)).toMatchObject({ ok: true });
  });

  const INTERVIEW = `import { setTimeout } from 'node:timers/promises';
interface Facts { record: { name: string }; custom_id: string; text: string }
export default async function transcript({ record, custom_id, text }: Facts) {
  await setTimeout(1);
  if (record.name === 'Boom') throw new Error('no such persona');
  if (record.name === 'Quiet') return null;
  if (record.name === 'Plain') return 'just text';
  return { id: custom_id, persona: record, turns: text.split('\\n\\n').map((said, index) => ({ index, said })) };
}`;

  test('by a module are JSON, text or no file, and one that throws is the trouble of its row', async () => {
    const cwd = makeTempDir({
      'talk.job.yaml':
        'name: talk\nmodel: claude-haiku-5-5\nmax_tokens: 900\nsource: { csv: p.csv }\nprompt: "Be {{ name }}."\noutput: { path: "talks/{{ id }}.json", module: transcript.ts }\n',
      'p.csv': 'id,name\na,Ann\nb,Boom\nc,Quiet\nd,Plain\n',
      'transcript.ts': INTERVIEW,
    });
    const { code, stderr } = await runCli(SUBMIT, { cwd, env: quick });
    expect(code).toBe(0);
    expect(stderr).toContain('transcript.ts threw: no such persona');
    const rows = rowsIn(cwd, 'results.jsonl');
    const [ann] = rows;
    const turns = ann?.text.split('\n\n').map((said, index) => ({ index, said }));
    const talk = `${JSON.stringify({ id: 'a', persona: { id: 'a', name: 'Ann' }, turns }, null, 2)}\n`;
    expect(read(cwd, 'talks/a.json')).toBe(talk);
    expect(read(cwd, 'talks/d.json')).toBe('just text\n');
    expect(readdirSync(join(cwd, 'talks'))).toEqual(['a.json', 'd.json']);
    expect(rows.map((row) => row.output)).toEqual(['talks/a.json', null, null, 'talks/d.json']);

    rmSync(join(cwd, 'talks'), { recursive: true });
    expect((await runCli(['retrieve', 'latest'], { cwd })).code).toBe(0);
    expect(read(cwd, 'talks/a.json')).toBe(talk);
    // What threw is named; what wanted no file is none that is missing.
    expect(await verify(cwd)).toMatchObject({
      ok: false,
      problems: ['the answer of b is not at talks/b.json'],
    });
  });

  test('by a module that is broken when the answers come are made once it is mended', async () => {
    const cwd = makeJob('output: { path: "out/{{ id }}.txt", module: ../make.mjs }\n', {
      'make.mjs': 'export default ({ custom_id, record }) => [custom_id, record.word].join("=");',
    });
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: quick });
    const good = read(cwd, 'make.mjs');
    writeFileSync(join(cwd, 'make.mjs'), 'export default 7;');
    const broken = await runCli(['retrieve', 'latest', '--wait', '--json'], { cwd, env: quick });
    expect({ code: broken.code, error: JSON.parse(broken.stderr).error.code }).toEqual({
      code: 2,
      error: 'output_module',
    });
    writeFileSync(join(cwd, 'make.mjs'), good);
    expect((await runCli(['retrieve', 'latest', '--wait'], { cwd, env: quick })).code).toBe(0);
    expect(read(cwd, 'jobs/out/b.txt')).toBe(`b=${WORDS.b}\n`);
  });

  const HANGING = `import { existsSync } from 'node:fs';
export default async ({ custom_id, record }) => {
  if (custom_id === 'b' && existsSync('hang')) {
    console.error('hanging on b');
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  }
  return { custom_id, ...record };
};`;

  test.each([
    ['killed', 'SIGKILL' as const, null],
    ['interrupted', 'SIGINT' as const, 130],
  ])('by a module that hangs and is %s are all there after the next retrieve', async (_, signal, code) => {
    const cwd = makeJob('output: { path: "out/{{ id }}.json", module: ../make.mjs }\n', {
      'make.mjs': HANGING,
      hang: '',
    });
    const cli = startCli(SUBMIT, { cwd, env: quick });
    onTestFinished(() => void cli.child.kill('SIGKILL'));
    await cli.waitFor('hanging on b');
    cli.child.kill(signal);
    expect((await cli.finished).code).toBe(code);
    rmSync(join(cwd, 'hang'));
    expect((await runCli(['retrieve', 'latest', '--wait'], { cwd, env: quick })).code).toBe(0);
    for (const [id, word] of Object.entries(WORDS)) {
      expect(JSON.parse(read(cwd, `jobs/out/${id}.json`))).toEqual({ custom_id: id, id, word });
    }
    expect(readdirSync(join(cwd, 'jobs/out'))).toEqual(['a.json', 'b.json', 'c.json']);
    expect(await verify(cwd)).toMatchObject({ ok: true });
  });
});
