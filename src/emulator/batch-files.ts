import { closeSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Db } from './database.ts';

const BUFFER_BYTES = 256 * 1024;
const ORPHAN_AGE_MS = 3_600_000;

/** The file with the request lines of a batch: one `{"custom_id","params"}` a line, in the order of the body. */
export function linesFile(stateDir: string, batchId: string): string {
  return join(stateDir, 'emulator', `${encodeURIComponent(batchId)}.jsonl`);
}

/** Where those lines stand while they still come in. The name tells which process writes them. */
export function partialFile(stateDir: string, batchId: string): string {
  return join(stateDir, 'emulator', `${encodeURIComponent(batchId)}.${process.pid}.partial`);
}

/** Writes lines through one buffer; nothing is synced, as only the death of the process is to be survived. */
export interface LineWriter {
  /** Adds one line, given without its newline; line breaks inside become spaces. Returns the length written. */
  write(line: Uint8Array): number;
  close(): void;
}

/** Opens a new file of lines. */
export function openLineWriter(path: string): LineWriter {
  const file = openSync(path, 'wx', 0o600);
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;
  const flush = () => {
    writeAll(file, buffer.subarray(0, used));
    used = 0;
  };
  return {
    write(line) {
      if (used + line.length + 1 > BUFFER_BYTES) flush();
      if (line.length + 1 > BUFFER_BYTES) {
        writeAll(file, withoutBreaks(Buffer.from(line)));
      } else {
        buffer.set(line, used);
        withoutBreaks(buffer.subarray(used, used + line.length));
        used += line.length;
      }
      buffer[used] = 0x0a;
      used += 1;
      return line.length;
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}

/** Removes what killed processes left behind: partial files, and lines whose batch was never committed. */
export function sweepFiles(db: Db, stateDir: string): void {
  const folder = join(stateDir, 'emulator');
  const exists = db.prepare('SELECT 1 FROM batches WHERE id = :id').pluck();
  for (const name of readdirSync(folder)) {
    const pid = /\.(\d+)\.partial$/.exec(name)?.[1];
    const batchId = /^(\w+)\.jsonl$/.exec(name)?.[1];
    const isLeft =
      (pid !== undefined && !isAlive(Number(pid))) ||
      // Another process may be between the rename and its commit: only what is old is certainly nobody's.
      (batchId !== undefined && exists.get({ id: batchId }) === undefined && isOld(join(folder, name)));
    if (isLeft) rmSync(join(folder, name), { force: true });
  }
}

/** In JSON a line break stands between tokens only, where a space means the same. */
function withoutBreaks(bytes: Buffer): Buffer {
  for (const lineBreak of [0x0a, 0x0d]) {
    for (let at = bytes.indexOf(lineBreak); at !== -1; at = bytes.indexOf(lineBreak, at + 1))
      bytes[at] = 0x20;
  }
  return bytes;
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written);
}

function isOld(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  return info !== undefined && Date.now() - info.mtimeMs > ORPHAN_AGE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
