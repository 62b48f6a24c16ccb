import { describe, expect, test } from 'vitest';
import { checkJobFile, nameOfFile } from '../../src/core/job-file-check.ts';
import { knownKeysAt } from '../../src/core/job-file-keys.ts';
import { jobFileJsonSchema } from '../../src/core/job-file-schema.ts';
import { expectedAt } from '../../src/core/job-file-values.ts';

test.each([
  ['round-reports.job.yaml', 'round-reports'],
  ['jobs/a b.job.yml', 'a-b'],
  ['in/ready.jsonl', 'ready'],
  ['Ünïcode.job.yaml', 'n-code'],
  ['.job.yaml', 'job'],
  [`${'x'.repeat(60)}.job.yaml`, 'x'.repeat(40)],
  ['a.b.job.yaml', 'a-b'],
])('the job of %s is called %s', (path, name) => {
  expect(nameOfFile(path)).toBe(name);
});

test('a wrong value in the middle of a tree is told with its path', () => {
  const checked = checkJobFile(
    {
      model: 'm',
      max_tokens: 1,
      prompt: 'p',
      source: { axes: { a: [1, { b: 2 }] } },
      files: { 'a-b': 'x', c: 5 },
      select: { d: { e: 1 } },
    },
    { path: 'x.job.yaml', dir: '' },
  );
  expect(checked.ok ? [] : checked.problems.map(({ path, problem }) => [path.join('.'), problem])).toEqual([
    [
      'source.axes.a.1',
      '"source.axes.a.1" must be a range such as 1-4 or a list such as [en, de], not a mapping',
    ],
    ['files.a-b', '"files.a-b" must be a path; the variable is letters, digits and _, not "x"'],
    ['files.c', '"files.c" must be a path; the variable is letters, digits and _, not "5"'],
    ['select.d', '"select.d" must be a value or a list of values, not a mapping'],
  ]);
});

const PLACE = { path: 'x.job.yaml', dir: '' };
const LEAST = { model: 'm', max_tokens: 1, prompt: 'p', source: { csv: 'd.csv' } };

function problemsOf(input: unknown): readonly string[] {
  const checked = checkJobFile(input, PLACE);
  return checked.ok ? [] : checked.problems.map(({ path, problem }) => `${path.join('.')}: ${problem}`);
}

type Path = readonly (string | number)[];

/** Every key of the schema with its place and what it takes; an item of a list is `0`, of a mapping `any`. */
function* places(
  schema: object,
  path: Path = [],
): Generator<{ readonly path: Path; readonly type: unknown }> {
  if (path.length > 0) yield { path, type: Reflect.get(schema, 'type') };
  const { properties = {}, items, anyOf = [], additionalProperties } = schema as Record<string, object>;
  for (const [key, value] of Object.entries(properties)) yield* places(value, [...path, key]);
  for (const branch of Object.values(anyOf)) yield* places(branch, path);
  if (typeof items === 'object') yield* places(items, [...path, 0]);
  if (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0)
    yield* places(additionalProperties, [...path, 'any']);
}

const PLACES = [...places(jobFileJsonSchema() as object)];

/** A mapping around a value, so that it stands at the path. */
function wrap(path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  return typeof key === 'number' ? [wrap(rest, value)] : { [key]: wrap(rest, value) };
}

describe('every key of a job file', () => {
  test('that is not just text has words of its own for what it takes', () => {
    const wordless = PLACES.filter(({ path, type }) => type !== 'string' && expectedAt(path) === 'text');
    expect(wordless.map(({ path }) => path.join('.'))).toEqual([]);
  });

  test('has a near name for what is mistyped, wherever it stands', () => {
    const fixed = [...new Set(PLACES.map(({ path }) => path))].filter(
      (path) => typeof path.at(-1) === 'string',
    );
    const silent = fixed.flatMap((path) => {
      const [parent, key] = [path.slice(0, -1), String(path.at(-1))];
      // A schema that is written here may have any key; one with a module is in the table of bad job files.
      if (key === 'any' || parent.at(-1) === 'schema') return [];
      const said = problemsOf(wrap([...parent, `${key}x`], 'a'));
      return said.some(
        (problem) =>
          problem.startsWith(`${[...parent, `${key}x`].join('.')}: `) && problem.includes('; did you mean "'),
      )
        ? []
        : [path.join('.')];
    });
    expect(silent).toEqual([]);
    expect(fixed.length).toBeGreaterThan(80);
  });
});

