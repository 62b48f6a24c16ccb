import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openJobFiles } from '../../src/files/job-files.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const OPEN = { private: false };
const MEGABYTE = 1 << 20;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Descriptors of this process that stand for files under a folder. */
const descriptors = (dir: string): number => {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  }).length;
};

describe('a parked file', () => {
  test('goes on where it was, however often it is parked, with the hash and size of the whole', () => {
    const dir = makeTempDir();
    const file = openJobFiles(dir).createHashed('a.jsonl', OPEN);
    let whole = '';
    for (let turn = 1; turn <= 20; turn += 1) {
      const line = `${turn} ${'ä'.repeat(turn * 10)}\n`;
      file.write(line);
      whole += line;
      expect(file.bytes).toBe(Buffer.byteLength(whole));
      if (turn % 3 === 0) file.park();
      if (turn % 6 === 0) file.park();
    }
    expect(file.finish()).toEqual({ bytes: Buffer.byteLength(whole), sha256: sha256(whole) });
    expect(readFileSync(`${dir}/a.jsonl`, 'utf8')).toBe(whole);
  });

  test.each(['before anything was written', 'after it', 'with more than a buffer', 'with bytes'] as const)(
    'is whole when it is finished without another write: %s',
    (what) => {
      const dir = makeTempDir();
      const file = openJobFiles(dir).createHashed('a.jsonl', OPEN);
      let whole = '';
      if (what === 'after it') whole = 'one\n';
      if (what === 'with more than a buffer') whole = `${'x'.repeat(3 * MEGABYTE)}\n`;
      if (what === 'with bytes') whole = 'bytes\n';
      if (what === 'with bytes') file.writeBytes(Buffer.from(whole));
      else if (whole !== '') file.write(whole);
      file.park();
      expect(file.finish()).toEqual({ bytes: whole.length, sha256: sha256(whole) });
      expect(readFileSync(`${dir}/a.jsonl`, 'utf8')).toBe(whole);
    },
  );

  test('holds no descriptor, and what was written since the last time is on the disk', () => {
    const dir = makeTempDir();
    const file = openJobFiles(dir).create('a.jsonl', OPEN);
    file.write('one\n');
    file.park();
    expect(descriptors(dir)).toBe(0);
    file.write('two\n');
    file.park();
    expect(descriptors(dir)).toBe(0);
    const [temporary = ''] = readdirSync(dir);
    expect(readFileSync(`${dir}/${temporary}`, 'utf8')).toBe('one\ntwo\n');
  });

  test('leaves nothing when it is discarded', () => {
    const dir = makeTempDir();
    const file = openJobFiles(dir).create('a.jsonl', OPEN);
    file.write('one\n');
    file.park();
    file.write('two\n');
    file.discard();
    expect(readdirSync(dir)).toEqual([]);
    expect(() => {
      file.write('three\n');
      file.finish();
    }).toThrow();
    expect(existsSync(`${dir}/a.jsonl`)).toBe(false);
  });

  test('shares no buffer with a file that goes on meanwhile', () => {
    const dir = makeTempDir();
    const files = openJobFiles(dir);
    const names = ['a', 'b', 'c'];
    const open = names.map((name) => files.create(name, OPEN));
    for (let turn = 0; turn < 300; turn += 1) {
      for (const [index, file] of open.entries()) {
        file.write(`${names[index]}${turn}\n`);
        if ((turn + index) % 4 === 0) file.park();
      }
    }
    for (const [index, file] of open.entries()) {
      file.finish();
      const lines = Array.from({ length: 300 }, (_, turn) => `${names[index]}${turn}\n`);
      expect(readFileSync(`${dir}/${names[index]}`, 'utf8')).toBe(lines.join(''));
    }
  });

  test('keeps its mode', () => {
    const dir = makeTempDir();
    const file = openJobFiles(dir).create('a.jsonl', { private: true });
    file.write('one\n');
    file.park();
    file.finish();
    expect(statSync(`${dir}/a.jsonl`).mode & 0o777).toBe(0o600);
  });
});
