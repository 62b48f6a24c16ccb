import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const HEAD = 'name: tour\nmodel: claude-haiku-5-5\nmax_tokens: 200\n';
const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };

/** 32 records, teg 10-17 by round 1-4. */
const TOUR = {
  'tour.job.yaml': `${HEAD}source: { axes: { teg: 10-17, round: 1-4 } }
prompt: "TEG {{ teg }}, round {{ round }}"
id: "t{{ teg }}-r{{ round }}"
output: "reports/t{{ teg }}-r{{ round }}.md"
`,
};

/** Row by row: id, lang, n. */
const ROWS = {
  'rows.job.yaml': `${HEAD}source: { csv: rows.csv }\nprompt: "{{ n }}"\n`,
  'rows.csv': `n,lang\n${Array.from({ length: 40 }, (_, at) => `${at + 1},${['en', 'de', 'fr', ''][at % 4]}`).join('\n')}\n`,
};

const DATA = { tour: TOUR, rows: ROWS };

interface Plan {
  readonly requests: number;
  readonly first: readonly { readonly custom_id: string }[];
  readonly narrowed: {
    readonly records: number;
    readonly kept: number;
    readonly whole: boolean;
    readonly left_out: Readonly<Record<string, number>>;
    readonly seed: number | null;
    readonly unmatched: readonly { readonly column: string; readonly value: string }[];
  };
}

async function plan(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stderr: string; readonly plan: Plan }> {
  const { code, stdout, stderr } = await runCli(['plan', '--json', '--first', '100', '-v', ...args], {
    cwd: makeTempDir(files),
  });
  return { code, stderr, plan: stdout === '' ? null : JSON.parse(stdout) };
}

const idsOf = (found: Plan): readonly string[] => found.first.map((request) => request.custom_id);

describe('flags keep these records, whose ids are those of the whole job', () => {
  test.each([
    ['tour', ['--select', 'teg=10', '--select', 'round=2'], ['t10-r2']],
    [
      'tour',
      ['--select', 'teg=10-11', '--select', 'round=4', '--select', 'teg=17'],
      ['t10-r4', 't11-r4', 't17-r4'],
    ],
    ['tour', ['--limit', '2'], ['t10-r1', 't10-r2']],
    ['tour', ['--offset', '30'], ['t17-r3', 't17-r4']],
    ['tour', ['--select', 'round=3', '--offset', '1', '--limit', '2'], ['t11-r3', 't12-r3']],
    [
      'tour',
      ['--set', 'select={round: [1, 2]}', '--select', 'round=2-4', '--limit', '2'],
      ['t10-r2', 't11-r2'],
    ],
    ['rows', ['--select', 'lang=fr', '--offset', '8'], ['row-35', 'row-39']],
    ['rows', ['--select', 'lang=', '--limit', '1'], ['row-4']],
    ['rows', ['--sample', '3'], ['row-5', 'row-19', 'row-26']],
    ['rows', ['--sample', '3', '--select', 'lang=de'], ['row-6', 'row-18', 'row-34']],
    ['rows', ['--sample', '3', '--seed', '2'], ['row-28', 'row-36', 'row-39']],
  ] as const)('%s %j', async (data, args, ids) => {
    const { code, plan: found } = await plan(DATA[data], args);
    expect({ code, ids: idsOf(found) }).toEqual({ code: 0, ids });
  });
});

