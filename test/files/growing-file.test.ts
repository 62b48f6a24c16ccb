import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openJobFiles } from '../../src/files/job-files.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const RAW = 'batch_results/job/main-0001.raw.jsonl';
const PART = `${RAW}.part`;
const options = { private: false };

function start() {
  const root = makeTempDir();
  const files = openJobFiles(root);
  return { root, files, text: (path: string) => readFileSync(join(root, path), 'utf8') };
}

describe('a file that grows', () => {
  test('has another name until it is whole', () => {
    const { root, files, text } = start();
    const file = files.grow(RAW, options);
    file.append('{"a":1}');
    expect(existsSync(join(root, RAW))).toBe(false);
    expect(text(PART)).toBe('{"a":1}\n');
    file.finish();
    expect(text(RAW)).toBe('{"a":1}\n');
    expect(existsSync(join(root, PART))).toBe(false);
  });

  test('goes on in the next run where the last one stopped', () => {
    const { files, text } = start();
    const first = files.grow(RAW, options);
    first.append('one');
    first.close();
    const second = files.grow(RAW, options);
    second.append('two');
    second.close();
    second.close();
    expect(text(PART)).toBe('one\ntwo\n');
  });

  test.each([
    ['', ''],
    ['to', ''],
    ['one\n', 'one\n'],
    ['one\ntw', 'one\n'],
    ['one\n\ntw', 'one\n\n'],
    [`one\n${'t'.repeat(200_000)}`, 'one\n'],
    [`${'o'.repeat(100_000)}\n${'t'.repeat(65_536)}`, `${'o'.repeat(100_000)}\n`],
  ])('loses a torn last line and nothing else', (torn, whole) => {
    const { root, files, text } = start();
    files.grow(RAW, options).close();
    appendFileSync(join(root, PART), torn);
    const file = files.grow(RAW, options);
    file.append('next');
    file.close();
    expect(text(PART)).toBe(`${whole}next\n`);
  });

  test('that got its name, but was not recorded, grows on', () => {
    const { root, files, text } = start();
    const first = files.grow(RAW, options);
    first.append('one');
    first.finish();
    const second = files.grow(RAW, options);
    expect(existsSync(join(root, RAW))).toBe(false);
    second.append('two');
    second.finish();
    expect(text(RAW)).toBe('one\ntwo\n');
  });

  test('is readable by its owner alone where the job is private', () => {
    const { root, files } = start();
    files.grow(RAW, { private: true }).close();
    expect(statSync(join(root, PART)).mode & 0o777).toBe(0o600);
  });

  test('is never a link', () => {
    const { root, files } = start();
    mkdirSync(join(root, 'batch_results/job'), { recursive: true });
    writeFileSync(join(root, 'precious'), 'mine');
    symlinkSync(join(root, 'precious'), join(root, PART));
    expect(() => files.grow(RAW, options)).toThrow(expect.objectContaining({ name: 'StoreError' }));
    expect(readFileSync(join(root, 'precious'), 'utf8')).toBe('mine');
  });
});
