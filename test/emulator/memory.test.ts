import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { call, createBatch, freshFolder, HEADERS, readJson, untilEnded } from './fixture.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ROWS = 30_000;
const LIMIT_KB = 120 * 1024;

/** Copies the emulator without its types: what reads types at run time takes 30 MB, which no release does. */
function writeJavaScript(folder: string): string {
  mkdirSync(join(folder, 'src/emulator'), { recursive: true });
  mkdirSync(join(folder, 'test/emulator'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const names = readdirSync(join(ROOT, 'src/emulator')).map((name) => `src/emulator/${name}`);
  for (const name of [...names, 'test/emulator/child.ts']) {
    const text = stripTypeScriptTypes(readFileSync(join(ROOT, name), 'utf8'));
    writeFileSync(
      join(folder, name.replace(/\.ts$/, '.mjs')),
      text.replace(/(from '\.[^']+)\.ts'/g, "$1.mjs'"),
    );
  }
  return join(folder, 'test/emulator/child.mjs');
}

async function* largeBody(): AsyncGenerator<Uint8Array> {
  const text = 'Some "words" of a prompt,\nand some more of them, größer. '.repeat(35);
  yield Buffer.from('{"requests":[');
  for (let index = 0; index < ROWS; index += 1) {
    const params = {
      model: 'claude-haiku-5-5',
      max_tokens: 1024,
      messages: [{ role: 'user', content: `${index} ${text}` }],
    };
    yield Buffer.from(
      `${index === 0 ? '' : ','}${JSON.stringify({ custom_id: `row-${index}-of-a-large-batch`, params })}`,
    );
  }
  yield Buffer.from(']}');
}

/** The most memory that the process has ever had, in KB. */
function peakKb(pid: number | undefined): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

test.runIf(process.platform === 'linux')(
  'a body of 60 MB is taken and given out in less than 120 MB of memory',
  async () => {
    const folder = freshFolder();
    const child = spawn(process.execPath, [writeJavaScript(folder), join(folder, 'state'), '0.001'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    const emulator = { url: String(line).split(' ')[0] ?? '', accountId: '', close: () => Promise.resolve() };
    await createBatch(emulator);

    const created = await fetch(`${emulator.url}/v1/messages/batches`, {
      method: 'POST',
      headers: HEADERS,
      body: ReadableStream.from(largeBody()),
      duplex: 'half',
    });
    const id = String((await readJson(created))['id']);
    expect((await untilEnded(emulator, id)).request_counts.succeeded).toBe(ROWS);
    const afterCreateKb = peakKb(child.pid);
    const results = await call(emulator, 'GET', `/v1/messages/batches/${id}/results`);
    let lines = 0;
    for await (const chunk of results.body ?? []) for (const byte of chunk) lines += byte === 0x0a ? 1 : 0;
    expect(lines).toBe(ROWS);
    expect(afterCreateKb).toBeLessThan(LIMIT_KB);
    expect(peakKb(child.pid)).toBeLessThan(LIMIT_KB);
  },
);