test.each([
  [{ retry: { atempts: 3 } }, 'retry.atempts', 'attempts'],
  [{ git: { comit: 'Write' } }, 'git.comit', 'commit'],
  [{ cache: { user_message: 2 } }, 'cache.user_message', 'user_messages'],
  [{ prompt: { fiel: 'p.md' } }, 'prompt.fiel', 'file'],
  [{ stages: [{ nmae: 'a', prompt: 'p' }] }, 'stages.0.nmae', 'name'],
])('a mistyped key that must be there is one mistake, not two: %j', (input, path, key) => {
  const problems = problemsOf({ ...LEAST, ...input });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`${path}: `);
  expect(problems[0]).toContain(`did you mean "${key}"?`);
});

test('a key that is missing beside a mistyped one of another name is told too', () => {
  expect(problemsOf({ ...LEAST, git: { pre: 'job' } })).toEqual([
    'git.commit: "git.commit" must be text, not empty',
    'git.pre: "pre" is not a known key of "git"; did you mean "per"?',
  ]);
});

test('keys are known where they stand and nowhere else', () => {
  expect(knownKeysAt(['system'])).toEqual(['text', 'file', 'cache']);
  expect(knownKeysAt(['stages', 1, 'output'])).toEqual(['path', 'template', 'module']);
  expect(knownKeysAt(['params'])).toEqual([]);
  expect(knownKeysAt(['nothing', 'there'])).toEqual([]);
});

test('what stands at the top level holds for stages that say nothing else', () => {
  const checked = checkJobFile(
    {
      source: { csv: 'd.csv' },
      model: 'm',
      max_tokens: 5,
      params: { output_config: { effort: 'low' }, metadata: { user_id: 'u' } },
      stages: [
        { name: 'notes', prompt: 'p' },
        {
          name: 'report',
          needs: 'notes',
          prompt: { file: 'p.md' },
          model: 'n',
          max_tokens: 9,
          params: { output_config: { effort: 'high' } },
        },
        { name: 'brief', needs: ['notes', 'report'], prompt: 'p' },
      ],
    },
    PLACE,
  );
  expect(checked.ok ? checked.job.stages : checked.problems).toMatchObject([
    { name: 'notes', needs: [], model: 'm', maxTokens: 5, params: { output_config: { effort: 'low' } } },
    {
      name: 'report',
      needs: ['notes'],
      model: 'n',
      maxTokens: 9,
      params: { output_config: { effort: 'high' }, metadata: { user_id: 'u' } },
    },
    { name: 'brief', needs: ['notes', 'report'], model: 'm' },
  ]);
});

test.each([
  ['a path of JSON', 'answer.json', { kind: 'file', file: 'answer.json' }],
  ['a path of a module', 'answer.ts', { kind: 'module', module: 'answer.ts', exportName: null }],
  [
    'a module and its export',
    { module: 'answer.mjs', export: 'Answer' },
    { kind: 'module', module: 'answer.mjs', exportName: 'Answer' },
  ],
  [
    'the schema itself',
    { type: 'object', properties: { module: { type: 'string' } } },
    { kind: 'inline', schema: { type: 'object', properties: { module: { type: 'string' } } } },
  ],
])('a schema may be %s', (_, schema, expected) => {
  const checked = checkJobFile({ ...LEAST, schema }, PLACE);
  expect(checked.ok ? checked.job.stages[0]?.schema : checked.problems).toEqual(expected);
});

test.each([
  ['out.md', { path: 'out.md', content: { kind: 'answer' } }],
  [
    { path: 'out.md', template: 'a {{ answer }}' },
    { path: 'out.md', content: { kind: 'template', template: { kind: 'text', text: 'a {{ answer }}' } } },
  ],
  [
    { template: { file: 't.md' } },
    { path: null, content: { kind: 'template', template: { kind: 'file', file: 't.md' } } },
  ],
  [
    { path: 'out.json', module: 'w.ts' },
    { path: 'out.json', content: { kind: 'module', module: 'w.ts' } },
  ],
])('an output may be %j', (output, expected) => {
  const checked = checkJobFile({ ...LEAST, output }, PLACE);
  expect(checked.ok ? checked.job.stages[0]?.output : checked.problems).toEqual(expected);
});

test('retry without classes sends again all that may be sent again by itself', () => {
  const checked = checkJobFile({ ...LEAST, retry: { attempts: 3 } }, PLACE);
  expect(checked.ok ? checked.job.retry : checked.problems).toMatchObject({
    attempts: 3,
    on: expect.arrayContaining(['expired', 'truncated', 'invalid_output']),
  });
});

test('git says one commit for the job unless it asks for one an output, and needs no outputs', () => {
  const gitOf = (git: object) => {
    const checked = checkJobFile({ ...LEAST, git }, PLACE);
    return checked.ok ? checked.job.git : checked.problems;
  };
  expect(gitOf({ commit: 'Write' })).toEqual({ message: 'Write', per: 'job' });
  expect(gitOf({ commit: 'Write', per: 'output' })).toEqual({ message: 'Write', per: 'output' });
});
