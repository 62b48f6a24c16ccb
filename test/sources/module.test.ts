import { describe, expect, test } from 'vitest';
import { openSource } from '../../src/sources/open-source.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readSource, sourceOf } from './read-source.ts';

const build = sourceOf({ module: './build.mjs' });
const two = [{ id: 'a' }, { id: 'b' }];

describe('what a module may export', () => {
  test.each([
    ['a list', 'export default [{id: "a"}, {id: "b"}]'],
    ['a function of a list', 'export default () => [{id: "a"}, {id: "b"}]'],
    ['an async function of a list', 'export default async () => [{id: "a"}, {id: "b"}]'],
    ['a generator', 'export default function* () { yield {id: "a"}; yield {id: "b"}; }'],
    ['an async generator', 'export default async function* () { yield {id: "a"}; yield {id: "b"}; }'],
    [
      'an export called records',
      'export const other = 1; export const records = new Set([{id: "a"}, {id: "b"}])',
    ],
    [
      'an async iterable',
      'export const records = {async *[Symbol.asyncIterator]() { yield {id: "a"}; yield {id: "b"}; }}',
    ],
    ['an iterator, once', 'export default [{id: "a"}, {id: "b"}].values()'],
  ])('%s', async (_, code) => {
    const root = makeTempDir({ 'build.mjs': code });
    expect(await readFields(root, build)).toEqual(two);
  });

  test('a named export is taken when it is named', async () => {
    const root = makeTempDir({
      'build.mjs': 'export default []; export const mine = [{id: "a"}, {id: "b"}]',
    });
    const source = sourceOf({ module: { file: 'build.mjs', export: 'mine' } });
    expect(await readFields(root, source)).toEqual(two);
  });

  test('TypeScript needs no build', async () => {
    const root = makeTempDir({
      'build.ts':
        'interface Row { readonly id: string }\nexport default (): Row[] => [{ id: "a" }, { id: "b" }];\n',
    });
    expect(await readFields(root, sourceOf({ module: 'build.ts' }))).toEqual(two);
  });

  test('a module may import its neighbours, and is found relative to the job file', async () => {
    const root = makeTempDir({
      'jobs/build.mjs': 'import { ids } from "../lib.mjs"; export default ids.map((id) => ({ id }))',
      'lib.mjs': 'export const ids = ["a", "b"]',
    });
    expect(await readFields(root, build, 'jobs')).toEqual(two);
  });
});

test('values become what JSON can say, and the object is copied', async () => {
  const root = makeTempDir({
    'build.mjs': `export default function* () {
      const row = {};
      for (const id of [1, 2]) {
        Object.assign(row, { id, big: 12345678901234567890n, small: 7n, when: new Date(0), no: NaN, gone: undefined,
          deep: { list: [1n, undefined, new Float32Array([0.5])], url: new URL('https://a.b/') }, ['__proto__']: 1 });
        yield row;
      }
    }`,
  });
  const fields = {
    big: '12345678901234567890',
    small: 7,
    when: '1970-01-01T00:00:00.000Z',
    no: null,
    deep: { list: [1, null, [0.5]], url: 'https://a.b/' },
  };
  expect(await readFields(root, build)).toEqual([
    { id: 1, ...fields },
    { id: 2, ...fields },
  ]);
});

test('an item that is no record is a problem that says which, and does not stop the others', async () => {
  const root = makeTempDir({
    'build.mjs': `const cycle = {}; cycle.self = cycle;
      export default [{id: 1}, 'x', null, [1], new Map(), {f() {}}, {b: new Uint8Array(2)}, {cycle}, {d: new Date('x')},
        {s: Symbol('x')}, {m: {n: new Set()}}, {get g() { throw new Error('boom') }}, {id: 2}]`,
  });
  const items = await readSource(root, build);
  expect(
    items.map((item) =>
      item.kind === 'problem' ? item.problem.replace(/(self\.)+self/, 'self') : item.kind,
    ),
  ).toEqual([
    'record',
    'a record must be a plain object, {column: value}',
    'a record must be a plain object, {column: value}',
    'a record must be a plain object, {column: value}',
    'a record must be a plain object, {column: value}',
    'the value of "f" is a function, which is no data',
    'the value of "b" is bytes, not text',
    'the value of "cycle.self" is nested deeper than 200 levels',
    'the value of "d" is a date that there is not',
    'the value of "s" is a symbol, which is no data',
    'the value of "m.n" is a Set, which JSON cannot say',
    'it could not be read: Error: boom',
    'record',
  ]);
  expect(items[1]?.at).toEqual({ file: './build.mjs (item 2)', line: null });
});

