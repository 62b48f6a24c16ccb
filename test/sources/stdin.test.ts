import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { SourceItem } from '../../src/core/record.ts';
import type { Source } from '../../src/core/source.ts';
import { openSource } from '../../src/sources/open-source.ts';
import type { StandardInput } from '../../src/sources/source-path.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { sourceOf } from './read-source.ts';

async function readFrom(
  stdin: StandardInput,
  source: Source,
  signal?: AbortSignal,
): Promise<readonly SourceItem[]> {
  const items: SourceItem[] = [];
  const place = { root: makeTempDir({ 'a.jsonl': '{"id":"0"}\n' }), dir: '', stdin: () => stdin };
  for await (const chunk of openSource(source, place).items(signal ?? new AbortController().signal))
    items.push(...chunk);
  return items;
}

const piped = (content: string | Uint8Array): PassThrough => new PassThrough().end(content);

test.each([
  ['csv', 'id\n1\n', { file: 'stdin', line: 2 }],
  ['jsonl', '{"id":"1"}\n', { file: 'stdin', line: 1 }],
  ['json', '\n[{"id":"1"}]', { file: 'stdin', line: 2 }],
  ['text', '\n1', { file: 'stdin', line: 2 }],
  ['requests', '{"custom_id":"1","params":{}}', { file: 'stdin', line: 1 }],
])('%s is read from standard input, packed or not', async (kind, content, at) => {
  for (const bytes of [content, gzipSync(content)])
    expect((await readFrom(piped(bytes), sourceOf({ [kind]: '-' }))).map((item) => item.at)).toEqual([at]);
});

test('standard input may stand among files', async () => {
  const items = await readFrom(piped('{"id":"1"}\n'), sourceOf({ jsonl: ['a.jsonl', '-'] }));
  expect(items.map((item) => item.at.file)).toEqual(['a.jsonl', 'stdin']);
});

test('standard input that was read before is refused', async () => {
  const stdin = piped('{"id":"1"}\n');
  await readFrom(stdin, sourceOf({ jsonl: '-' }));
  await expect(readFrom(stdin, sourceOf({ jsonl: '-' }))).rejects.toMatchObject({
    code: 'stdin_unusable',
    message: expect.stringContaining('cannot be read twice'),
  });
});

test('a terminal is refused instead of waited for', async () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  await expect(readFrom(terminal, sourceOf({ jsonl: '-' }))).rejects.toMatchObject({
    code: 'stdin_unusable',
  });
});

test('where there is no standard input it is said', async () => {
  const items = openSource(sourceOf({ csv: '-' }), { root: makeTempDir(), dir: '' }).items(
    new AbortController().signal,
  );
  await expect(items[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'stdin_unusable' });
});

test('empty standard input has no records', async () => {
  await expect(readFrom(piped(''), sourceOf({ csv: '-' }))).rejects.toMatchObject({
    code: 'no_records',
    message: expect.stringContaining('stdin'),
  });
});

test('a wait for standard input ends when it is told to', async () => {
  const controller = new AbortController();
  const reading = readFrom(new PassThrough(), sourceOf({ jsonl: '-' }), controller.signal);
  setImmediate(() => controller.abort(new Error('stopped')));
  await expect(reading).rejects.toThrow('stopped');
});