describe('what was left out is said', () => {
  test.each([
    ['tour', ['--select', 'teg=10'], 'kept 4 of 32 records: 28 left out by select\n'],
    ['tour', ['--limit', '5'], 'kept 5 of the first 5 records: the rest was not read (--limit 5)\n'],
    [
      'tour',
      ['--select', 'teg=11', '--limit', '2'],
      'kept 2 of the first 6 records: 4 left out by select, the rest',
    ],
    ['tour', ['--limit', '40', '--offset', '30'], 'kept 2 of 32 records: 30 before --offset\n'],
    ['tour', ['--sample', '10'], 'kept 10 of 32 records: 22 not in the sample (--seed 1)\n'],
    ['tour', ['--sample', '10', '--seed', '77'], '(--seed 77)\n'],
  ] as const)('%s %j', async (data, args, line) => {
    const { stderr } = await plan(DATA[data], args);
    expect(stderr).toContain(line);
  });

  test('nothing is said of a job that is whole', async () => {
    expect((await plan(TOUR, ['--limit', '32'])).stderr).not.toContain('kept');
  });

  test('in plan --json too, with the values that nobody has', async () => {
    const { plan: found, stderr } = await plan(
      { ...ROWS, 'rows.job.yaml': `${ROWS['rows.job.yaml']}select: { lang: [en, es] }\n` },
      ['--select', 'n=39-42', '--select', 'n=1', '--select', 'lang=it', '--select', 'lang=en'],
    );
    expect(found.narrowed).toEqual({
      records: 40,
      kept: 1,
      whole: true,
      left_out: { select: 39, done: 0, offset: 0, sample: 0 },
      seed: null,
      unmatched: [
        { from: 'select', column: 'lang', value: 'es' },
        { from: '--select', column: 'n', value: '41-42' },
        { from: '--select', column: 'lang', value: 'it' },
      ],
    });
    for (const said of ['select: no record has lang = es', '--select: no record has n = 41-42'])
      expect(stderr).toContain(said);
  });

  test('the next command has the same flags, as a shell takes them', async () => {
    const { stderr } = await plan(ROWS, ['--select', 'lang=en', '--select', "lang=it's", '--sample', '3']);
    expect(stderr).toContain(
      "next: batchctl submit rows.job.yaml --use-batch --select lang=en --select 'lang=it'\\''s' --sample 3\n",
    );
  });
});

describe('wrong flags', () => {
  test.each([
    ['tour', ['--select', 'rund=1'], 'unknown_column', 'there is no column "rund"; did you mean "round"?'],
    ['tour', ['--select', 'round'], 'wrong_usage', '--select round does not say'],
    ['tour', ['--seed', '3'], 'wrong_usage', '--seed has no effect without --sample'],
    ['tour', ['--sample', '3', '--limit', '2'], 'wrong_usage', '--sample cannot be used with --limit'],
    ['tour', ['--select', 'round=9'], 'no_records', 'none of the 32 records is left (round = 9)'],
    ['tour', ['--offset', '32'], 'no_records', 'none of the 32 records is left (--offset 32)'],
    ['rows', ['--missing'], 'missing_needs_output', '--missing cannot tell what is missing in rows.job.yaml'],
    ['tour', ['--stage', 'mian'], 'unknown_stage', 'did you mean "main"?'],
    ['tour', ['--limit', '0'], 'wrong_usage', ''],
    ['tour', ['--limit', 'all'], 'wrong_usage', ''],
  ] as const)('%s %j', async (data, args, code, message) => {
    const { code: exit, stderr } = await plan(DATA[data], args);
    const lines = stderr.trimEnd().split('\n');
    const { error } = JSON.parse(lines.at(-1) ?? '');
    expect({ exit, code: error.code }).toEqual({ exit: 2, code });
    expect(error.message).toContain(message);
  });

  test('a job that is built already is not narrowed any more', async () => {
    const cwd = makeTempDir(TOUR);
    const built = await runCli(['build', '--emulator', '--json'], { cwd });
    const { job_id: id } = JSON.parse(built.stdout);
    const again = await runCli(['submit', id, '--use-batch', '--emulator', '--select', 'teg=10'], { cwd });
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('--select cannot be used with a job that is built already');
  });
});

test('a bad record after the limit stops nothing, one before it does', async () => {
  const files = { ...ROWS, 'rows.csv': 'n,lang\n1,en\n2,en\n3\n4,en\n' };
  expect((await plan(files, ['--limit', '2'])).code).toBe(0);
  expect((await plan(files, ['--offset', '2', '--limit', '1'])).code).toBe(2);
});