test.each([
  ['throws when it is loaded', 'const a = 1;\nthrow new Error("boom")', 'boom'],
  ['imports what is not there', 'import "./none.mjs"; export default []', 'none.mjs'],
  ['throws while it is read', 'export default function* () {\n  yield {id: 1};\n  null.x;\n}', 'TypeError'],
  ['rejects', 'export default async () => { throw "plain" }', 'the module failed: plain'],
  ['exports nothing', 'export {}', 'neither a default export nor one called "records"'],
  ['exports one object', 'export default {id: 1}', 'one object, not a list of records'],
  ['exports text', 'export default "abc"', 'a string, not records'],
  ['exports a function of nothing', 'export default () => {}', 'a undefined, not records'],
  ['has no records', 'export default []', 'the module gives no record'],
])('a module that %s is an error that names it', async (_, code, says) => {
  const root = makeTempDir({ 'build.mjs': code });
  await expect(readSource(root, build)).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:source_module|no_records)$/),
    message: expect.stringContaining(says),
    problems: [expect.objectContaining({ file: './build.mjs' })],
  });
});

test('an export that is not there names those that are', async () => {
  const root = makeTempDir({ 'build.mjs': 'export const mine = []' });
  await expect(
    readSource(root, sourceOf({ module: { file: 'build.mjs', export: 'yours' } })),
  ).rejects.toMatchObject({
    next: 'name one of its exports (mine): module: {file: build.mjs, export: mine}',
  });
});

test('an iterator is refused the second time, a function is called again', async () => {
  const root = makeTempDir({
    'build.mjs': 'export default [{id: 1}].values()',
    'again.mjs': 'export default () => [{id: 1}].values()',
  });
  const source = openSource(build, { root, dir: '' });
  const read = async (from: typeof source): Promise<number> => {
    let count = 0;
    for await (const chunk of from.items(new AbortController().signal)) count += chunk.length;
    return count;
  };
  expect(await read(source)).toBe(1);
  await expect(read(source)).rejects.toMatchObject({ message: expect.stringContaining('only once') });
  const again = openSource(sourceOf({ module: 'again.mjs' }), { root, dir: '' });
  expect([await read(again), await read(again)]).toEqual([1, 1]);
});

test('a function is given the signal, and a wait for its next record ends when it aborts', async () => {
  const root = makeTempDir({
    'build.mjs': `export default async function* ({ signal }) {
      for (let id = 0; id < 1000; id += 1) yield { id };
      signal.addEventListener('abort', () => { globalThis.heardBySource = signal.reason.message; });
      await new Promise(() => {});
    }`,
  });
  const controller = new AbortController();
  const read = async (): Promise<void> => {
    for await (const chunk of openSource(build, { root, dir: '' }).items(controller.signal)) {
      expect(chunk).toHaveLength(1000);
      setImmediate(() => controller.abort(new Error('stopped')));
    }
  };
  await expect(read()).rejects.toThrow('stopped');
  expect(Reflect.get(globalThis, 'heardBySource')).toBe('stopped');
});

test('a generator that never ends and never waits can be stopped', async () => {
  const root = makeTempDir({ 'build.mjs': 'export default function* () { for (;;) yield {id: 1}; }' });
  const controller = new AbortController();
  setImmediate(() => controller.abort(new Error('stopped')));
  await expect(
    (async () => {
      for await (const _ of openSource(build, { root, dir: '' }).items(controller.signal));
    })(),
  ).rejects.toThrow('stopped');
});

test('ready-made requests are refused as records and taken as requests', async () => {
  const root = makeTempDir({
    'build.mjs':
      'export const build_requests = () => [{custom_id: "a", params: {model: "m", n: 1n}}, {custom_id: "b"}]',
  });
  const module = { file: 'build.mjs', export: 'build_requests' };
  expect((await readSource(root, sourceOf({ module })))[0]).toMatchObject({
    kind: 'problem',
    problem: expect.stringContaining('from "source: {requests: {module: ...}}"'),
  });
  expect(await readSource(root, sourceOf({ requests: { module } }))).toMatchObject([
    { kind: 'ready', customId: 'a', paramsJson: '{"model":"m","n":1}' },
    { kind: 'problem', problem: '"params" is missing' },
  ]);
});
