import {
  appendFileSync,
  chmodSync,
  closeSync,
  type Dirent,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The key that every test runs with which has no reason for another one. It must be found in no byte that the suite produces:
 * temporary folders are searched before they go, the output of children when they end, and what is left when the suite is
 * over (suite-folder.ts), which fails it.
 *
 * It does not look like a key, so that what masks those (`hideKeys`) hides no leak. Letters and digits alone stay what they
 * are in JSON, URLs and shells.
 */
const CORE = 'cAnArY5q7Wz2Xk9Rv4Tb8Nm3Lp6Hd1Js0';
export const CANARY_KEY = `gw_${CORE}_tail`;

/** Nobody listens on port 1: a test that means the emulator and forgets to say so reaches nobody. */
export const NOWHERE = 'http://127.0.0.1:1';

/** The same bytes in every form in which a key gets into a file. */
const NEEDLES: readonly Buffer[] = [
  Buffer.from(CORE),
  Buffer.from(Buffer.from(CORE).toString('hex')),
  // Of both byte orders: what stands between the first and the last character.
  Buffer.from(CORE, 'utf16le').subarray(0, -1),
  // A text stands in base64 in one of three ways; what depends on its neighbours is cut off.
  ...[0, 1, 2].map((shift) => {
    const whole = Buffer.from(`${'x'.repeat(shift)}${CORE}`).toString('base64');
    return Buffer.from(whole.slice(4, -4));
  }),
];
const LONGEST = Math.max(...NEEDLES.map((needle) => needle.length));
const CHUNK_BYTES = 4 << 20;

export function holdsCanary(bytes: Buffer): boolean {
  return NEEDLES.some((needle) => bytes.includes(needle));
}

/** What was found, a line each, and how much was searched. The suite reads both when it is over. */
export const FOUND = 'canary-found.txt';
export const SEARCHED = 'canary-searched.txt';

/** Searches what a child has printed. */
export function searchOutput(text: string, what: string): void {
  if (holdsCanary(Buffer.from(text))) note(`the output of ${what}`);
}

/** Removes a temporary folder, after it was searched. One that holds the key stays, to be looked at. */
export function searchAndRemove(folder: string): void {
  if (searchFolder(folder)) rmSync(folder, { recursive: true, force: true });
}

/** True when nothing was found. */
export function searchFolder(folder: string): boolean {
  const count = { files: 0, bytes: 0 };
  const found = findIn(folder, count);
  appendFileSync(join(tmpdir(), SEARCHED), `${count.files} ${count.bytes}\n`);
  for (const path of found) note(path);
  return found.length === 0;
}

/** The files below a folder that hold the key, and what bears it in its name. */
export function findIn(folder: string, count = { files: 0, bytes: 0 }): readonly string[] {
  const found: string[] = [];
  walk(folder, found, count);
  return found;
}

function note(what: string): void {
  appendFileSync(join(tmpdir(), FOUND), `${what.replaceAll(CORE, '…')}\n`);
}

function walk(folder: string, found: string[], count: { files: number; bytes: number }): void {
  for (const entry of listing(folder)) {
    const path = join(folder, entry.name);
    if (holdsCanary(Buffer.from(entry.name))) found.push(path);
    if (entry.isDirectory()) walk(path, found, count);
    // A link is another folder's, and a pipe would wait.
    if (!entry.isFile() || entry.name === FOUND) continue;
    count.files += 1;
    count.bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (fileHoldsCanary(path)) found.push(path);
  }
}

function listing(folder: string): readonly Dirent[] {
  return whatever(folder, 0o700, () => readdirSync(folder, { withFileTypes: true })) ?? [];
}

function fileHoldsCanary(path: string): boolean {
  const fd = whatever(path, 0o600, () => openSync(path, 'r'));
  if (fd === null) return false;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES + LONGEST);
    for (let kept = 0; ; ) {
      const read = readSync(fd, buffer, kept, CHUNK_BYTES, null);
      if (read === 0) return false;
      const filled = kept + read;
      if (holdsCanary(buffer.subarray(0, filled))) return true;
      // A needle may be cut in two by the end of a chunk.
      kept = Math.min(filled, LONGEST - 1);
      buffer.copy(buffer, 0, filled - kept, filled);
    }
  } finally {
    closeSync(fd);
  }
}

/** What a test has closed to us is opened; what is gone, since a program was still at work, is null. */
function whatever<T>(path: string, mode: number, work: () => T): T | null {
  for (const isLast of [false, true]) {
    try {
      return work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'ENOENT') return null;
      if (code !== 'EACCES' || isLast) throw error;
      chmodSync(path, mode);
    }
  }
  return null;
}