test('ready-made requests are narrowed by number, and have no columns', async () => {
  const lines = ['a', 'b', 'c'].map((id) =>
    JSON.stringify({
      custom_id: id,
      params: { model: 'claude-haiku-5-5', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] },
    }),
  );
  const files = { 'ready.jsonl': `${lines.join('\n')}\n` };
  const { plan: found } = await plan(files, ['ready.jsonl', '--offset', '1', '--limit', '1']);
  expect(idsOf(found)).toEqual(['b']);
  expect((await plan(files, ['ready.jsonl', '--select', 'a=b'])).stderr).toContain('select_without_columns');
});

describe('--missing', () => {
  const submit = (cwd: string, ...more: readonly string[]) =>
    runCli(['submit', '--use-batch', '--emulator', '--json', ...more], { cwd, env: quick });

  test('sends what has no output file yet, and nothing once all are there', async () => {
    const cwd = makeTempDir(TOUR);
    for (const id of ['t10-r1', 't17-r4']) writeFile(join(cwd, `reports/${id}.md`), 'old\n');
    const first = await submit(cwd, '--missing', '--select', 'round=1', '-v');
    expect(JSON.parse(first.stdout)).toMatchObject({ state: 'done', requests: 7 });
    expect(first.stderr).toContain(
      'kept 7 of 32 records: 24 left out by select, 1 with all output files there',
    );
    expect(readFileSync(join(cwd, 'reports/t10-r1.md'), 'utf8')).toBe('old\n');

    const second = await submit(cwd, '--missing');
    expect(JSON.parse(second.stdout)).toMatchObject({ requests: 23, succeeded: 23 });

    const third = await submit(cwd, '--missing', '-v');
    expect({ code: third.code, ...JSON.parse(third.stdout) }).toEqual({ code: 0, job_id: null, requests: 0 });
    expect(third.stderr).toContain('nothing is missing; nothing was built');
    const planned = await runCli(['plan', '--missing'], { cwd });
    expect(planned.code).toBe(0);
    expect(planned.stderr).toContain('nothing is missing; a submit would send nothing');
    expect(JSON.parse((await runCli(['list', '--all', '--json'], { cwd })).stdout)).toHaveLength(2);
  });

  test('comes before --limit, so that the next ones can be had bit by bit', async () => {
    const cwd = makeTempDir(TOUR);
    await submit(cwd, '--missing', '--limit', '3');
    const { stdout } = await runCli(['plan', '--json', '--missing', '--limit', '2', '--first', '9'], { cwd });
    expect(idsOf(JSON.parse(stdout))).toEqual(['t10-r4', 't11-r1']);
  });

  test('asks for the files of all stages, and reads no file for those that are done', async () => {
    const job = `${HEAD}source: { axes: { n: 1-3 } }
files: { text: "texts/{{ n }}.txt" }
id: "r{{ n }}"
stages:
  - { name: notes, prompt: "{{ text }}", output: "notes/{{ n }}.md" }
  - { name: report, needs: notes, prompt: "{{ notes.text }}", output: "reports/{{ custom_id }}.md" }
`;
    const cwd = makeTempDir({
      'tour.job.yaml': job,
      'texts/2.txt': 'two',
      'texts/3.txt': 'three',
      'notes/1.md': 'a',
      'reports/r1.md': 'a',
      'notes/2.md': 'b',
    });
    const ids = async (...args: readonly string[]) => {
      const { code, stdout } = await runCli(['plan', '--json', '--missing', '--first', '9', ...args], {
        cwd,
      });
      // The text of record 1 is gone, which nobody asks for.
      expect(code).toBe(0);
      return idsOf(JSON.parse(stdout));
    };
    expect(await ids()).toEqual(['r2', 'r3']);
    expect(await ids('--stage', 'notes')).toEqual(['r3']);
    rmSync(join(cwd, 'notes/2.md'));
    expect(await ids('--stage', 'notes')).toEqual(['r2', 'r3']);
  });
});
