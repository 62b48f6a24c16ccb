import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Source } from '../../src/core/source.ts';
import { openSource } from '../../src/sources/open-source.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readSource, sourceOf } from './read-source.ts';

/** A program that runs this code. */
const node = (code: string, ...args: string[]): Source =>
  sourceOf({ command: [process.execPath, '-e', code, ...args] });

const print = (text: string): string => `process.stdout.write(${JSON.stringify(text)});`;

test('a line of the program is a record, blank ones are passed over', async () => {
  const source = node(print('\uFEFF{"id":"a","n":12345678901234567890}\r\n\n{"id":"b"}'));
  expect(await readFields(makeTempDir(), source)).toEqual([
    { id: 'a', n: '12345678901234567890' },
    { id: 'b' },
  ]);
});

test('it runs in the folder of the job file, without a shell', async () => {
  const root = makeTempDir({ 'jobs/data.txt': 'here' });
  const code =
    'console.log(JSON.stringify({text: require("fs").readFileSync("data.txt", "utf8"), args: process.argv.slice(1)}))';
  expect(await readFields(root, node(code, '$HOME', '*', 'a b', ';'), 'jobs')).toEqual([
    { text: 'here', args: ['$HOME', '*', 'a b', ';'] },
  ]);
});

test('it has no standard input to wait for', async () => {
  const code = 'process.stdin.on("data", () => {}).on("end", () => console.log("{\\"id\\":1}"))';
  expect(await readFields(makeTempDir(), node(code))).toEqual([{ id: 1 }]);
});

test('bad lines are problems with their number', async () => {
  const items = await readSource(makeTempDir(), node(print('{"id":1}\n\nTraceback\n[2]\n{"id":3}\n')));
  expect(items.map((item) => [item.kind, item.at.line])).toEqual([
    ['record', 1],
    ['problem', 3],
    ['problem', 4],
    ['record', 5],
  ]);
  // The program and its arguments, cut where they are long, as a path of Node may be.
  expect(items[1]?.at.file.slice(0, 50)).toBe(`${process.execPath} -e process.stdout`.slice(0, 50));
});

test('packed output is unpacked', async () => {
  const bytes = [...gzipSync('{"id":1}\n')].join();
  expect(await readFields(makeTempDir(), node(`process.stdout.write(Buffer.from([${bytes}]))`))).toEqual([
    { id: 1 },
  ]);
});

test.each([
  ['exit code 3', `${print('{"id":1}\n')} process.exitCode = 3;`, 'it ended with exit code 3'],
  [
    'a signal',
    `${print('{"id":1}\n')} process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000);`,
    'it was ended by SIGKILL',
  ],
  ['exit code 1 and no output', 'process.exitCode = 1;', 'it ended with exit code 1'],
])('a program that ends with %s has failed, whatever it has printed', async (_, code, says) => {
  await expect(readSource(makeTempDir(), node(code))).rejects.toMatchObject({
    code: 'source_command',
    message: expect.stringContaining(says),
  });
});

test('a program that prints nothing has no records', async () => {
  await expect(readSource(makeTempDir(), node(''))).rejects.toMatchObject({ code: 'no_records' });
});

test.each([
  [['no-such-program-here', 'build.py'], 'there is no such file (ENOENT)'],
  [['./notes.txt'], 'EACCES'],
])('%j cannot be started', async (command, says) => {
  const root = makeTempDir({ 'notes.txt': '' });
  await expect(readSource(root, sourceOf({ command }))).rejects.toMatchObject({
    code: 'source_command',
    message: expect.stringContaining(says),
    next: expect.stringContaining(String(command[0])),
  });
});

test('a program that was asked to stop is gone when the reading has stopped', async () => {
  const root = makeTempDir();
  const code = `require('fs').writeFileSync('pid', String(process.pid)); console.log('{"id":"a longer one"}'); setInterval(() => {}, 1000);`;
  const controller = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of openSource(node(code), { root, dir: '' }).items(controller.signal))
      setImmediate(() => controller.abort(new Error('stopped')));
  };
  await expect(read()).rejects.toThrow('stopped');
  const pid = Number(readFileSync(join(root, 'pid'), 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('a program that does not stop when asked is ended', async () => {
  const root = makeTempDir();
  const code = `process.on('SIGTERM', () => require('fs').writeFileSync('asked', '')); require('fs').writeFileSync('pid', String(process.pid)); console.log('{"id":"a longer one"}'); setInterval(() => {}, 1000);`;
  for await (const _ of openSource(node(code), { root, dir: '' }).items(new AbortController().signal)) break;
  expect(existsSync(join(root, 'asked'))).toBe(true);
  const pid = Number(readFileSync(join(root, 'pid'), 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('a program that is faster than its reader waits', async () => {
  const root = makeTempDir();
  // 64 MB; how far it has got stands in a file.
  const code = `const fs = require('fs'); const line = JSON.stringify({t: 'x'.repeat(65536)}) + '\\n';
    for (let n = 1; n <= 1000; n += 1) { fs.writeFileSync('written', String(n)); fs.writeSync(1, line); }`;
  let records = 0;
  let furthestAhead = 0;
  for await (const chunk of openSource(node(code), { root, dir: '' }).items(new AbortController().signal)) {
    records += chunk.length;
    const written = Number(readFileSync(join(root, 'written'), 'utf8'));
    furthestAhead = Math.max(furthestAhead, written - records);
  }
  expect(records).toBe(1000);
  expect(furthestAhead).toBeLessThan(20);
});

test('ready-made requests are refused as records and taken as requests', async () => {
  const line = '{"custom_id":"a","params":{"z":12345678901234567890,"a":1}}\n';
  const command = [process.execPath, '-e', print(line)];
  expect(await readSource(makeTempDir(), sourceOf({ command }))).toMatchObject([
    { kind: 'problem', problem: expect.stringContaining('from "source: {requests: {command: ...}}"') },
  ]);
  expect(await readSource(makeTempDir(), sourceOf({ requests: { command } }))).toMatchObject([
    { kind: 'ready', customId: 'a', paramsJson: '{"z":12345678901234567890,"a":1}' },
  ]);
});
